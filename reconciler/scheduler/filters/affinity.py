"""ClusterAffinity: the clusters that the placement means (spec scheduling §3.2, §3.3)."""

from __future__ import annotations

from reconciler.model.cluster import Cluster
from reconciler.scheduler.plugin import FITS, Context, Verdict
from reconciler.selectors.clusters import matches_cluster

_REFUSED = Verdict(reason="cluster(s) did not match the placement cluster affinity constraint")


def check(context: Context, cluster: Cluster) -> Verdict:
    """The affinity, or that of the group tried; for workloads the group's overflow clusters too."""
    if context.placement.cluster_affinity is not None:
        return FITS if matches_cluster(context.placement.cluster_affinity, cluster) else _REFUSED
    term = context.term
    if term is None or matches_cluster(term.affinity, cluster):
        return FITS
    if context.binding.is_workload and overflow_order(context, cluster) > 0:
        return FITS
    return _REFUSED


def overflow_order(context: Context, cluster: Cluster) -> int:
    """0 for clusters of the group itself, 1 and up for those of its overflow groups, -1 for none; 0 without groups."""
    term = context.term
    if term is None or matches_cluster(term.affinity, cluster):
        return 0
    overflow = enumerate(term.overflow_affinities, start=1)
    return next((order for order, entry in overflow if matches_cluster(entry.affinity, cluster)), -1)
