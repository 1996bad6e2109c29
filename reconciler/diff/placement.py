"""Where replicas went: two bindings of one template, and the reason in a line.

Pure. Reads bindings, and is told where an override delivers another number; why a cluster was refused in detail is
`explain`'s to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.model.binding import Binding
from reconciler.model.identity import ObjectId
from reconciler.model.policy import Placement


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterShare:
    """One cluster's part before and after. None: not there. `workload` false: there are no replicas to count.

    `before` and `after` are the scheduler's numbers, `delivered_*` what runs there: another number where an override sets it.
    """

    cluster: str
    before: int | None
    after: int | None
    workload: bool
    delivered_before: int | None
    delivered_after: int | None

    @property
    def is_overridden(self) -> bool:
        """Whether an override sets another number than the scheduler gave."""
        return (self.before, self.after) != (self.delivered_before, self.delivered_after)

    def __str__(self) -> str:
        if not self.workload:
            return f"{self.cluster} {'added' if self.before is None else 'removed'}"
        scheduled = f"{self.cluster} {_move(self.before, self.after)}"
        if not self.is_overridden:
            return scheduled
        return f"{scheduled} (override: {_move(self.delivered_before, self.delivered_after)})"


def _move(before: int | None, after: int | None) -> str:
    return f"{before or 0}→{after or 0}" if before != after else str(after or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementChange:
    """One template whose clusters or replicas differ. `shares` are those that differ, by cluster name.

    `total_*` are replicas, `clusters_*` numbers of clusters, each over the whole fleet.
    """

    id: ObjectId
    shares: tuple[ClusterShare, ...]
    reason: str
    total_before: int
    total_after: int
    clusters_before: int
    clusters_after: int
    is_removed: bool = False
    """The template is gone, its binding with it."""

    def __str__(self) -> str:
        moves = ", ".join(str(share) for share in self.shares)
        return f"{self.id}: {moves}; {self.reason}"


Delivered = Mapping[ObjectId, Mapping[str, int]]
"""Object to cluster to replicas, where an override sets another number than the scheduler gave."""
_AS_SCHEDULED: Final[Delivered] = {}


def placement_changes(
    before: Mapping[ObjectId, Binding],
    after: Mapping[ObjectId, Binding],
    delivered: tuple[Delivered, Delivered] = (_AS_SCHEDULED, _AS_SCHEDULED),
) -> tuple[PlacementChange, ...]:
    """Every template whose result differs, by identity. Changed reasons without a changed result are not listed.

    `delivered`: before and after. A number that an override alone changes is a change, too.
    """
    changes = []
    for id_ in sorted(before.keys() | after.keys()):
        old, new = before.get(id_), after.get(id_)
        overridden = (delivered[0].get(id_, {}), delivered[1].get(id_, {}))
        if old is new and overridden[0] == overridden[1]:
            continue
        before_by_cluster, after_by_cluster = _replicas(old), _replicas(new)
        workload = any(binding is not None and binding.is_workload for binding in (old, new))
        shares = _shares(before_by_cluster, after_by_cluster, overridden, workload=workload)
        if shares:
            changes.append(
                PlacementChange(
                    id=id_,
                    shares=shares,
                    reason=_reason(old, new)
                    if before_by_cluster != after_by_cluster
                    else "what overrides set changed",
                    total_before=sum(before_by_cluster.values()),
                    total_after=sum(after_by_cluster.values()),
                    clusters_before=len(before_by_cluster),
                    clusters_after=len(after_by_cluster),
                    is_removed=new is None,
                )
            )
    return tuple(changes)


def _shares(
    before: dict[str, int],
    after: dict[str, int],
    overridden: tuple[Mapping[str, int], Mapping[str, int]],
    *,
    workload: bool,
) -> tuple[ClusterShare, ...]:
    runs_before, runs_after = before | dict(overridden[0]), after | dict(overridden[1])
    return tuple(
        ClusterShare(
            cluster=name,
            before=before.get(name),
            after=after.get(name),
            workload=workload,
            delivered_before=runs_before.get(name),
            delivered_after=runs_after.get(name),
        )
        for name in sorted(before.keys() | after.keys())
        if (before.get(name), runs_before.get(name)) != (after.get(name), runs_after.get(name))
    )


def _replicas(binding: Binding | None) -> dict[str, int]:
    """Cluster to replicas: the binding's own result, then owners' clusters that it follows."""
    if binding is None:
        return {}
    result = {target.name: target.replicas for target in binding.clusters}
    # A dependency that comes along has the template's own replicas, if any.
    for name in binding.target_names:
        result.setdefault(name, binding.replicas)
    return result


def _reason(old: Binding | None, new: Binding | None) -> str:
    if new is None and old is not None and old.placement is None:
        return "nothing needs it any longer"
    if new is None:
        return "the template was removed"
    scheduled = new.scheduled
    if scheduled is not None and scheduled.status != "True":
        return scheduled.message or scheduled.reason
    if old is None:
        return f"new, placed by {new.claim}" if new.claim else "new, follows what needs it"
    for task in new.eviction_tasks:
        if task not in old.eviction_tasks:
            return f"leaves {task.from_cluster}: {task.reason}"
    if old.claim != new.claim and new.claim is not None:
        return f"claimed by {new.claim}" + (f" instead of {old.claim}" if old.claim else "")
    changed = _changed_parts(old.placement, new.placement)
    if changed and new.claim is not None:
        return f"{new.claim} changed {', '.join(changed)}"
    if old.replicas != new.replicas:
        return f"replicas {old.replicas}→{new.replicas}"
    if old.requirements != new.requirements:
        return "what a replica requests changed"
    if old.required_by != new.required_by:
        return "follows what needs it"
    if old.reschedule_triggered_at != new.reschedule_triggered_at:
        return "a new schedule was asked for"
    return "the clusters changed"


def _changed_parts(old: Placement | None, new: Placement | None) -> list[str]:
    """The placement's fields that differ, under their names in the API."""
    if old is None or new is None:
        return ["placement"] if old != new else []
    fields = {
        "clusterAffinity": (old.cluster_affinity, new.cluster_affinity),
        "clusterAffinities": (old.cluster_affinities, new.cluster_affinities),
        "clusterTolerations": (old.cluster_tolerations, new.cluster_tolerations),
        "spreadConstraints": (old.spread_constraints, new.spread_constraints),
        "replicaScheduling": (old.replica_scheduling, new.replica_scheduling),
        "workloadAffinity": (old.workload_affinity, new.workload_affinity),
    }
    return [name for name, (before, after) in fields.items() if before != after]
