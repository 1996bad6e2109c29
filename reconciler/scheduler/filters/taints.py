"""TaintToleration: taints keep newcomers out (spec scheduling §3.4). Eviction by taint is failover's, not a filter's."""

from __future__ import annotations

from collections.abc import Hashable

from reconciler.model.cluster import Cluster, Taint
from reconciler.model.policy import Toleration
from reconciler.scheduler.plugin import FITS, Context, Verdict

_EFFECTS = ("NoSchedule", "NoExecute")


def check(context: Context, cluster: Cluster) -> Verdict:
    """Refuses for the first taint, in list order, that no toleration tolerates."""
    tolerations = context.placement.cluster_tolerations
    for index, taint in enumerate(cluster.taints):
        if taint.effect in _EFFECTS and not any(tolerates(toleration, taint) for toleration in tolerations):
            reason = f"cluster(s) had untolerated taint {{{taint}}}"
            return Verdict(reason=reason, cluster_field=("spec", "taints", index))
    return FITS


def depends_on(context: Context) -> Hashable:
    """The tolerations."""
    return context.placement.cluster_tolerations


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether the toleration covers the taint. An empty effect or key means any; an empty operator means Equal."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    match toleration.operator:
        case "Exists":
            return True
        case "" | "Equal":
            return toleration.value == taint.value
        case _:
            return False
