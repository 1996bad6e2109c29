"""The fleet and the facts as they would be: clusters lost, cordoned, tainted, or of another size.

Pure. `simulate` renders what comes out of this with the same function as everything else, so that its answer is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.model.cluster import Cluster, ClusterStatus, ResourceSummary, Taint
from reconciler.model.fleet import Fleet
from reconciler.model.observation import Observation
from reconciler.model.quantity import Quantity

UNSCHEDULABLE = "cluster.karmada.io/unschedulable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is different. `lost` and `cordoned` are names; `taints` and `capacity` are by cluster.

    A lost cluster counts as being deleted: it is no candidate, and what ran there is scheduled anew (spec scheduling
    §4.2 test 5). `capacity` sets what is allocatable of a resource.
    """

    lost: frozenset[str] = frozenset()
    cordoned: frozenset[str] = frozenset()
    taints: Mapping[str, tuple[Taint, ...]] = field(default_factory=dict)
    capacity: Mapping[str, Mapping[str, Quantity]] = field(default_factory=dict)

    @property
    def clusters(self) -> frozenset[str]:
        """Every cluster that is named."""
        return self.lost | self.cordoned | frozenset(self.taints) | frozenset(self.capacity)


def with_change(
    fleet: Fleet, observation: Observation, change: Change, now: datetime
) -> tuple[Fleet, Observation]:
    """The same fleet and facts with the change made; nothing is edited in place."""
    clusters = tuple(_changed(cluster, change, now) for cluster in fleet.clusters)
    reports = dict(observation.clusters)
    for name, resources in change.capacity.items():
        if name in reports:
            reports[name] = replace(reports[name], status=_sized(reports[name].status, resources))
    return replace(fleet, clusters=clusters), replace(observation, clusters=reports)


def groups_of(clusters: Iterable[Cluster], by: str) -> dict[str, frozenset[str]]:
    """What is lost together: clusters by `cluster`, `zone` (every zone a cluster has), `region` or `provider`."""
    keys: dict[str, Callable[[Cluster], tuple[str, ...]]] = {
        "cluster": lambda cluster: (cluster.name,),
        "zone": lambda cluster: cluster.zones,
        "region": lambda cluster: (cluster.region,) if cluster.region else (),
        "provider": lambda cluster: (cluster.provider,) if cluster.provider else (),
    }
    found: dict[str, set[str]] = {}
    for cluster in clusters:
        for key in keys[by](cluster):
            found.setdefault(key, set()).add(cluster.name)
    return {key: frozenset(found[key]) for key in sorted(found)}


def _changed(cluster: Cluster, change: Change, now: datetime) -> Cluster:
    taints = list(cluster.taints)
    if cluster.name in change.cordoned:
        taints.append(Taint(key=UNSCHEDULABLE, effect="NoSchedule"))
    taints.extend(change.taints.get(cluster.name, ()))
    status = cluster.status
    if cluster.name in change.capacity:
        status = _sized(status, change.capacity[cluster.name])
    return replace(
        cluster,
        taints=tuple(taints),
        status=status,
        deletion_timestamp=now if cluster.name in change.lost else cluster.deletion_timestamp,
    )


def _sized(status: ClusterStatus, resources: Mapping[str, Quantity]) -> ClusterStatus:
    summary = status.resource_summary or ResourceSummary()
    # Nodes by grade say another size: without them the sums decide.
    return replace(
        status,
        resource_summary=replace(summary, allocatable={**summary.allocatable, **resources}, modelings=()),
    )
