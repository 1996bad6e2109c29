"""Guards on deletions: how many, and of which kinds, without an approval (DESIGN §5, promise 2).

Pure: limits, approvals and `now` are values. The operator's limits are the ceiling, the repository's only tighten them.
A tripped guard holds every deletion of its cluster, approved ones too: a CRD that may go takes resources that may not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Final

from reconciler.model.config import Approval
from reconciler.model.identity import ObjectId
from reconciler.model.plan import Action, Change, Guard, Plan
from reconciler.settings import GuardLimits

PROTECTED: Final = "protected-kind"
TOO_MANY: Final = "too-many-deletions"
TOO_MANY_IN_FLEET: Final = "too-many-deletions-in-fleet"


def tightened(
    limits: GuardLimits,
    *,
    max_deletions: int | None = None,
    max_percent: int | None = None,
    protected_kinds: Iterable[str] = (),
) -> GuardLimits:
    """The operator's `limits`, made stricter by what the repository says. None says nothing."""
    return GuardLimits(
        max_deletions=_smaller(limits.max_deletions, max_deletions),
        max_percent=_smaller(limits.max_percent, max_percent),
        protected_kinds=tuple(sorted({*limits.protected_kinds, *protected_kinds})),
    )


def allowed_deletions(limits: GuardLimits, inventory: int) -> int:
    """How many of `inventory` objects may go without an approval: the larger of the number and the share."""
    return max(limits.max_deletions, inventory * limits.max_percent // 100)


def deleted_objects(plan: Plan) -> tuple[ObjectId, ...]:
    """What the plan takes out of the cluster, be it to make it anew, in the plan's order."""
    return tuple(change.id for change in plan.changes if change.action is Action.DELETE or change.recreate)


def is_approved(id_: ObjectId, cluster: str, approvals: Iterable[Approval], now: datetime) -> bool:
    """Whether an approval that has not expired lists the object for the cluster."""
    return any(
        now < approval.expires
        and id_ in approval.objects
        and any(fnmatchcase(cluster, pattern) for pattern in approval.clusters)
        for approval in approvals
    )


def cluster_guards(
    plan: Plan, limits: GuardLimits, approvals: Iterable[Approval], now: datetime
) -> tuple[Guard, ...]:
    """The guards that the deletions of one cluster's plan trip."""
    approvals = tuple(approvals)
    asked = [id_ for id_ in deleted_objects(plan) if not is_approved(id_, plan.cluster, approvals, now)]
    protected = tuple(id_ for id_ in asked if _is_protected(id_, limits))
    allowed = allowed_deletions(limits, plan.inventory)
    found = []
    if protected:
        found.append(
            Guard(
                name=PROTECTED,
                message=f"{_counted(len(protected), 'object')} of a protected kind would be deleted",
                objects=protected,
            )
        )
    if len(asked) > allowed:
        message = f"{_counted(len(asked), 'object')} of {plan.inventory} would be deleted; {allowed} may be without approval"
        found.append(Guard(name=TOO_MANY, message=message, objects=tuple(asked)))
    return tuple(found)


def fleet_guard(
    deleted: Mapping[str, Iterable[ObjectId]],
    inventory: Mapping[str, int],
    limits: GuardLimits,
    approvals: Iterable[Approval],
    now: datetime,
) -> Guard | None:
    """The guard over all clusters at once: `deleted` objects and the size of the inventory by cluster."""
    approvals = tuple(approvals)
    asked = [
        id_
        for cluster in sorted(deleted)
        for id_ in deleted[cluster]
        if not is_approved(id_, cluster, approvals, now)
    ]
    total = sum(inventory.values())
    allowed = allowed_deletions(limits, total)
    if len(asked) <= allowed:
        return None
    return Guard(
        name=TOO_MANY_IN_FLEET,
        message=f"{_counted(len(asked), 'object')} of {total} in the fleet would be deleted; {allowed} may be without approval",
        objects=tuple(sorted(set(asked))),
    )


def held(plan: Plan, guards: Iterable[Guard]) -> Plan:
    """`plan` without any deletion or recreation, and with the guards that stopped them."""
    tripped = tuple(guards)
    if not tripped:
        return plan
    reason = f"held by guard {tripped[0].name}"
    return replace(
        plan,
        stages=tuple(tuple(_held(change, reason) for change in stage) for stage in plan.stages),
        deletions=tuple(_held(change, reason) for change in plan.deletions),
        guards=(*plan.guards, *tripped),
        prunes=False,
    )


def _held(change: Change, reason: str) -> Change:
    if change.action is Action.DELETE or change.recreate:
        return replace(change, action=Action.SKIP, reason=reason, recreate=False)
    return change


def _is_protected(id_: ObjectId, limits: GuardLimits) -> bool:
    # `Kind` alone protects every group's: a protection that is too wide costs an approval, one too narrow costs data.
    return any(kind in (id_.kind_group, id_.kind) for kind in limits.protected_kinds)


def _smaller(limit: int, other: int | None) -> int:
    return limit if other is None else min(limit, max(other, 0))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
