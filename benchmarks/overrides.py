"""Override policies applied and statuses merged, a second. The floor is one `orjson` dump of the same objects.

Run with the collector off, as the renderer runs.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

import orjson

from reconciler.interpreter.registry import NATIVE
from reconciler.model.binding import Binding, TargetCluster
from reconciler.model.cluster import Cluster
from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Body, Manifest, Origin
from reconciler.model.override import OverridePolicy
from reconciler.overrides.apply import apply_overrides
from reconciler.overrides.decode import decode_override_policy
from reconciler.overrides.prepare import prepare
from reconciler.render.works import Tools, works_for

_TEMPLATES, _CLUSTERS, _MEMBERS, _PASSES = 500, 50, 10, 7


def scenarios() -> list[dict[str, Any]]:
    """The rows of this file: scenario, value, unit, floor, ratio."""
    return [_applied(), _rendered(), _image(), _aggregated(), _reflected()]


def _applied() -> dict[str, Any]:
    """Labels, an annotation and a patch from one policy of each scope, on one cluster at a time."""
    templates, clusters = deployments(), _clusters()
    cluster_wide, own = [_labels_policy()], [_patch_policy()]
    bodies = [apply_overrides(one.body, clusters[0], cluster_wide, own).body for one in templates]

    def once() -> None:
        for number, template in enumerate(templates):
            apply_overrides(template.body, clusters[number % _CLUSTERS], cluster_wide, own)

    return row("overrides: labels and patch, one object on one cluster", len(templates), once, dump(bodies))


def _image() -> dict[str, Any]:
    templates, clusters, policies = deployments(), _clusters(), [_image_policy()]
    bodies = [apply_overrides(one.body, clusters[0], (), policies).body for one in templates]

    def once() -> None:
        for number, template in enumerate(templates):
            apply_overrides(template.body, clusters[number % _CLUSTERS], (), policies)

    return row("overrides: image, one object on one cluster", len(templates), once, dump(bodies))


def _rendered() -> dict[str, Any]:
    """Everything between a binding and the bytes, for all clusters in four regions; the floor dumps the distinct objects."""
    templates, clusters = deployments(), _clusters()
    names = [cluster.name for cluster in clusters]
    tools = Tools(overrides=prepare([_labels_policy(), _patch_policy()], clusters), interpreters=NATIVE)
    targets = tuple(TargetCluster(name=name, replicas=3) for name in names)
    bindings = [
        Binding(resource=one.id, api_version=one.api_version, clusters=targets, replicas=3)
        for one in templates
    ]
    rendered = [
        work.body
        for template, binding in zip(templates, bindings, strict=True)
        for work in works_for(template, binding, names, tools)
    ]

    def once() -> None:
        for template, binding in zip(templates, bindings, strict=True):
            works_for(template, binding, names, tools)

    scenario = f"overrides: templates rendered for {_CLUSTERS} clusters, {len(rendered) // len(templates)} contents each"
    return row(scenario, len(templates), once, dump(rendered))


def _aggregated() -> dict[str, Any]:
    templates = deployments()
    items = [
        {
            "clusterName": f"member-{number:02d}",
            "applied": True,
            "health": "Healthy",
            "status": {
                "generation": 4,
                "observedGeneration": 4,
                "replicas": 3,
                "updatedReplicas": 3,
                "readyReplicas": 3,
                "availableReplicas": 3,
            },
        }
        for number in range(_MEMBERS)
    ]

    def once() -> None:
        for template in templates:
            NATIVE.aggregate(template.body, items)

    scenario = f"status: Deployments merged over {_MEMBERS} clusters"
    return row(scenario, len(templates), once, dump([[one.body, items] for one in templates]))


def _reflected() -> dict[str, Any]:
    """What an observer asks of each live object: its status, its health and its readiness."""
    live = [
        {
            **one.body,
            "status": {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3},
        }
        for one in deployments()
    ]

    def once() -> None:
        for body in live:
            NATIVE.reflect(body)
            NATIVE.health(body)
            NATIVE.readiness(body)

    return row("status: reflected, with health and readiness", len(live), once, dump(live))


def deployments() -> list[Manifest]:
    """What the rows of this file and of `lua` are about."""
    return [_manifest(_deployment(f"app-{number:04d}")) for number in range(_TEMPLATES)]


def _deployment(name: str) -> Body:
    containers = [
        {
            "name": f"{name}-{part}",
            "image": f"registry.example.com/team/{name}-{part}:1.{part}",
            "args": ["--port=8080", "--log-level=info"],
            "env": [{"name": f"VARIABLE_{number}", "value": f"value-{number}"} for number in range(6)],
            "ports": [{"containerPort": 8080, "protocol": "TCP"}],
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
            "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5},
        }
        for part in range(2)
    ]
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop", "labels": labels},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"serviceAccountName": name, "containers": containers},
            },
        },
    }


def _clusters() -> list[Cluster]:
    return [
        Cluster(name=f"member-{number:02d}", region=f"region-{number % 4}") for number in range(_CLUSTERS)
    ]


def _labels_policy() -> OverridePolicy:
    return _policy(
        "ClusterOverridePolicy",
        [
            {
                "targetCluster": {"fieldSelector": {"matchExpressions": [_region(f"region-{number}")]}},
                "overriders": {
                    "labelsOverrider": [{"operator": "add", "value": {"region": f"region-{number}"}}]
                },
            }
            for number in range(4)
        ],
    )


def _patch_policy() -> OverridePolicy:
    path = "/spec/template/spec/containers/0/env/0/value"
    overriders = {
        "annotationsOverrider": [{"operator": "add", "value": {"team": "shop"}}],
        "plaintext": [{"path": path, "operator": "replace", "value": "changed"}],
    }
    return _policy("OverridePolicy", [{"overriders": overriders}])


def _image_policy() -> OverridePolicy:
    item = {"component": "Registry", "operator": "replace", "value": "mirror.example.com"}
    return _policy("OverridePolicy", [{"overriders": {"imageOverrider": [item]}}])


def _region(name: str) -> Body:
    return {"key": "region", "operator": "In", "values": [name]}


def _policy(kind: str, rules: list[Body]) -> OverridePolicy:
    metadata = {"name": "policy", **({"namespace": "shop"} if kind == "OverridePolicy" else {})}
    selectors = [{"apiVersion": "apps/v1", "kind": "Deployment"}]
    return decode_override_policy(
        _manifest(
            {
                "apiVersion": "policy.karmada.io/v1alpha1",
                "kind": kind,
                "metadata": metadata,
                "spec": {"resourceSelectors": selectors, "overrideRules": rules},
            }
        )
    )


def _manifest(body: Body) -> Manifest:
    return Manifest(id=id_of_body(body), body=body, origin=Origin(path="benchmark.yaml"))


def dump(values: list[Any]) -> Callable[[], None]:
    """The floor: one `orjson` dump of each."""

    def once() -> None:
        for value in values:
            orjson.dumps(value)

    return once


def row(scenario: str, count: int, once: Callable[[], None], floor: Callable[[], None]) -> dict[str, Any]:
    """One row: how often a second, beside its floor."""
    gc.collect()
    gc.disable()
    try:
        value, least = _median(once), _median(floor)
    finally:
        gc.enable()
    return {
        "scenario": scenario,
        "value": round(count / value),
        "unit": "1/s",
        "floor": round(count / least),
        "ratio": round(value / least, 2),
    }


def _median(once: Callable[[], None]) -> float:
    once()
    times = []
    for _ in range(_PASSES):
        start = time.perf_counter()
        once()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
