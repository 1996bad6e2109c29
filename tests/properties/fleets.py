"""Small random fleets, and random changes to them, for the laws of rendering."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from reconciler.fleet.assemble import assemble
from reconciler.manifests.emit import emit
from reconciler.model.cluster import ApiResources, ClusterStatus, Condition, ResourceSummary
from reconciler.model.fleet import Fleet, Source, SourceFile
from reconciler.model.observation import ClusterReport, Observation
from reconciler.model.quantity import parse_quantity
from reconciler.model.tree import PreviousRender

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("a", "b", "c", "d")
REGIONS = {"a": "north", "b": "north", "c": "south", "d": ""}
KINDS = {"v1": ("ConfigMap", "Namespace", "ServiceAccount"), "apps/v1": ("Deployment",), "batch/v1": ("Job",)}


@dataclass(frozen=True, kw_only=True)
class World:
    """A repository and its facts: documents by file name, texts of broken files, and what each cluster reported."""

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    reports: dict[str, str] = field(default_factory=dict)
    """Cluster to the status of its Ready condition; a cluster that is missing never reported."""
    tick: int = 0

    def source(self, seed: int | None = None) -> Source:
        files = [
            SourceFile(path=f"{name}.yaml", data=b"a: [\n" if name in self.broken else emit(body))
            for name, body in sorted(self.documents.items())
        ]
        if seed is not None:
            random.Random(seed).shuffle(files)
        return Source(commit="", time=self.now, files=tuple(files))

    def fleet(self, previous: PreviousRender, seed: int | None = None) -> Fleet:
        paths = frozenset(
            binding.source_path for binding in previous.bindings.values() if binding.source_path
        )
        return assemble(self.source(seed), previous_paths=paths)

    @property
    def now(self) -> datetime:
        return START + timedelta(minutes=self.tick)

    def observation(self) -> Observation:
        return Observation(
            clusters={
                name: ClusterReport(name=name, status=_status(ready))
                for name, ready in sorted(self.reports.items())
            }
        )


def _status(ready: str) -> ClusterStatus:
    return ClusterStatus(
        conditions=(
            Condition(type="Ready", status=ready),
            Condition(type="CompleteAPIEnablements", status="True"),
        ),
        api_enablements=tuple(
            ApiResources(group_version=v, kinds=frozenset(k)) for v, k in sorted(KINDS.items())
        ),
        resource_summary=ResourceSummary(
            allocatable={"cpu": parse_quantity("16"), "pods": parse_quantity("5")}
        ),
    )


# ---- Documents


def _cluster(name: str, *, tainted: bool) -> dict[str, Any]:
    spec: dict[str, Any] = {"syncMode": "Push", "region": REGIONS[name]}
    if tainted:
        spec["taints"] = [{"key": "edge", "effect": "NoSchedule"}]
    return {
        "apiVersion": "cluster.karmada.io/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": name, "labels": {"even": str(NAMES.index(name) % 2 == 0).lower()}},
        "spec": spec,
    }


def _deployment(name: str, replicas: int, image: str, config: str | None) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "x", "image": image}
    if config:
        container["envFrom"] = [{"configMapRef": {"name": config}}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    }


def _config_map(name: str, value: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop"},
        "data": {"key": value},
    }


def _namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


AFFINITIES = st.sampled_from(
    [
        None,
        {"clusterNames": ["a", "c"]},
        {"clusterNames": ["d"]},
        {"exclude": ["b"]},
        {"labelSelector": {"matchLabels": {"even": "true"}}},
        {"fieldSelector": {"matchExpressions": [{"key": "region", "operator": "In", "values": ["north"]}]}},
    ]
)
SCHEDULING = st.sampled_from(
    [
        None,
        {"replicaSchedulingType": "Duplicated"},
        {"replicaSchedulingType": "Divided"},
        {
            "replicaSchedulingType": "Divided",
            "replicaDivisionPreference": "Weighted",
            "weightPreference": {
                "staticWeightList": [
                    {"targetCluster": {"clusterNames": ["a"]}, "weight": 2},
                    {"targetCluster": {"clusterNames": ["b", "c"]}, "weight": 1},
                ]
            },
        },
        {
            "replicaSchedulingType": "Divided",
            "replicaDivisionPreference": "Weighted",
            "weightPreference": {"dynamicWeight": "AvailableReplicas"},
        },
        {"replicaSchedulingType": "Divided", "replicaDivisionPreference": "Aggregated"},
    ]
)
SPREAD = st.sampled_from([None, None, [{"spreadByField": "cluster", "minGroups": 1, "maxGroups": 2}]])


@st.composite
def placements(draw: st.DrawFn) -> dict[str, Any]:
    placement: dict[str, Any] = {}
    for key, values in (
        ("clusterAffinity", AFFINITIES),
        ("replicaScheduling", SCHEDULING),
        ("spreadConstraints", SPREAD),
    ):
        value = draw(values)
        if value is not None:
            placement[key] = value
    if draw(st.booleans()):
        placement["clusterTolerations"] = [{"key": "edge", "operator": "Exists"}]
    return placement


@st.composite
def policies(draw: st.DrawFn, name: str) -> dict[str, Any]:
    namespaced = draw(st.booleans())
    kinds = draw(st.sampled_from([("Deployment",), ("ConfigMap",), ("Deployment", "ConfigMap")]))
    selectors = [
        {"apiVersion": "apps/v1" if kind == "Deployment" else "v1", "kind": kind}
        | ({"name": draw(st.sampled_from(["web", "api"]))} if draw(st.booleans()) else {})
        for kind in kinds
    ]
    spec: dict[str, Any] = {"resourceSelectors": selectors, "placement": draw(placements())}
    if draw(st.booleans()):
        spec["propagateDeps"] = True
    if draw(st.booleans()):
        spec["priority"] = draw(st.integers(0, 2))
    if draw(st.integers(0, 9)) == 0:
        spec["failover"] = {"cluster": {"purgeMode": "Directly"}}  # refused: not supported
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "PropagationPolicy" if namespaced else "ClusterPropagationPolicy",
        "metadata": {"name": name} | ({"namespace": "shop"} if namespaced else {}),
        "spec": spec,
    }


@st.composite
def overrides(draw: st.DrawFn, name: str) -> dict[str, Any]:
    overrider = draw(
        st.sampled_from(
            [
                {"labelsOverrider": [{"operator": "add", "value": {"x": name}}]},
                {"imageOverrider": [{"component": "Tag", "operator": "replace", "value": "9"}]},
                {
                    "plaintext": [{"path": "/spec/replicas", "operator": "replace", "value": 1}]
                },  # fails on ConfigMaps
                {
                    "plaintext": [{"path": "/spec/absent/x", "operator": "replace", "value": 1}]
                },  # fails everywhere
            ]
        )
    )
    rule: dict[str, Any] = {"overriders": overrider}
    affinity = draw(AFFINITIES)
    if affinity is not None:
        rule["targetCluster"] = affinity
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "ClusterOverridePolicy",
        "metadata": {"name": name},
        "spec": {
            "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}]
            if draw(st.booleans())
            else [],
            "overrideRules": [rule],
        },
    }


# ---- Worlds


@st.composite
def documents(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """A document for the file `name`, whose first letters say what it is."""
    kind, _, which = name.partition("-")
    match kind:
        case "cluster":
            return _cluster(which, tainted=draw(st.integers(0, 3)) == 0)
        case "deployment":
            return _deployment(
                which,
                draw(st.integers(0, 9)),
                draw(st.sampled_from(["x:1", "x:2"])),
                draw(st.sampled_from([None, "web", "api"])),
            )
        case "map":
            return _config_map(which, draw(st.sampled_from(["1", "2"])))
        case "namespace":
            return _namespace(which)
        case "policy":
            return draw(policies(which))
        case _:
            return draw(overrides(which))


FILES = (
    *(f"cluster-{name}" for name in NAMES),
    "deployment-web",
    "deployment-api",
    "map-web",
    "map-api",
    "namespace-shop",
    "policy-one",
    "policy-two",
    "override-one",
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    present = [name for name in FILES if draw(st.integers(0, 4)) > 0]
    return World(
        documents={name: draw(documents(name)) for name in present},
        reports={
            name: draw(st.sampled_from(["True", "True", "True", "False"]))
            for name in NAMES
            if draw(st.integers(0, 5)) > 0
        },
    )


@st.composite
def changed(draw: st.DrawFn, world: World) -> World:
    """The next moment of a world: one file comes, goes, changes, breaks or is mended; or a cluster reports."""
    name = draw(st.sampled_from(FILES))
    rest = {key: value for key, value in world.documents.items() if key != name}
    later = replace(world, tick=world.tick + 1)
    match draw(st.sampled_from(["write", "write", "delete", "break", "mend", "report"])):
        case "write":
            return replace(
                later, documents=rest | {name: draw(documents(name))}, broken=world.broken - {name}
            )
        case "delete":
            return replace(later, documents=rest, broken=world.broken - {name})
        case "break":
            return replace(later, broken=world.broken | ({name} & world.documents.keys()))
        case "mend":
            return replace(later, broken=frozenset())
        case _:
            cluster = draw(st.sampled_from(NAMES))
            return replace(
                later, reports=world.reports | {cluster: draw(st.sampled_from(["True", "False", "Unknown"]))}
            )


@st.composite
def histories(draw: st.DrawFn, length: int = 4) -> tuple[World, ...]:
    """A world and what becomes of it."""
    history = [draw(worlds())]
    for _ in range(draw(st.integers(1, length))):
        history.append(draw(changed(history[-1])))
    return tuple(history)
