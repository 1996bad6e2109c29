"""Guards between two rendered trees: whether a render may delete anything, decided before anybody is told of it.

The same rules as on a cluster's plan (`guards`), for all clusters at once and without a server: what a render no longer
holds is what would be deleted. The verdict goes into the rendered commit (docs/decisions/0003), so that agents and
restarts read it instead of deciding again. A cluster that leaves the fleet is orphaned, which is asked for as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from reconciler.model.config import Approval
from reconciler.model.identity import ObjectId
from reconciler.model.plan import Action, Change, Guard, Plan
from reconciler.plan.guards import TOO_MANY_IN_FLEET, cluster_guards, fleet_guard, is_approved
from reconciler.settings import GuardLimits

CLUSTER_REMOVAL: Final = "cluster-removal"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseVerdict:
    """What stops the deletions of a render: guards by cluster, and those of the fleet. Empty: they are allowed."""

    by_cluster: Mapping[str, tuple[Guard, ...]] = field(default_factory=dict)
    fleet: tuple[Guard, ...] = ()
    deleted: Mapping[str, tuple[ObjectId, ...]] = field(default_factory=dict)

    @property
    def allowed(self) -> bool:
        """Whether the render may be pruned by."""
        return not self.by_cluster and not self.fleet

    @property
    def asked(self) -> dict[str, tuple[ObjectId, ...]]:
        """What an approval must list, by cluster; an empty name stands for the fleet itself."""
        if any(guard.name == TOO_MANY_IN_FLEET for guard in self.fleet):
            found = dict(self.deleted)
        else:
            found = self._asked_by_clusters
        removed = tuple(id_ for guard in self.fleet if guard.name == CLUSTER_REMOVAL for id_ in guard.objects)
        return {**found, "": removed} if removed else found

    @property
    def _asked_by_clusters(self) -> dict[str, tuple[ObjectId, ...]]:
        return {
            cluster: tuple(dict.fromkeys(id_ for guard in guards for id_ in guard.objects))
            for cluster, guards in sorted(self.by_cluster.items())
        }


def cluster_id(name: str) -> ObjectId:
    """The identity of a Cluster, as an approval lists it."""
    return ObjectId(group="cluster.karmada.io", kind="Cluster", namespace="", name=name)


def gone(
    before: Mapping[str, Collection[ObjectId]], after: Mapping[str, Collection[ObjectId]]
) -> dict[str, tuple[ObjectId, ...]]:
    """By cluster that is in both: the objects of `before` that `after` lacks, sorted. Clusters without any are left out."""
    result = {}
    for cluster in sorted(before):
        if cluster in after:
            missing = tuple(sorted(set(before[cluster]) - set(after[cluster])))
            if missing:
                result[cluster] = missing
    return result


def release_verdict(
    before: Mapping[str, Collection[ObjectId]],
    after: Mapping[str, Collection[ObjectId]],
    *,
    limits: GuardLimits,
    approvals: Iterable[Approval],
    now: datetime,
) -> ReleaseVerdict:
    """Judge a render against the last one whose deletions were allowed (DESIGN §5, promise 2).

    `before` and `after` map each cluster to its objects; `limits` come from the operator and the source of the
    *previous* render, so that no change loosens its own guard.
    """
    approvals = tuple(approvals)
    deleted = gone(before, after)
    by_cluster = {}
    for cluster, objects in deleted.items():
        plan = Plan(
            cluster=cluster,
            commit="",
            deletions=tuple(Change(id=id_, action=Action.DELETE) for id_ in objects),
            inventory=len(before[cluster]),
        )
        guards = cluster_guards(plan, limits, approvals, now)
        if guards:
            by_cluster[cluster] = guards
    fleet = []
    over_all = fleet_guard(
        deleted, {cluster: len(objects) for cluster, objects in before.items()}, limits, approvals, now
    )
    if over_all is not None:
        fleet.append(over_all)
    removed = tuple(
        cluster_id(name)
        for name in sorted(before)
        if name not in after and not is_approved(cluster_id(name), name, approvals, now)
    )
    if removed:
        noun = "cluster" if len(removed) == 1 else "clusters"
        fleet.append(
            Guard(
                name=CLUSTER_REMOVAL,
                message=f"{len(removed)} {noun} would leave the fleet, orphaning every object there",
                objects=removed,
            )
        )
    return ReleaseVerdict(by_cluster=by_cluster, fleet=tuple(fleet), deleted=deleted)
