"""Clusters as scheduling may see them: the declared spec with the status of the observation.

Pure. Adds the taints that conditions stand for (spec scheduling §5.1), and the APIs that this same render brings with
CRDs. Decides nothing about placement.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import datetime

from reconciler.model.cluster import ApiResources, Cluster, ClusterStatus, Condition, Taint
from reconciler.model.fleet import Fleet
from reconciler.model.manifest import Manifest
from reconciler.model.observation import Observation

NOT_READY = "cluster.karmada.io/not-ready"
UNREACHABLE = "cluster.karmada.io/unreachable"
_NO_SCHEDULE = "NoSchedule"
_NOTHING = ClusterStatus()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The clusters to schedule on, in the order of their names; `unreported` and `assumed` are names of clusters.

    `unreported`: nothing was ever known of them, so nothing new may be placed there.
    """

    clusters: tuple[Cluster, ...]
    unreported: frozenset[str]
    assumed: frozenset[str]


def cluster_facts(fleet: Fleet, observation: Observation, *, assume_unreported: bool) -> Facts:
    """The fleet's clusters with the status they are scheduled by (DESIGN §3).

    The observation's status counts; a status in the Cluster file only until there is one. A cluster with neither is
    ready and serves everything when `assume_unreported`, else it carries the not-ready taint, as in Karmada.
    """
    clusters, unreported, assumed = [], set(), set()
    for cluster in sorted(fleet.clusters, key=lambda c: c.name):
        report = observation.clusters.get(cluster.name)
        status = report.status if report is not None else cluster.status
        if status == _NOTHING:
            if assume_unreported:
                assumed.add(cluster.name)
                clusters.append(dataclasses.replace(cluster, status=_assumed_status(), assumed=True))
                continue
            unreported.add(cluster.name)
        clusters.append(
            dataclasses.replace(cluster, status=status, taints=_taints(cluster.taints, status), assumed=False)
        )
    return Facts(clusters=tuple(clusters), unreported=frozenset(unreported), assumed=frozenset(assumed))


def with_apis(
    clusters: Iterable[Cluster], definitions: Mapping[str, tuple[Manifest, ...]]
) -> tuple[Cluster, ...]:
    """`clusters`, each serving also what the CRDs placed on it define. `definitions`: cluster name to CRDs."""
    result = []
    for cluster in clusters:
        served = {api.group_version: api for api in cluster.status.api_enablements}
        changed = False
        for definition in definitions.get(cluster.name, ()):
            for group_version, kind, resource in served_by(definition):
                known = served.get(group_version)
                if known is not None and kind in known.kinds:
                    continue
                changed = True
                served[group_version] = ApiResources(
                    group_version=group_version,
                    kinds=(known.kinds if known else frozenset()) | {kind},
                    resources=tuple(sorted((known.resources if known else ()) + ((resource, kind),))),
                )
        if changed:
            status = dataclasses.replace(
                cluster.status, api_enablements=tuple(served[name] for name in sorted(served))
            )
            result.append(dataclasses.replace(cluster, status=status))
        else:
            result.append(cluster)
    return tuple(result)


def served_by(definition: Manifest) -> tuple[tuple[str, str, str], ...]:
    """(groupVersion, kind, resource name) for each served version of a CustomResourceDefinition."""
    spec = definition.body.get("spec") or {}
    names = spec.get("names") or {}
    group, kind, plural = str(spec.get("group", "")), str(names.get("kind", "")), str(names.get("plural", ""))
    versions = [
        str(version.get("name", ""))
        for version in spec.get("versions") or ()
        if isinstance(version, dict) and version.get("served", True)
    ]
    return tuple((f"{group}/{version}", kind, plural) for version in versions if version)


def is_definition(manifest: Manifest) -> bool:
    """Whether this object is a CustomResourceDefinition."""
    return manifest.id.kind == "CustomResourceDefinition" and manifest.id.group == "apiextensions.k8s.io"


def _taints(declared: tuple[Taint, ...], status: ClusterStatus) -> tuple[Taint, ...]:
    """Spec scheduling §5.1. The condition's own time is the time the taint was added."""
    ready = status.condition("Ready")
    wanted = _condition_taint(ready)
    kept = tuple(
        taint
        for taint in declared
        if ready is None
        or taint.effect != _NO_SCHEDULE
        or taint.key not in (NOT_READY, UNREACHABLE)
        or taint.key == wanted
    )
    if wanted is None or any(taint.key == wanted and taint.effect == _NO_SCHEDULE for taint in kept):
        return kept
    added: datetime | None = ready.last_transition_time if ready else None
    return (*kept, Taint(key=wanted, effect=_NO_SCHEDULE, time_added=added))


def _condition_taint(ready: Condition | None) -> str | None:
    match ready.status if ready else None:
        case "True":
            return None
        case "Unknown":
            return UNREACHABLE
        case _:
            return NOT_READY


def _assumed_status() -> ClusterStatus:
    # `Cluster.assumed` says the rest: every API, unknown capacity.
    return ClusterStatus(conditions=(Condition(type="Ready", status="True", reason="Assumed"),))
