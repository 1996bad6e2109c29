"""Cluster affinity: which clusters a policy means (spec scheduling §3.2, rendering-and-status §1.3).

The only meaning of "this cluster matches": placement, static weights and override rules all ask here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

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
    exclude, names = frozenset(affinity.exclude), frozenset(affinity.cluster_names)
    tests: list[ClusterTest] = []
    if exclude:
        tests.append(lambda cluster: cluster.name not in exclude)
    if names:
        tests.append(lambda cluster: cluster.name in names)
    if affinity.label_selector is not None:
        labels = label_test(affinity.label_selector)
        tests.append(lambda cluster: labels(cluster.labels))
    zones = (r for r in affinity.field_selector or () if r.key == "zone")
    tests.extend(partial(_matches_zones, requirement) for requirement in zones)
    others = tuple(r for r in affinity.field_selector or () if r.key != "zone")
    if others:
        fields = field_test(others)
        tests.append(lambda cluster: fields(_fields(cluster)))
    return _all_of(tests)


def _all_of(tests: Sequence[ClusterTest]) -> ClusterTest:
    if len(tests) == 1:
        return tests[0]

    def test(cluster: Cluster) -> bool:
        for part in tests:  # noqa: SIM110 - half the time of all(), thousands of times a policy
            if not part(cluster):
                return False
        return True

    return test


def _fields(cluster: Cluster) -> dict[str, str]:
    # A field that is empty is absent: `NotIn` matches a cluster that lacks it.
    fields = {"provider": cluster.provider, "region": cluster.region}
    return {key: value for key, value in fields.items() if value}


def _matches_zones(requirement: Requirement, cluster: Cluster) -> bool:
    zones = cluster.zones
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
