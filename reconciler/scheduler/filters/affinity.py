"""ClusterAffinity: the clusters that the placement means (spec scheduling §3.2, §3.3)."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from reconciler.model.cluster import Cluster
from reconciler.model.selector import ClusterAffinity
from reconciler.scheduler.plugin import FITS, Context, FieldPath, Verdict
from reconciler.selectors.clusters import cluster_test

_REASON = "cluster(s) did not match the placement cluster affinity constraint"


def check(context: Context, cluster: Cluster) -> Verdict:
    """The affinity, or that of the group tried; for workloads the group's overflow clusters too."""
    return prepare(context)(cluster)


def prepare(context: Context) -> Callable[[Cluster], Verdict]:
    """The same for many clusters."""
    tests = [cluster_test(affinity) for affinity in _affinities(context)]
    refused = Verdict(reason=_REASON, policy_field=_field(context))
    if len(tests) == 1:
        (test,) = tests
        return lambda cluster: FITS if test(cluster) else refused
    return lambda cluster: FITS if not tests or any(test(cluster) for test in tests) else refused


def depends_on(context: Context) -> Hashable:
    """The affinities that count."""
    return tuple(_affinities(context))


def overflow_order(context: Context) -> Callable[[Cluster], int]:
    """0 for clusters of the group itself, 1 and up for those of its overflow groups (§3.3); 0 without groups."""
    tests = [cluster_test(affinity) for affinity in _affinities(context)]
    return lambda cluster: next((order for order, test in enumerate(tests) if test(cluster)), 0)


def _field(context: Context) -> FieldPath:
    path: FieldPath = ("spec", "placement")
    if context.placement.cluster_affinity is not None:
        return (*path, "clusterAffinity")
    names = [term.affinity_name for term in context.placement.cluster_affinities]
    if context.affinity_name in names:
        return (*path, "clusterAffinities", names.index(context.affinity_name))
    return path


def _affinities(context: Context) -> list[ClusterAffinity]:
    """The group's own affinity first, then its overflow; empty where every cluster is meant."""
    if context.placement.cluster_affinity is not None:
        return [context.placement.cluster_affinity]
    term = context.term
    if term is None:
        return []
    overflow = term.overflow_affinities if context.binding.is_workload else ()
    return [term.affinity, *(entry.affinity for entry in overflow)]
