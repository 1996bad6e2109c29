"""What is understood and not acted on yet: one table of kinds, one of fields. Building a feature deletes its row.

A refused document holds what it governs; kinds that govern no object in a member do not make the fleet incomplete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.fleet.finding import FieldPath, Finding, field_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """One row. `governs` is False where nothing in a member cluster depends on the document."""

    effect: str
    governs: bool = True


KINDS: Final[Mapping[tuple[str, str], Unsupported]] = {
    ("policy.karmada.io", "ClusterTaintPolicy"): Unsupported(effect="no taint is added or removed by it"),
    ("policy.karmada.io", "FederatedResourceQuota"): Unsupported(effect="no quota reaches the clusters"),
    ("apps.karmada.io", "WorkloadRebalancer"): Unsupported(
        effect="nothing is placed afresh by it", governs=False
    ),
    ("autoscaling.karmada.io", "FederatedHPA"): Unsupported(effect="replicas stay as the template says"),
    ("autoscaling.karmada.io", "CronFederatedHPA"): Unsupported(effect="replicas stay as the template says"),
    ("networking.karmada.io", "MultiClusterService"): Unsupported(
        effect="its Service is not made reachable from other clusters"
    ),
    ("networking.karmada.io", "MultiClusterIngress"): Unsupported(
        effect="no traffic is routed by it", governs=False
    ),
    ("multicluster.x-k8s.io", "ServiceExport"): Unsupported(
        effect="its Service is not offered to other clusters"
    ),
    ("multicluster.x-k8s.io", "ServiceImport"): Unsupported(effect="no imported Service is made"),
    ("remedy.karmada.io", "Remedy"): Unsupported(effect="no action is taken by it", governs=False),
}

EACH: Final = "[]"
"""A step of a path that stands for every entry of a list."""

_PROPAGATION: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (("spec", "failover", "application"), "an unhealthy workload is not moved"),
    (("spec", "failover", "cluster"), "a workload is not moved away from a tainted cluster"),
)

FIELDS: Final[Mapping[tuple[str, str], tuple[tuple[tuple[str, ...], str], ...]]] = {
    ("policy.karmada.io", "PropagationPolicy"): _PROPAGATION,
    ("policy.karmada.io", "ClusterPropagationPolicy"): _PROPAGATION,
}
"""(group, kind) to field paths and what does not happen. A present, non-null field is refused."""

_IDLE: Final[tuple[tuple[str, ...], ...]] = (
    ("spec", "association"),
    # Karmada's admission writes it into every policy; what it times, eviction by taints, is behind a gate that is off by default.
    ("spec", "placement", "clusterTolerations", EACH, "tolerationSeconds"),
)

WITHOUT_EFFECT: Final[Mapping[tuple[str, str], tuple[tuple[str, ...], ...]]] = {
    ("policy.karmada.io", "PropagationPolicy"): _IDLE,
    ("policy.karmada.io", "ClusterPropagationPolicy"): _IDLE,
    ("cluster.karmada.io", "Cluster"): (
        ("spec", "id"),
        ("spec", "impersonatorSecretRef"),
        ("spec", "taints", EACH, "timeAdded"),
    ),
    # Asked behind the gate MultiplePodTemplatesScheduling, which is off by default; `reconciler interpret` runs it.
    ("config.karmada.io", "ResourceInterpreterCustomization"): (
        ("spec", "customizations", "componentResource"),
    ),
    ("networking.karmada.io", "MultiClusterService"): (
        ("spec", "range"),
        ("spec", "serviceProvisionClusters"),
        ("spec", "serviceConsumptionClusters"),
    ),
}
"""(group, kind) to fields that change nothing, in Karmada (or here on purpose) for ever."""


def check(group: str, kind: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    """R206 for the kind, R207 and R208 for its fields."""
    row = KINDS.get((group, kind))
    if row is not None:
        suffix = (
            ""
            if row.governs
            else "; nothing in a cluster depends on it, so the fleet counts as complete without it"
        )
        yield Finding(
            code="R206",
            path=("kind",),
            message=f"{kind} is not supported yet",
            evidence=(row.effect + suffix,),
        )
    for path, effect in FIELDS.get((group, kind), ()):
        for place in _present(body, path):
            yield Finding(
                code="R207",
                path=place,
                message=f"{field_text(place)} is not supported yet",
                evidence=(effect,),
            )
    for idle in WITHOUT_EFFECT.get((group, kind), ()):
        for place in _present(body, idle):
            yield Finding(code="R208", path=place, message=f"{field_text(place)} has no effect")


def governs(group: str, kind: str) -> bool:
    """Whether something in a member depends on documents of this kind, so that refusing one holds it."""
    row = KINDS.get((group, kind))
    return row is None or row.governs


def _present(value: Any, path: tuple[str, ...], before: FieldPath = ()) -> Iterator[FieldPath]:
    """Where `path` leads to something in `value`."""
    if not path:
        if value is not None:
            yield before
        return
    step, rest = path[0], path[1:]
    if step == EACH:
        for index, entry in enumerate(value if isinstance(value, list) else ()):
            yield from _present(entry, rest, (*before, index))
    elif isinstance(value, Mapping) and step in value:
        yield from _present(value[step], rest, (*before, step))
