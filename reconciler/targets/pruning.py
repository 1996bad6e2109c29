"""Carries out a plan's deletions, step by step, after everything else.

Promises: only exactly the objects of the plan (by uid) are deleted; a step begins when the one before is gone, and what
stays keeps its CRD and its Namespace. Must not choose what to delete.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from reconciler.errors import ClusterError, FieldConflict, Halted
from reconciler.model.identity import ObjectId
from reconciler.model.plan import Action, Change, Plan
from reconciler.plan.holds import hold_deletions
from reconciler.plan.order import CRD, NAMESPACE, deletion_step, wave_of
from reconciler.plan.report import delivery_problem, kept_problem
from reconciler.targets.refusals import concerns_all, refusal_of
from reconciler.targets.site import Site
from reconciler.targets.table import Table
from reconciler.targets.together import all_or_first_error
from reconciler.targets.waiting import until_gone, until_ready
from reconciler.targets.writing import Progress


@dataclass(slots=True, kw_only=True)
class Pruner:
    """The deleting part of a push target."""

    site: Site
    table: Table
    progress: Progress
    _gate: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._gate = asyncio.Semaphore(self.site.concurrency)

    async def wait_until_ready(self, plan: Plan) -> bool:
        """Wait for what this commit brought; false where something newer or a suspension came in between."""
        ids = list(self.progress.written)
        if plan.resumed:
            # An earlier pass wrote them, and was ended before it could wait.
            ids += [
                change.id for stage in plan.stages for change in stage if change.action is Action.UNCHANGED
            ]
        began = plan.parent.commits[-1].started
        deadline = began.timestamp() + self.site.ready_timeout
        waiting = await until_ready(self.site, ids, began.fromtimestamp(deadline, tz=began.tzinfo))
        if waiting and (self.site.questions.preempted() or self.site.questions.stopped()):
            return False
        if waiting:
            rows = [f"{id_}: {reason}" for id_, reason in waiting.items()]
            said = f"{len(rows)} objects were not ready within {self.site.ready_timeout:g} s"
            self.progress.problems.append(delivery_problem("R513", self.site.cluster, said, evidence=rows))
        return True

    async def prune(self, plan: Plan) -> bool:
        """Delete; true where nothing of what should go is left. Raises Halted and ClusterError."""
        deletions = hold_deletions(plan.deletions, self.progress.refused)
        left: list[Change] = [change for change in deletions if change.action is Action.SKIP]
        survivors: list[Change] = []
        for _, step in groupby(deletions, key=lambda change: deletion_step(change.id)):
            survivors += await self._step(
                [change for change in step if change.action is Action.DELETE], survivors
            )
        self.progress.count(Action.SKIP, len(left) + len(survivors))
        newly_held = [
            change for change in left if change.reason not in {was.reason for was in plan.deletions}
        ]
        if survivors or newly_held:
            self.progress.problems.append(kept_problem(self.site.cluster, [*survivors, *newly_held]))
        return plan.prunes and not survivors and not newly_held

    async def _step(self, changes: Sequence[Change], survivors: Sequence[Change]) -> list[Change]:
        stay: list[Change] = []
        asked: dict[ObjectId, Change] = {}
        for _, wave in groupby(changes, key=lambda change: wave_of(change.id)):
            doing = []
            for change in wave:
                inside = next((other for other in survivors if _contains(change.id, other.id)), None)
                if inside is None:
                    doing.append(change)
                else:
                    stay.append(_staying(change, f"waits for {inside.id} to go"))
            answers = await all_or_first_error([self._delete(change) for change in doing])
            for change, said in zip(doing, answers, strict=True):
                if said:
                    stay.append(_staying(change, said))
                else:
                    asked[change.id] = change
        remaining = await until_gone(
            self.site, {id_: asked[id_].uid for id_ in asked}, self.site.settle_timeout
        )
        for id_, change in asked.items():
            if id_ in remaining:
                stay.append(_staying(change, "is being deleted; a finalizer holds it"))
            else:
                self.table.forget(id_)
                self.progress.count(Action.DELETE)
        return stay

    async def _delete(self, change: Change) -> str:
        """Ask for one deletion; why it stays, or an empty text."""
        discovery = await self.site.client.discovery()
        resource = discovery.of(change.id)
        if resource is None:
            return "" if not discovery.is_stale(change.id.group) else "its API does not answer"
        async with self._gate:
            reason = self.site.questions.stopped()
            if reason:
                raise Halted(reason)
            try:
                await self.site.client.delete(resource, change.id.namespace, change.id.name, uid=change.uid)
            except FieldConflict:
                return "was replaced by another object of its name"
            except ClusterError as error:
                if concerns_all(error):
                    raise
                refusal = refusal_of(change.id, error)
                self.progress.failed[change.id] = refusal.message
                return refusal.message
        self.site.checkpoint("mid-prune")
        return ""


def _staying(change: Change, reason: str) -> Change:
    return Change(id=change.id, action=Action.SKIP, reason=reason, uid=change.uid)


def _contains(container: ObjectId, id_: ObjectId) -> bool:
    if container.kind_group == NAMESPACE:
        return id_.namespace == container.name
    return container.kind_group == CRD and id_.group == container.name.partition(".")[2]
