"""Built-in kinds of another shape end in problems, so that nothing further down meets what it cannot read."""

import copy
import json
import random

import pytest

from reconciler.fleet.finding import field_text
from reconciler.fleet.shapes import check_shape
from reconciler.loop.decide import decide
from reconciler.model.observation import Observation
from reconciler.model.tree import PreviousRender
from tests.unit.fleet.sources import cluster, source

POD = {
    "containers": [
        {
            "name": "web",
            "image": "example.com/web:1",
            "command": ["run"],
            "args": ["--fast"],
            "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}],
            "envFrom": [{"secretRef": {"name": "s"}}],
            "resources": {"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"nvidia.com/gpu": "1"}},
        }
    ],
    "initContainers": [{"name": "i", "image": "x"}],
    "volumes": [
        {"name": "v", "configMap": {"name": "c"}},
        {"name": "p", "projected": {"sources": [{"secret": {"name": "s"}}]}},
        {"name": "q", "persistentVolumeClaim": {"claimName": "p"}},
    ],
    "serviceAccountName": "sa",
    "imagePullSecrets": [{"name": "x"}],
    "nodeSelector": {"a": "b"},
    "tolerations": [{"key": "a"}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]
            }
        }
    },
    "overhead": {"cpu": "1m"},
}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": POD}
JOB = {
    "parallelism": 2,
    "completions": 4,
    "template": TEMPLATE,
    "selector": {"matchLabels": {"controller-uid": "x"}},
}
WORKLOAD = {"replicas": 3, "selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}
OBJECTS = [
    ("apps/v1", "Deployment", {"spec": WORKLOAD}),
    ("apps/v1", "ReplicaSet", {"spec": WORKLOAD}),
    ("apps/v1", "DaemonSet", {"spec": {"template": TEMPLATE}}),
    ("apps/v1", "StatefulSet", {"spec": {**WORKLOAD, "volumeClaimTemplates": [{"metadata": {"name": "d"}}]}}),
    ("batch/v1", "Job", {"spec": JOB}),
    ("batch/v1", "CronJob", {"spec": {"jobTemplate": {"spec": JOB}}}),
    ("v1", "Pod", {"spec": POD}),
    ("v1", "Service", {"spec": {"clusterIP": "10.0.0.1", "ports": [{"port": 80}], "type": "LoadBalancer"}}),
    ("v1", "ServiceAccount", {"secrets": [{"name": "web-token-1"}], "imagePullSecrets": [{"name": "p"}]}),
    ("v1", "PersistentVolumeClaim", {"spec": {"volumeName": "x"}}),
    ("v1", "ConfigMap", {"data": {"a": "b"}}),
    ("v1", "Namespace", {}),
    ("networking.k8s.io/v1", "Ingress", {"spec": {"tls": [{"secretName": "x"}]}}),
    (
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        {"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}},
    ),
    ("policy/v1", "PodDisruptionBudget", {"spec": {"selector": {"matchLabels": {"a": "b"}}}}),
    (
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        {
            "spec": {
                "group": "example.com",
                "names": {"kind": "Widget", "plural": "widgets"},
                "scope": "Namespaced",
                "versions": [{"name": "v1", "served": True}],
            }
        },
    ),
]
OVERRIDES = {
    "apiVersion": "policy.karmada.io/v1alpha1",
    "kind": "ClusterOverridePolicy",
    "metadata": {"name": "all"},
    "spec": {
        "overrideRules": [
            {
                "overriders": {
                    "imageOverrider": [{"component": "Registry", "operator": "add", "value": "a.b"}],
                    "commandOverrider": [{"containerName": "web", "operator": "add", "value": ["x"]}],
                    "argsOverrider": [{"containerName": "web", "operator": "remove", "value": ["x"]}],
                    "labelsOverrider": [{"operator": "add", "value": {"a": "b"}}],
                }
            }
        ]
    },
}
VALUES = [
    None,
    True,
    5,
    -1,
    2**62,
    1.5,
    "x",
    "",
    [],
    {},
    [1],
    ["a"],
    [None],
    {"a": 1},
    {"a": None},
    [[]],
    {"name": 5},
]


def document(api, kind, more):
    return copy.deepcopy(
        {"apiVersion": api, "kind": kind, "metadata": {"name": "web", "labels": {"x": "1"}}, **more}
    )


@pytest.mark.parametrize(("api", "kind", "more"), OBJECTS, ids=[kind for _, kind, _ in OBJECTS])
def test_an_object_as_kubernetes_takes_it_is_taken(api, kind, more):
    assert check_shape(api.rpartition("/")[0], kind, document(api, kind, more)) == ()


@pytest.mark.parametrize(
    ("group", "kind", "more", "found"),
    [
        ("apps", "Deployment", {"spec": []}, "spec: spec must be a mapping, not a list"),
        (
            "apps",
            "Deployment",
            {"spec": {"replicas": -1}},
            "spec.replicas: spec.replicas is -1; the least is 0",
        ),
        (
            "",
            "Secret",
            {"stringData": {"token": 12345}},
            "stringData.token: stringData.token must be text, not a whole number",
        ),
        (
            "",
            "Pod",
            {"spec": {"containers": [{"resources": {"limits": {"cpu": True}}}]}},
            (
                "spec.containers[0].resources.limits.cpu: spec.containers[0].resources.limits.cpu must be "
                "a quantity such as 500m, 2 or 1Gi, not true or false"
            ),
        ),
        ("apiextensions.k8s.io", "CustomResourceDefinition", {}, "the document: spec is missing"),
    ],
)
def test_another_shape_is_said_at_its_field(group, kind, more, found):
    (finding,) = check_shape(group, kind, {"kind": kind, **more})
    assert finding.code == "R146"
    assert f"{field_text(finding.path)}: {finding.message}" == found


def test_null_and_unread_fields_are_not_judged():
    body = {"spec": {"replicas": None, "template": None, "strategy": 7}, "status": []}
    assert check_shape("apps", "Deployment", body) == ()
    assert check_shape("example.com", "Deployment", {"spec": 5}) == ()


@pytest.mark.parametrize("seed", range(4))
def test_no_template_brings_the_decision_down(seed):
    """Real kinds with one or two values replaced: placed, divided, overridden, interpreted, or refused; never raised."""
    chance = random.Random(seed)
    for _ in range(100):
        api, kind, more = chance.choice(OBJECTS)
        body = document(api, kind, more)
        for _ in range(chance.choice([1, 1, 2])):
            places = [place for place in _places(body) if place[1] not in ("apiVersion", "kind")]
            container, key = chance.choice(places)
            container[key] = copy.deepcopy(chance.choice(VALUES))
        policy = {
            "apiVersion": "policy.karmada.io/v1alpha1",
            "kind": "ClusterPropagationPolicy",
            "metadata": {"name": "all"},
            "spec": {
                "propagateDeps": True,
                "placement": {"replicaScheduling": {}},
                "resourceSelectors": [{"apiVersion": api, "kind": kind}],
            },
        }
        files = {
            "template.json": json.dumps(body),
            "policy.json": json.dumps(policy),
            "overrides.json": json.dumps(OVERRIDES),
            "clusters.yaml": cluster("a") + "---\n" + cluster("b"),
        }
        given = source(files)
        decide(given, Observation(), PreviousRender(), now=given.time, assume_unreported=True)


def _places(value):
    if isinstance(value, dict):
        for key, child in value.items():
            yield value, key
            yield from _places(child)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield value, index
            yield from _places(child)
