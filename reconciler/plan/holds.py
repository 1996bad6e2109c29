"""What a refused object holds up: its namespace in the same stage, and deletions there.

Pure. A bad manifest must not leave an application half changed, and must not stop the applications of others: the namespace
is the border. A refused Namespace holds what is in it, a refused CRD the resources of its group.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconciler.model.identity import ObjectId
from reconciler.model.plan import Action, Change
from reconciler.plan.order import CRD, NAMESPACE

CONFLICT = "R501"


def hold_stage(
    stage: Sequence[Change], refused_before: Iterable[ObjectId]
) -> tuple[tuple[Change, ...], set[ObjectId]]:
    """The stage with what must wait skipped, and which of its objects the server refused.

    A conflict is not a mistake in the manifest: it holds nothing but itself. What merely puts drift back is held by nothing: it
    leaves no application half changed. (Of an object that cannot be tried yet that is not known.)
    """
    refused = {
        change.id for change in stage if change.refusal is not None and change.refusal.code != CONFLICT
    }
    foundations = {id_ for id_ in refused_before if id_.kind_group in (CRD, NAMESPACE)}
    blockers = sorted(refused | foundations)
    if not blockers:
        return tuple(stage), refused
    return tuple(_unless_blocked(change, blockers) for change in stage), refused


def hold_deletions(deletions: Sequence[Change], refused: Iterable[ObjectId]) -> tuple[Change, ...]:
    """The deletions with those skipped that an unfinished application may still need."""
    blockers = sorted(refused)
    return tuple(_unless_needed(change, blockers) for change in deletions)


def _unless_blocked(change: Change, blockers: Sequence[ObjectId]) -> Change:
    if change.action not in (Action.CREATE, Action.CONFIGURE) or (change.correction and not change.deferred):
        return change
    for blocker in blockers:
        if _blocks(blocker, change.id):
            return replace(change, action=Action.SKIP, recreate=False, reason=f"held: {blocker} was refused")
    return change


def _unless_needed(change: Change, blockers: Sequence[ObjectId]) -> Change:
    if change.action is not Action.DELETE:
        return change
    for blocker in blockers:
        # Nobody can tell which application a cluster-scoped object belongs to.
        if not change.id.namespace or not blocker.namespace or blocker.namespace == change.id.namespace:
            return replace(change, action=Action.SKIP, reason=f"not deleted yet: {blocker} was refused")
    return change


def _blocks(blocker: ObjectId, id_: ObjectId) -> bool:
    if blocker.kind_group == NAMESPACE:
        return id_.namespace == blocker.name
    if blocker.kind_group == CRD:
        return id_.group == blocker.name.partition(".")[2]
    return bool(blocker.namespace) and blocker.namespace == id_.namespace
