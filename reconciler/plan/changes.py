"""What one cluster must do, from its tree and what was found there.

Pure: `changes` is the whole decision, and `diff` prints the same Plan that `apply` carries out. Drift is what the server's
own dry-run would change; an object that exists without our label is a conflict, whatever its fields hold (DESIGN §4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from reconciler.errors import Problem
from reconciler.model.config import Approval
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body
from reconciler.model.marks import CONFLICT_RESOLUTION, CONTENT, DRIFT, RECREATE
from reconciler.model.plan import Action, Change, Desired, Live, Parent, Plan, Refusal, Trial
from reconciler.plan.fields import apply_entry, differing_paths, same
from reconciler.plan.guards import cluster_guards, held
from reconciler.plan.holds import hold_deletions, hold_stage
from reconciler.plan.inventory import parent_after, parent_before, same_record
from reconciler.plan.order import STAGE_NAMES, apply_key, stage_of
from reconciler.plan.prune import deletions, is_settled
from reconciler.plan.report import guard_problem, kept_problem, refusal_problem, unreadable_problem
from reconciler.settings import GuardLimits

IMMUTABLE = "R503"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a plan is judged by: the guards' limits, approvals, the moment, and our field manager."""

    now: datetime
    limits: GuardLimits = field(default_factory=GuardLimits)
    approvals: tuple[Approval, ...] = ()
    manager: str = "fleet-reconciler"


def changes(desired: Desired, live: Live, rules: Rules) -> Plan:
    """The Plan that brings one cluster from `live` to `desired`, with its guards checked."""
    if live.partial or live.rest_known:
        unknown = {*live.trials, *(() if live.partial else desired.suspended)} & desired.objects.keys()
    else:
        unknown = {id_ for id_ in desired.objects if id_ not in live.known} | (
            desired.suspended & desired.objects.keys()
        )
    examined = [
        change_of(
            id_,
            desired.objects[id_].digest,
            live.trials.get(id_),
            rules.manager,
            suspended=id_ in desired.suspended,
            correction=id_ in live.stood,
        )
        for id_ in sorted(unknown, key=apply_key)
    ]
    refused: set[ObjectId] = set()
    stages = []
    for number, _ in enumerate(STAGE_NAMES):
        stage, now_refused = hold_stage(
            [change for change in examined if stage_of(change.id) == number], refused
        )
        refused |= now_refused
        if stage:
            stages.append(stage)
    removed = () if live.partial else hold_deletions(deletions(desired, live), refused)
    plan = Plan(
        cluster=desired.cluster,
        commit=desired.commit,
        stages=tuple(stages),
        deletions=removed,
        problems=(*live.problems, *_problems(desired.cluster, stages, removed, live)),
        unchanged=len(desired.objects) - len(examined),
        inventory=len(live.inventory) if live.owned is None else live.owned,
        resumed=live.parent.commit == desired.commit,
        prunes=all(map(is_settled, removed)) and not live.unreadable,
    )
    tripped = cluster_guards(plan, rules.limits, rules.approvals, rules.now)
    if tripped:
        told = tuple(guard_problem(desired.cluster, guard) for guard in tripped)
        plan = held(replace(plan, problems=(*plan.problems, *told)), tripped)
    return _with_record(plan, desired, live, rules.now)


def _with_record(plan: Plan, desired: Desired, live: Live, now: datetime) -> Plan:
    if live.partial:
        return replace(plan, parent=live.parent, parent_done=live.parent, parent_stands=True)
    deletes = bool(plan.deletions) or bool(live.unreadable)
    creates = any(change.action is Action.CREATE for change in plan.changes)
    same_objects = live.rest_known and not creates and not deletes
    parent = parent_before(live.parent, desired, now, deletes=deletes, same_objects=same_objects)
    return replace(
        plan,
        parent=parent,
        parent_done=parent_after(parent, desired, parent.commits[-1]) if deletes else parent,
        parent_stands=bool(live.parent.resource_version) and _stands(live, parent, desired, plan),
    )


def recreates(payload: Body | None) -> bool:
    """Whether the object says that it may be deleted and made anew where a field cannot change."""
    return _annotation(payload, RECREATE) == "true"


def leaves_drift(payload: Body, live: Body | None) -> bool:
    """Whether the object asks to be left as the member has it, and nothing else is desired than when it was applied."""
    content = _annotation(payload, CONTENT)
    return _annotation(payload, DRIFT) == "ignore" and bool(content) and content == _annotation(live, CONTENT)


def drift(before: Body, after: Body, manager: str) -> tuple[str, ...]:
    """Names of the places that the server would change; empty where nothing would. `after` is a dry-run's answer.

    Compared are labels, annotations, what we own, and all but `metadata` and `status`.
    """
    one, other = _comparable(before), _comparable(after)
    if not same(one, other):
        return differing_paths(one, other)
    # Equal values that we have not applied, or no longer ask for: ownership itself is what changes.
    if not same(apply_entry(before, manager), apply_entry(after, manager)):
        return ("metadata.managedFields",)
    return ()


def _comparable(body: Body) -> dict[str, Any]:
    metadata: Mapping[str, Any] = body.get("metadata") or {}
    kept = {
        key: metadata[key]
        for key in ("labels", "annotations", "finalizers", "ownerReferences")
        if metadata.get(key)
    }
    return {
        "metadata": kept,
        **{key: item for key, item in body.items() if key not in ("metadata", "status")},
    }


def change_of(
    id_: ObjectId,
    digest: str,
    trial: Trial | None,
    manager: str,
    *,
    suspended: bool = False,
    correction: bool = False,
) -> Change:
    """What becomes of one desired object, from its dry-run alone. `correction`: only others can have changed it."""
    skipped = Change(id=id_, action=Action.SKIP, digest=digest, correction=correction)
    if suspended:
        return replace(skipped, reason="suspended by its policy")
    if trial is None:
        return replace(skipped, reason="was not examined")
    before = trial.before
    wanted = replace(
        skipped,
        api_version=str(trial.payload.get("apiVersion") or ""),
        before=before.body if before else None,
        after=trial.after,
        desired=trial.payload,
        uid=before.uid if before else "",
    )
    if before is not None and before.deleting:
        return replace(wanted, reason="waits: the object is being deleted")
    if before is not None and not before.owned and not _overwrites(trial.payload):
        return replace(wanted, reason="exists and is not ours", refusal=_conflict(id_))
    if before is not None and before.owned and leaves_drift(trial.payload, before.body):
        return replace(wanted, action=Action.UNCHANGED, reason="left as it is: its annotation says so")
    if trial.refusal is not None:
        return _refused(wanted, trial.refusal)
    if trial.deferred:
        action = Action.CREATE if before is None else Action.CONFIGURE
        return replace(wanted, action=action, deferred=True, reason=trial.deferred)
    if before is None:
        return replace(wanted, action=Action.CREATE, reason="is not in the cluster")
    if not before.owned:
        return replace(
            wanted, action=Action.CONFIGURE, reason="adopted: it exists, and conflictResolution is Overwrite"
        )
    differs = drift(before.body or {}, trial.after or {}, manager)
    if not differs:
        return replace(wanted, action=Action.UNCHANGED)
    return replace(wanted, action=Action.CONFIGURE, reason=f"differs in {', '.join(differs)}")


def _refused(wanted: Change, refusal: Refusal) -> Change:
    if refusal.code == IMMUTABLE and recreates(wanted.desired):
        fields = ", ".join(refusal.fields) or "a field"
        return replace(
            wanted, action=Action.CONFIGURE, recreate=True, reason=f"made anew: {fields} cannot change"
        )
    return replace(wanted, reason=refusal.message, refusal=refusal)


def _overwrites(payload: Body) -> bool:
    return _annotation(payload, CONFLICT_RESOLUTION).lower() == "overwrite"


def _annotation(body: Body | None, name: str) -> str:
    annotations = ((body or {}).get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(name) or "")


def _conflict(id_: ObjectId) -> Refusal:
    return Refusal(code="R501", message=f"{id_} exists in the cluster without our label, and was not touched")


def _stands(live: Live, parent: Parent, desired: Desired, plan: Plan) -> bool:
    if same_record(live.parent, parent):
        return True
    # The commit moved but this cluster's tree did not: naming it would be a write that says nothing new.
    same_tree = bool(desired.tree) and desired.tree == live.parent.tree
    writes = any(change.action in (Action.CREATE, Action.CONFIGURE) for change in plan.changes)
    return same_tree and not writes and len(live.parent.commits) == 1 == len(parent.commits)


def _problems(
    cluster: str, stages: Iterable[tuple[Change, ...]], removed: Iterable[Change], live: Live
) -> Iterable[Problem]:
    for stage in stages:
        for change in stage:
            if change.refusal is not None:
                yield refusal_problem(cluster, change.id, change.refusal)
    kept = [change for change in removed if not is_settled(change)]
    if kept:
        yield kept_problem(cluster, kept)
    if live.unreadable:
        yield unreadable_problem(cluster, live.unreadable)
