"""Cluster affinity: which clusters a policy means (spec scheduling §3.2, rendering-and-status §1.3).

The only meaning of "this cluster matches": placement, static weights and override rules all ask here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from reconciler.model.cluster import Cluster
from reconciler.model.selector import ClusterAffinity, Requirement
from reconciler.selectors.labels import field_test, label_test

ClusterTest = Callable[[Cluster], bool]


def matches_cluster(affinity: ClusterAffinity | None, cluster: Cluster) -> bool:
    """Whether the affinity selects the cluster. None and an empty affinity select every cluster."""
    return affinity is None or cluster_test(affinity)(cluster)


@lru_cache(maxsize=4096)
def cluster_test(affinity: ClusterAffinity) -> ClusterTest:
    """The affinity as a function of a cluster, made once for many clusters."""
    exclude = frozenset(affinity.exclude)
    names = frozenset(affinity.cluster_names)
    labels = None if affinity.label_selector is None else label_test(affinity.label_selector)
    zones = tuple(r for r in affinity.field_selector or () if r.key == "zone")
    others = tuple(r for r in affinity.field_selector or () if r.key != "zone")
    fields = field_test(others) if others else None

    def test(cluster: Cluster) -> bool:
        if cluster.name in exclude:
            return False
        if labels is not None and not labels(cluster.labels):
            return False
        if not all(_matches_zones(requirement, cluster.zones) for requirement in zones):
            return False
        if fields is not None and not fields(_fields(cluster)):
            return False
        return not names or cluster.name in names

    return test


def _fields(cluster: Cluster) -> dict[str, str]:
    # A field that is empty is absent: `NotIn` matches a cluster that lacks it.
    fields = {"provider": cluster.provider, "region": cluster.region}
    return {key: value for key, value in fields.items() if value}


def _matches_zones(requirement: Requirement, zones: tuple[str, ...]) -> bool:
    match requirement.operator:
        case "In":
            return any(zone in requirement.values for zone in zones)
        case "NotIn":
            return not any(zone in requirement.values for zone in zones)
        case "Exists":
            return bool(zones)
        case "DoesNotExist":
            return not zones
        case _:
            return False
