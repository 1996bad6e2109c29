"""Delivery to an API server: inspect, then apply a plan. The reconciler's push mode and the agent use the same.

Promises: the record is written before anything else, prune comes last, nothing is written without asking whether it may, and
a second pass over an unchanged cluster writes nothing. One cluster's failure is an exception of that cluster alone. Must
not decide what a plan holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from reconciler.errors import Halted
from reconciler.model.identity import ObjectId
from reconciler.model.plan import Action, Desired, Live, LiveObject, Outcome, Parent, Plan
from reconciler.plan.changes import Rules, changes
from reconciler.plan.inventory import same_record
from reconciler.plan.order import CRD
from reconciler.plan.report import delivery_problem, kept_problem
from reconciler.targets.breaker import Breaker
from reconciler.targets.inspection import Inspector
from reconciler.targets.pruning import Pruner
from reconciler.targets.record import confirm_parent, write_parent
from reconciler.targets.site import Site
from reconciler.targets.table import Table
from reconciler.targets.writing import Progress, Writer

CHECKPOINTS: Final = (
    "before-record",
    "after-record",
    "mid-stage",
    "between-stages",
    "before-prune",
    "mid-prune",
    "after-prune",
)
"""Places that `Site.checkpoint` is told of, in the order in which a pass comes by."""


@dataclass(slots=True, kw_only=True)
class PushTarget:
    """One cluster, reached through its API server. A pass at a time: whoever comes second waits."""

    site: Site
    breaker: Breaker = field(default_factory=Breaker)
    _table: Table = field(init=False, default_factory=Table)
    _inspector: Inspector = field(init=False)
    _parent: Parent | None = field(init=False, default=None)
    _desired: Desired | None = field(init=False, default=None)
    _stale_discovery: bool = field(init=False, default=True)
    _busy: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._inspector = Inspector(site=self.site, table=self._table)

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.site.cluster

    async def close(self) -> None:
        """Close the connections."""
        await self.site.client.close()

    async def inspect(self, desired: Desired, *, full: bool = True) -> Live:
        """What is there, and what the server would make of `desired`. Not `full` falls back to full where it must."""
        async with self._busy, self.breaker.watching(self.site.client.refresh):
            if full or self._parent is None:
                await self.site.client.refresh()
                live = await self._inspector.everything(desired, refresh=full or self._stale_discovery)
                self._stale_discovery = False
                # An unread kind may hold what the table does not know: the next pass must look again.
                self._parent = live.parent if not live.unreadable else None
            else:
                live = await self._inspector.changed(desired, self._parent)
            self._desired = desired
            return live

    async def apply(self, plan: Plan) -> Outcome:
        """Carry out `plan`, which was made from the last inspection. Raises ClusterError."""
        async with self._busy, self.breaker.watching():
            if self._desired is None or self._desired.commit != plan.commit:
                raise RuntimeError("a plan is applied right after the inspection that it was made from")
            return await self._apply(plan, self._desired)

    async def put_back(self, ids: Iterable[ObjectId], rules: Rules) -> Outcome | None:
        """Bring some objects back to what they were; None before the first pass. Deletes nothing.

        What is desired newly (it waits for a refused neighbour, say) is the next pass's matter, not ours.
        """
        async with self._busy, self.breaker.watching():
            if self._desired is None or self._parent is None:
                return None
            wanted = self._desired.objects
            stood = [id_ for id_ in ids if id_ in wanted and self._table.was_applied(id_, wanted[id_].digest)]
            live = await self._inspector.some(self._desired, stood, self._parent)
            return await self._apply(changes(self._desired, live, rules), self._desired)

    async def idle(self) -> None:
        """Wait for the end of the pass that runs just now."""
        async with self._busy:
            return

    def is_as_wanted(self, id_: ObjectId, live: LiveObject | None) -> bool:
        """Whether a state that a watch saw (None: deleted) is what the last pass left, or is none of our business."""
        desired = self._desired
        if desired is None or id_ not in desired.objects or id_ in desired.suspended:
            return True
        digest = desired.objects[id_].digest
        if not self._table.was_applied(id_, digest):
            # What is wanted newly is the next pass's matter, not drift.
            return True
        return live is not None and self._table.proves(live, digest)

    def seen_objects(self) -> frozenset[ObjectId]:
        """Everything that was ours at the last look."""
        return frozenset(self._table.inventory())

    async def _apply(self, plan: Plan, desired: Desired) -> Outcome:
        started, progress = self.site.now(), Progress()
        progress.count(Action.UNCHANGED, plan.unchanged)
        complete, stopped = False, ""
        try:
            complete = await self._carry_out(plan, desired, progress)
        except Halted as stop:
            stopped = str(stop)
            said = f"nothing more was written: {stop}"
            progress.problems.append(delivery_problem("R516", self.name, said))
        except BaseException:
            # How far it came is not known: what was proven before may no longer hold.
            self._parent = None
            raise
        outcome = self._outcome(plan, progress, started, complete=complete and not progress.failed)
        return replace(outcome, stopped=stopped)

    async def _carry_out(self, plan: Plan, desired: Desired, progress: Progress) -> bool:
        parent = await self._begin(plan)
        writer = Writer(
            site=self.site, table=self._table, inspector=self._inspector, desired=desired, progress=progress
        )
        for number, stage in enumerate(plan.stages):
            if number and parent is not None:
                await confirm_parent(self.site, parent)
                self.site.checkpoint("between-stages")
            await writer.stage(stage)
        return await self._finish(plan, parent, progress)

    async def _begin(self, plan: Plan) -> Parent | None:
        """Write the record where it does not say this plan's commit yet; the record, or None where nothing is written."""
        if plan.parent_stands:
            return self._parent if not plan.is_empty else None
        self._may_write()
        self.site.checkpoint("before-record")
        self._parent = await write_parent(self.site, plan.parent)
        self.site.checkpoint("after-record")
        return self._parent

    async def _finish(self, plan: Plan, parent: Parent | None, progress: Progress) -> bool:
        pruner = Pruner(site=self.site, table=self._table, progress=progress)
        if any(change.action is Action.DELETE for change in plan.deletions):
            if not await pruner.wait_until_ready(plan):
                waiting = [change for change in plan.deletions if change.action is Action.DELETE]
                progress.count(Action.SKIP, len(plan.deletions))
                progress.problems.append(kept_problem(self.name, waiting))
                return False
            if parent is not None:
                await confirm_parent(self.site, parent)
            self.site.checkpoint("before-prune")
        done = await pruner.prune(plan)
        if any(id_.kind_group == CRD for id_ in (change.id for change in plan.deletions)):
            self._stale_discovery = True
        if done and self._parent is not None and not same_record(plan.parent, plan.parent_done):
            self._may_write()
            self.site.checkpoint("after-prune")
            current = self._parent
            self._parent = await write_parent(self.site, _with_version(plan.parent_done, current))
        return done

    def _may_write(self) -> None:
        reason = self.site.questions.stopped()
        if reason:
            raise Halted(reason)

    def _outcome(self, plan: Plan, progress: Progress, started: datetime, *, complete: bool) -> Outcome:
        return Outcome(
            cluster=self.name,
            commit=plan.commit,
            counts=progress.counts,
            failed=progress.failed,
            problems=tuple(dict.fromkeys((*plan.problems, *progress.problems))),
            guards=plan.guards,
            started=started,
            finished=self.site.now(),
            complete=complete,
            written=tuple(progress.written),
        )


def _with_version(parent: Parent, current: Parent) -> Parent:
    return replace(parent, resource_version=current.resource_version, uid=current.uid)
