"""WorkloadAffinity and WorkloadAntiAffinity: together with, or apart from, a group's others (spec scheduling §3.7).

Groups exist where a policy names a label and the template has it; Karmada needs its gate WorkloadAffinity for them.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.cluster import Cluster
from reconciler.scheduler.plugin import FITS, Context, FieldPath, Verdict

_FIELD: FieldPath = ("spec", "placement", "workloadAffinity")
_NOT_THERE = Verdict(
    reason="ResourceBinding with the same affinity group does not target this cluster",
    policy_field=(*_FIELD, "affinity"),
)
_TAKEN = Verdict(
    reason="cluster already has workload with the same anti-affinity group",
    policy_field=(*_FIELD, "antiAffinity"),
)


def check_affinity(context: Context, cluster: Cluster) -> Verdict:
    """Refuses a cluster that some scheduled member of the group does not run on."""
    return FITS if all(cluster.name in names for names in context.peers.affinity) else _NOT_THERE


def check_anti_affinity(context: Context, cluster: Cluster) -> Verdict:
    """Refuses a cluster that some other member of the group runs on."""
    return _TAKEN if any(cluster.name in names for names in context.peers.anti_affinity) else FITS


def concerns_affinity(context: Context) -> Iterable[str] | None:
    """Any cluster, once a member of the group runs somewhere."""
    return None if context.peers.affinity else ()


def concerns_anti_affinity(context: Context) -> Iterable[str]:
    """The clusters of the group's other members."""
    return [name for names in context.peers.anti_affinity for name in sorted(names)]
