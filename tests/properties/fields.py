"""Scenes in which the fields of policy-side documents matter: for `test_every_field`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from reconciler.fleet import schema

Body = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The document that is looked at, the documents around it, and what was rendered before (by default nothing)."""

    subject: Body
    around: tuple[Body, ...] = ()
    before: tuple[Body, ...] = ()
    others: tuple[Body, ...] = ()
    """The document with several fields changed that can only be changed together."""


def document(kind: str, spec: Body, name: str = "subject", **metadata: Any) -> Body:
    """A policy-side document; in the namespace `shop` where its kind has one."""
    group = next(group for group, known in schema.KIND_SCOPES if known == kind)
    metadata = {"name": name, **metadata}
    if schema.KIND_SCOPES[group, kind]:
        metadata["namespace"] = "shop"
    return {"apiVersion": schema.version_of(group, kind), "kind": kind, "metadata": metadata, "spec": spec}


def cluster(name: str, *, memory: str = "64Gi", pods: int = 40, **spec: Any) -> Body:
    """A cluster that says what it serves and how much room there is."""
    labels = {"tier": name.partition("-")[0], **({"gpu": "yes"} if name == "us-1" else {})}
    served = {
        "v1": ("ConfigMap", "Namespace", "Secret"),
        "apps/v1": ("Deployment", "StatefulSet"),
        "example.com/v1": ("Gadget",),
    }
    status = {
        "apiEnablements": [
            {"groupVersion": version, "resources": [{"name": kind.lower(), "kind": kind} for kind in kinds]}
            for version, kinds in served.items()
        ],
        "conditions": [{"type": each, "status": "True"} for each in ("Ready", "CompleteAPIEnablements")],
        "resourceSummary": {"allocatable": {"cpu": "64", "memory": memory, "pods": str(pods)}},
    }
    spec = {"syncMode": "Push", "resourceModels": [], **spec}
    return {**document("Cluster", spec, name, labels=labels), "status": status}


def workload(name: str, *, kind: str = "Deployment", memory: str = "", replicas: int = 6, **pod: Any) -> Body:
    """A workload that has everything that an override may change."""
    container: Body = {"name": "web", "image": "a.example/web:v1", "command": ["web"], "args": ["--all"]}
    if memory:
        container["resources"] = {"requests": {"memory": memory}}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "containers": [container],
                    "initContainers": [{"name": "first", "image": "a.example/first:v1"}],
                    **pod,
                },
            },
        },
    }


CLUSTERS: Final = (
    cluster(
        "edge-1",
        region="europe",
        zones=["b"],
        provider="one",
        taints=[{"key": "edge", "value": "yes", "effect": "NoSchedule"}],
    ),
    cluster("eu-1", region="europe", zones=["a"], provider="one", memory="32Gi", pods=20),
    cluster("eu-2", region="europe", zones=["b"], provider="one"),
    cluster("us-1", region="america", zones=["a"], provider="two", memory="128Gi", pods=80),
)
WEB: Final = workload("web")
OTHER: Final = workload("other")
SETTINGS: Final[Body] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "namespace": "shop", "annotations": {"note": "old"}},
    "data": {"a.json": '{"a":1,"b":2}', "a.yaml": "a: 1\nb: 2\n", "b.json": "{}", "b.yaml": "{}\n"},
}
ELSEWHERE: Final[Body] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "namespace": "rest"},
}
SECRET: Final[Body] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "password", "namespace": "shop"},
    "stringData": {"a": "b"},
}
GADGET: Final[Body] = {
    "apiVersion": "example.com/v1",
    "kind": "Gadget",
    "metadata": {"name": "gadget", "namespace": "shop"},
    "spec": {"size": 4},
}
DEPLOYMENT: Final = {"apiVersion": "apps/v1", "kind": "Deployment"}
CONFIG_MAP: Final = {"apiVersion": "v1", "kind": "ConfigMap"}
EVERYWHERE: Final = document(
    "ClusterPropagationPolicy", {"resourceSelectors": [DEPLOYMENT, CONFIG_MAP]}, "everywhere"
)
WEIGHTED: Final[Body] = {"replicaSchedulingType": "Divided", "replicaDivisionPreference": "Weighted"}
AGGREGATED: Final[Body] = {"replicaSchedulingType": "Divided", "replicaDivisionPreference": "Aggregated"}
DYNAMIC: Final[Body] = {**WEIGHTED, "weightPreference": {"dynamicWeight": "AvailableReplicas"}}

# Each way to say which clusters; and which objects.
AFFINITIES: Final[tuple[Body, ...]] = (
    {"labelSelector": {"matchLabels": {"tier": "eu"}}},
    {"labelSelector": {"matchExpressions": [{"key": "tier", "operator": "In", "values": ["eu"]}]}},
    {"fieldSelector": {"matchExpressions": [{"key": "region", "operator": "In", "values": ["europe"]}]}},
    {"clusterNames": ["eu-1", "eu-2"], "exclude": ["eu-2"]},
)
SELECTORS: Final[tuple[Body, ...]] = (
    {**CONFIG_MAP, "namespace": "shop"},
    {**DEPLOYMENT, "name": "web"},
    {**DEPLOYMENT, "labelSelector": {"matchLabels": {"app": "web"}}},
    {
        **DEPLOYMENT,
        "labelSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]},
    },
)
# Each overrider, with the object that it is for.
OVERRIDERS: Final[tuple[tuple[Body, Body], ...]] = (
    (DEPLOYMENT, {"imageOverrider": [{"component": "Tag", "operator": "add", "value": "-new"}]}),
    (
        DEPLOYMENT,
        {
            "imageOverrider": [
                {
                    "predicate": {"path": "/spec/template/spec/containers/0/image"},
                    "component": "Registry",
                    "operator": "replace",
                    "value": "b.example",
                }
            ]
        },
    ),
    (DEPLOYMENT, {"commandOverrider": [{"containerName": "web", "operator": "add", "value": ["--x"]}]}),
    (DEPLOYMENT, {"argsOverrider": [{"containerName": "web", "operator": "remove", "value": ["--all"]}]}),
    (DEPLOYMENT, {"labelsOverrider": [{"operator": "add", "value": {"a": "b"}}]}),
    (DEPLOYMENT, {"annotationsOverrider": [{"operator": "add", "value": {"a": "b"}}]}),
    (DEPLOYMENT, {"plaintext": [{"path": "/spec/paused", "operator": "add", "value": True}]}),
    (
        CONFIG_MAP,
        {
            "fieldOverrider": [
                {"fieldPath": "/data/a.json", "json": [{"subPath": "/c", "operator": "add", "value": 2}]}
            ]
        },
    ),
    (
        CONFIG_MAP,
        {
            "fieldOverrider": [
                {"fieldPath": "/data/a.yaml", "yaml": [{"subPath": "/c", "operator": "add", "value": 2}]}
            ]
        },
    ),
)


def scenes() -> Iterator[Scene]:
    """All of them. Cluster-scoped policies share the schema of the namespaced ones, and are not repeated."""
    yield from _placements()
    yield from _other_fields_of_a_policy()
    yield from _overrides()
    yield from _clusters()
    yield from _customizations()
    yield from _settings()


def policy(spec: Body, name: str = "subject") -> Body:
    """A PropagationPolicy, for Deployments if it does not say for what."""
    return document("PropagationPolicy", {"resourceSelectors": [DEPLOYMENT], **spec}, name)


def placed(**placement: Any) -> Body:
    """A PropagationPolicy with that placement."""
    return policy({"placement": placement})


def _labelled(body: Body, **labels: str) -> Body:
    """The object with those labels as well."""
    metadata = body["metadata"]
    return {**body, "metadata": {**metadata, "labels": {**metadata["labels"], **labels}}}


def _placements() -> Iterator[Scene]:
    for affinity in AFFINITIES:
        yield Scene(subject=placed(clusterAffinity=affinity), around=(WEB,))
        yield Scene(subject=placed(clusterAffinities=[{"affinityName": "first", **affinity}]), around=(WEB,))
        more = {"affinityName": "more", **affinity}
        term = {"affinityName": "first", "clusterNames": ["us-1"], "overflowAffinities": [more]}
        full = workload("web", memory="20Gi", replicas=7)
        yield Scene(subject=placed(clusterAffinities=[term], replicaScheduling=AGGREGATED), around=(full,))
        weights = [
            {"targetCluster": affinity, "weight": 3},
            {"targetCluster": {"clusterNames": ["us-1"]}, "weight": 1},
        ]
        yield Scene(
            subject=placed(replicaScheduling={**WEIGHTED, "weightPreference": {"staticWeightList": weights}}),
            around=(WEB,),
        )
    full = {"affinityName": "full", "clusterNames": ["edge-1"]}
    terms = [full, {"affinityName": "rest", "clusterNames": ["eu-1"]}]
    yield Scene(
        subject=placed(clusterAffinities=terms), around=(WEB,), before=(WEB, placed(clusterAffinities=terms))
    )
    for toleration in (
        {"key": "edge", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 60},
        {"key": "edge", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "gpu", "operator": "Equal", "value": "yes"},
    ):
        tainted = cluster("eu-3", taints=[{"key": "gpu", "value": "yes", "effect": "NoSchedule"}])
        yield Scene(subject=placed(clusterTolerations=[toleration]), around=(WEB, tainted))
    spread = [
        {"spreadByField": "cluster", "minGroups": 2, "maxGroups": 2},
        {"spreadByField": "region", "minGroups": 2, "maxGroups": 2},
    ]
    yield Scene(subject=placed(spreadConstraints=spread), around=(WEB,))
    yield Scene(subject=placed(spreadConstraints=[spread[0]]), around=(WEB,))
    by_label = {"spreadByLabel": "tier", "minGroups": 1, "maxGroups": 1}
    yield Scene(subject=placed(spreadConstraints=[spread[0], by_label]), around=(WEB,))
    yield Scene(subject=placed(replicaScheduling={"replicaSchedulingType": "Divided"}), around=(WEB,))
    yield Scene(subject=placed(replicaScheduling=WEIGHTED), around=(WEB,))
    yield Scene(subject=placed(replicaScheduling=DYNAMIC), around=(WEB,))
    team = {"groupByLabelKey": "team"}
    pair = (_labelled(WEB, team="a"), _labelled(OTHER, team="a"))
    one = [{"spreadByField": "cluster", "minGroups": 1, "maxGroups": 1}]
    yield Scene(subject=placed(spreadConstraints=one, workloadAffinity={"antiAffinity": team}), around=pair)
    pinned = {"clusterAffinity": {"clusterNames": ["us-1"]}, "workloadAffinity": {"affinity": team}}
    first = policy({"resourceSelectors": [{**DEPLOYMENT, "name": "other"}], "placement": pinned}, "first")
    yield Scene(subject=placed(workloadAffinity={"affinity": team}), around=(*pair, first))


def _other_fields_of_a_policy() -> Iterator[Scene]:
    world = (WEB, OTHER, SETTINGS, ELSEWHERE, workload("web", kind="StatefulSet"))
    for selector in SELECTORS:
        spec = {"resourceSelectors": [selector]}
        yield Scene(subject=document("ClusterPropagationPolicy", spec), around=world)
        yield Scene(subject=document("PropagationPolicy", spec), around=world)
    owner = workload("web", volumes=[{"name": "s", "configMap": {"name": "settings"}}])
    yield Scene(subject=policy({"propagateDeps": True, "association": True}), around=(owner, SETTINGS))
    rules = {"rules": [{"aliasLabelName": "state", "jsonPath": "{.job}"}]}
    application = {
        "decisionConditions": {"tolerationSeconds": 60},
        "purgeMode": "Gracefully",
        "gracePeriodSeconds": 60,
        "statePreservation": rules,
    }
    yield Scene(
        subject=policy({"propagateDeps": True, "failover": {"application": application}}), around=(WEB,)
    )
    away = {"cluster": {"purgeMode": "Directly", "statePreservation": rules}}
    yield Scene(subject=policy({"failover": away}), around=(WEB,))
    yield Scene(subject=policy({"dependentOverrides": ["present"]}), around=(WEB, _labelling("present")))
    yield Scene(subject=policy({"schedulerName": "another"}), around=(WEB,))
    yield Scene(subject=policy({"conflictResolution": "Overwrite"}), around=(WEB,))
    yield Scene(subject=policy({"suspension": {"dispatching": True}}), around=(WEB,))
    yield Scene(
        subject=policy({"suspension": {"dispatchingOnClusters": {"clusterNames": ["eu-1"]}}}), around=(WEB,)
    )
    yield Scene(subject=policy({"preserveResourcesOnDeletion": True}), around=(WEB,))
    rival = policy({"priority": 3, "placement": {"clusterAffinity": {"clusterNames": ["us-1"]}}}, "rival")
    named = {"resourceSelectors": [{**DEPLOYMENT, "name": "web"}]}
    yield Scene(subject=policy({"priority": 2}), around=(WEB, rival))
    yield Scene(
        subject=policy({**named, "priority": 4, "preemption": "Always"}),
        around=(WEB, rival),
        before=(WEB, rival),
    )
    lazy = {"activationPreference": "Lazy"}
    narrow = {"placement": {"clusterAffinity": {"clusterNames": ["us-1"]}}}
    yield Scene(subject=policy({**lazy, **narrow}), around=(WEB,), before=(WEB, policy(lazy)))
    classes = tuple(
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name},
            "value": value,
        }
        for name, value in (("high", 100), ("low", -100))
    )
    first = {"schedulePriority": {"priorityClassSource": "KubePriorityClass", "priorityClassName": "high"}}
    narrow = {"clusterAffinity": {"clusterNames": ["eu-1"]}, "replicaScheduling": AGGREGATED}
    others = policy({"placement": narrow, "resourceSelectors": [{**DEPLOYMENT, "name": "other"}]}, "others")
    yield Scene(
        subject=policy({**named, **first, "placement": narrow}),
        around=(workload("web", memory="4Gi"), workload("other", memory="4Gi"), others, *classes),
    )


def _labelling(name: str) -> Body:
    return document("OverridePolicy", _rule({}), name)


def _rule(target: Body) -> Body:
    overriders = {"labelsOverrider": [{"operator": "add", "value": {"a": "b"}}]}
    return {"overriders": overriders, **({"targetCluster": target} if target else {})}


def _overrides() -> Iterator[Scene]:
    world = (WEB, OTHER, SETTINGS, ELSEWHERE, workload("web", kind="StatefulSet"), EVERYWHERE)
    for affinity in AFFINITIES:
        yield Scene(subject=document("OverridePolicy", {"overrideRules": [_rule(affinity)]}), around=world)
        yield Scene(subject=document("OverridePolicy", _rule(affinity)), around=world)
    for selector in SELECTORS:
        spec = {"resourceSelectors": [selector], "overrideRules": [_rule({})]}
        yield Scene(subject=document("ClusterOverridePolicy", spec), around=world)
        yield Scene(subject=document("OverridePolicy", spec), around=world)
    for selector, overriders in OVERRIDERS:
        about = {"resourceSelectors": [selector]}
        for spec in (
            {**about, "overrideRules": [{"overriders": overriders}]},
            {**about, "overriders": overriders},
        ):
            yield Scene(subject=document("OverridePolicy", spec), around=world)


def _clusters() -> Iterator[Scene]:
    tolerating = placed(
        clusterTolerations=[{"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}]
    )
    taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    yield Scene(subject=cluster("eu-3", taints=[taint]), around=(WEB, tolerating))
    late = {**taint, "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"}
    yield Scene(subject=cluster("eu-3", taints=[late]), around=(WEB, tolerating))
    for key, values in (("region", ["europe"]), ("zone", ["a"]), ("provider", ["one"])):
        selector = {"matchExpressions": [{"key": key, "operator": "In", "values": values}]}
        around = (WEB, placed(clusterAffinity={"fieldSelector": selector}))
        yield Scene(subject=cluster("eu-3", region="europe", provider="one", zones=["a"]), around=around)
        yield Scene(subject=cluster("eu-3", zone="a"), around=around)
    secret = {"namespace": "fleet-reconciler", "name": "eu-3"}
    yield Scene(subject=cluster("eu-3", impersonatorSecretRef=secret), around=(WEB,))
    yield Scene(subject=cluster("eu-3", insecureSkipTLSVerification=True), around=(WEB,))
    yield Scene(subject=cluster("eu-3", id="abc"), around=(WEB,))
    dividing = placed(replicaScheduling=DYNAMIC)
    yield Scene(
        subject=_modelled("memory", "8Gi"),
        others=(_modelled("memory", "10Gi"), _modelled("ephemeral-storage", "8Gi")),
        around=(workload("web", memory="5Gi"), dividing),
    )


def _modelled(resource: str, border: str) -> Body:
    """A cluster with one node below `border` and twenty above it."""
    ranges = (("0", border), (border, "64Gi"))
    models = [
        {"grade": grade, "ranges": [{"name": resource, "min": least, "max": most}]}
        for grade, (least, most) in enumerate(ranges)
    ]
    body = cluster("eu-3", resourceModels=models)
    counts = [{"grade": 0, "count": 1}, {"grade": 1, "count": 20}]
    body["status"]["resourceSummary"]["allocatableModelings"] = counts
    return body


def _customizations() -> Iterator[Scene]:
    gadgets = policy(
        {
            "resourceSelectors": [{"apiVersion": "example.com/v1", "kind": "Gadget"}],
            "propagateDeps": True,
            "placement": {"replicaScheduling": WEIGHTED},
        },
        "gadgets",
    )
    scopes = document(
        "FleetConfig",
        {"scopes": [{"group": "example.com", "kind": "Gadget", "namespaced": True}]},
        "settings",
    )
    scripts = {
        "replicaResource": "function GetReplicas(o) return o.spec.size end",
        "replicaRevision": "function ReviseReplica(o, n) o.spec.size = n return o end",
        "dependencyInterpretation": "function GetDependencies(o) "
        "return {{apiVersion='v1', kind='ConfigMap', namespace='shop', name='settings'}} end",
    }
    for more in ({}, {"componentResource": "function GetComponents(o) return {} end"}):
        rules = {name: {"luaScript": script} for name, script in {**scripts, **more}.items()}
        spec = {"target": {"apiVersion": "example.com/v1", "kind": "Gadget"}, "customizations": rules}
        yield Scene(
            subject=document("ResourceInterpreterCustomization", spec),
            around=(GADGET, SETTINGS, gadgets, scopes),
        )


def _settings() -> Iterator[Scene]:
    approved = {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}
    spec: Body = {
        "objects": [approved],
        "clusters": ["eu-*"],
        "expires": "2026-12-31T00:00:00Z",
        "reason": "moving",
    }
    yield Scene(subject=document("Approval", spec), around=(WEB,))
    homeless = {**SETTINGS, "metadata": {"name": "settings"}}
    world = (WEB, homeless, SECRET, EVERYWHERE)
    guards = {"maxDeletions": 5, "maxDeletionPercent": 10, "protectedKinds": ["Namespace"]}
    scope = {"group": "example.com", "kind": "Gadget", "namespaced": True}
    for spec in (
        {"defaultNamespaces": [{"path": "/", "namespace": "shop"}]},
        {"skippedNamespaces": ["shop"]},
        {"secrets": "warn"},
        {"secretRules": [{"path": "*.json", "mode": "allow"}]},
        {"secretRules": [{"name": "shop/password", "mode": "allow"}]},
        {"guards": guards},
        {"suspend": True},
        {"suspendedClusters": ["eu-*"]},
        {"observeClusters": ["eu-*"]},
        {"statusInterval": "5m"},
        {"include": ["*.json"]},
    ):
        yield Scene(subject=document("FleetConfig", spec, "settings"), around=world)
    yield Scene(subject=document("FleetConfig", {"scopes": [scope]}, "settings"), around=(GADGET,))
    crowd = (workload("web", memory="4Gi"), workload("other", memory="4Gi"))
    narrow = placed(clusterAffinity={"clusterNames": ["eu-1"]}, replicaScheduling=AGGREGATED)
    yield Scene(
        subject=document("FleetConfig", {"independentScheduling": True}, "settings"), around=(*crowd, narrow)
    )
