"""What is deleted, and when not.

Pure. Only what the inventory proves ours can be deleted; what keeps an object is said on its Change. Absence by error is
never absence by intent (DESIGN §5, promise 1). Must not count: that is the guards' work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.model.identity import ObjectId
from reconciler.model.marks import PRUNE
from reconciler.model.plan import Action, Change, Desired, Live, LiveObject
from reconciler.plan.order import CRD, NAMESPACE, deletion_key

KEEPS: frozenset[str] = frozenset({"disabled", "false", "no"})
"""Values of the prune annotation that keep the object."""


def deletions(desired: Desired, live: Live) -> tuple[Change, ...]:
    """A deletion, or a skip that says why not, for every object of ours that is no longer desired; in order."""
    leftover = {id_: object_ for id_, object_ in live.inventory.items() if id_ not in desired.objects}
    changes = {id_: _deletion(object_, desired) for id_, object_ in leftover.items()}
    kept = {
        id_
        for id_, change in changes.items()
        if change.action is Action.SKIP and not live.inventory[id_].deleting
    }
    for id_, change in changes.items():
        if change.action is Action.DELETE:
            changes[id_] = _unless_it_holds_others(change, desired.objects, kept)
    return tuple(changes[id_] for id_ in sorted(changes, key=deletion_key))


def is_settled(change: Change) -> bool:
    """Whether nothing is left to do for this deletion once the plan is carried out: deleted, or meant to stay for good."""
    return change.action is Action.DELETE or change.reason in (_KEPT, _PRESERVED)


_KEPT = f"kept: its annotation {PRUNE} says disabled"
_PRESERVED = "kept: its policy says preserveResourcesOnDeletion"


def _deletion(live: LiveObject, desired: Desired) -> Change:
    skipped = Change(id=live.id, action=Action.SKIP, api_version=live.api_version, uid=live.uid)
    if live.deleting:
        return replace(skipped, reason="is already being deleted")
    if live.annotations.get(PRUNE, "").lower() in KEEPS:
        return replace(skipped, reason=_KEPT)
    if live.id in desired.preserved:
        return replace(skipped, reason=_PRESERVED)
    if not desired.complete:
        return replace(skipped, reason="not deleted: the tree is incomplete")
    if desired.held:
        return replace(skipped, reason=f"not deleted: {desired.held}")
    return replace(skipped, action=Action.DELETE, reason="is no longer in the tree", before=live.body)


def _unless_it_holds_others(
    change: Change, desired: Mapping[ObjectId, object], kept: Iterable[ObjectId]
) -> Change:
    holds = sorted(id_ for id_ in (*desired, *kept) if _contains(change.id, id_))
    if not holds:
        return change
    more = f" and {len(holds) - 1} more" if len(holds) > 1 else ""
    return replace(change, action=Action.SKIP, reason=f"not deleted: {holds[0]}{more} would go with it")


def _contains(container: ObjectId, id_: ObjectId) -> bool:
    match container.kind_group:
        case kind if kind == NAMESPACE:
            return id_.namespace == container.name
        case kind if kind == CRD:
            # A CRD's name is `plural.group`.
            return id_.group == container.name.partition(".")[2]
        case _:
            return False
