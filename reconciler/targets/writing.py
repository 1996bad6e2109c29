"""Writes the stages of a plan: what was deferred is tried first, then every object in its wave.

Promises: no object of a stage is written before all of the stage passed the server's dry-run or are known to wait for one of
the same plan; every write is preceded by the question whether we may. One object's failure is that object's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from reconciler.errors import ClusterError, Halted, Problem, Rejected
from reconciler.kube.resources import Resource
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body
from reconciler.model.plan import Action, Change, Desired, LiveObject
from reconciler.plan.changes import change_of
from reconciler.plan.holds import CONFLICT, hold_stage
from reconciler.plan.inventory import live_object
from reconciler.plan.order import CRD, NAMESPACE, wave_of
from reconciler.plan.report import delivery_problem, refusal_problem
from reconciler.targets.inspection import Inspector
from reconciler.targets.refusals import concerns_all, missing_object, refusal_of
from reconciler.targets.site import Site
from reconciler.targets.table import Table
from reconciler.targets.together import all_or_first_error
from reconciler.targets.waiting import until_active, until_established, until_gone

_ROUNDS: Final = 5
_PATH_PATIENCE: Final = 10.0


@dataclass(slots=True, kw_only=True)
class Progress:
    """What has been done so far in one pass."""

    counts: dict[Action, int] = field(default_factory=dict)
    failed: dict[ObjectId, str] = field(default_factory=dict)
    refused: set[ObjectId] = field(default_factory=set)
    written: list[ObjectId] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def count(self, action: Action, number: int = 1) -> None:
        """One more (or some more) of `action`."""
        self.counts[action] = self.counts.get(action, 0) + number


@dataclass(slots=True, kw_only=True)
class Writer:
    """The writing half of a push target."""

    site: Site
    table: Table
    inspector: Inspector
    desired: Desired
    progress: Progress
    _gate: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._gate = asyncio.Semaphore(self.site.concurrency)

    async def stage(self, changes: Sequence[Change]) -> None:
        """Carry out one stage. Raises Halted, and ClusterError where the whole cluster fails."""
        tried = await self._try_deferred(changes)
        # What an earlier stage could not do may take more with it than the plan could know.
        held, refused = hold_stage(tried, self.progress.refused)
        self.progress.refused |= refused
        rest: list[Change] = []
        for _, wave in groupby(held, key=lambda change: wave_of(change.id)):
            rest += await self._wave([*wave])
        await self._again(rest)
        await self._settle(held)

    async def _try_deferred(self, changes: Sequence[Change]) -> list[Change]:
        if not any(change.deferred for change in changes):
            return list(changes)
        discovery = await self.site.client.discovery()
        trials = await all_or_first_error(
            self.inspector.trial(change.id, change.desired or {}, None, self.desired, discovery)
            for change in changes
            if change.deferred
        )
        made = iter(trials)
        judged = []
        for change in changes:
            if not change.deferred:
                judged.append(change)
                continue
            now = change_of(
                change.id, change.digest, next(made), self.site.manager, correction=change.correction
            )
            if now.refusal is not None:
                self.progress.problems.append(refusal_problem(self.site.cluster, now.id, now.refusal))
            judged.append(now)
        return judged

    async def _wave(self, changes: Sequence[Change]) -> list[Change]:
        """Write one wave side by side; what failed for want of an object of the same stage comes back."""
        later: list[Change] = []
        doing: list[Change] = []
        for change in changes:
            match change.action:
                case Action.UNCHANGED:
                    self.progress.count(Action.UNCHANGED)
                    if change.before is not None:
                        self.table.record(self._live(change.before), change.digest, change.id)
                case Action.CREATE | Action.CONFIGURE:
                    doing.append(change)
                case _:
                    self._skip(change)
        if not doing:
            return later
        outcomes = await all_or_first_error([self._write(change) for change in doing])
        return [change for change, done in zip(doing, outcomes, strict=True) if not done]

    async def _again(self, changes: Sequence[Change]) -> None:
        rest = list(changes)
        for attempt in range(_ROUNDS):
            if not rest:
                return
            await self.site.sleep(0.05 * 2**attempt)
            rest = await self._wave(rest)
        for change in rest:
            self._fail(change, f"{change.id}: what it needs did not come")

    async def _write(self, change: Change) -> bool:
        """Whether it is settled: written, or failed for good."""
        site = self.site
        resource = await self._resource(change)
        if resource is None:
            self._fail(change, f"{change.id}: the cluster does not serve this kind")
            return True
        async with self._gate:
            reason = site.questions.stopped()
            if reason:
                raise Halted(reason)
            try:
                if change.recreate:
                    await self._take_away(change, resource)
                body, is_new = await self._apply(change, resource)
            except ClusterError as error:
                if concerns_all(error):
                    raise
                discovery = await site.client.discovery()
                cure = missing_object(error, change.desired or {}, change.id.namespace, discovery)
                if cure is not None and cure in self.desired.objects and cure not in self.progress.failed:
                    return False
                refusal = refusal_of(change.id, error)
                self.progress.problems.append(refusal_problem(site.cluster, change.id, refusal))
                self._fail(change, refusal.message)
                return True
        self.table.record(self._live(body), change.digest, change.id)
        self.progress.count(Action.CREATE if is_new and not change.recreate else Action.CONFIGURE)
        self.progress.written.append(change.id)
        self.progress.failed.pop(change.id, None)
        site.checkpoint("mid-stage")
        return True

    async def _apply(self, change: Change, resource: Resource) -> tuple[Body, bool]:
        waited = 0.0
        while True:
            try:
                return await self.site.client.apply(
                    resource,
                    change.id.namespace,
                    change.id.name,
                    change.desired or {},
                    manager=self.site.manager,
                )
            except Rejected as error:
                # Discovery may show a CRD's path a moment before the server serves it.
                if error.status != 404 or error.missing[2] or waited >= _PATH_PATIENCE:
                    raise
            await self.site.sleep(0.25)
            waited += 0.25

    async def _take_away(self, change: Change, resource: Resource) -> None:
        id_ = change.id
        self.table.forget(id_)
        await self.site.client.delete(resource, id_.namespace, id_.name, uid=change.uid)
        if await until_gone(self.site, {id_: change.uid}, self.site.settle_timeout):
            raise Rejected(
                "it is being deleted to be made anew, and is not gone yet", cluster=self.site.cluster
            )

    async def _resource(self, change: Change) -> Resource | None:
        discovery = await self.site.client.discovery()
        return discovery.find(
            change.api_version or str((change.desired or {}).get("apiVersion")), change.id.kind
        )

    async def _settle(self, changes: Sequence[Change]) -> None:
        written = set(self.progress.written)
        fresh = {change.id: change.desired or {} for change in changes if change.id in written}
        definitions = {id_: body for id_, body in fresh.items() if id_.kind_group == CRD}
        namespaces = [id_ for id_ in fresh if id_.kind_group == NAMESPACE]
        late = [
            *(await until_established(self.site, definitions) if definitions else ()),
            *(await until_active(self.site, namespaces) if namespaces else ()),
        ]
        for id_ in late:
            self.progress.problems.append(
                delivery_problem(
                    "R513", self.site.cluster, f"{id_} did not become usable in time", subject=str(id_)
                )
            )

    def _skip(self, change: Change) -> None:
        self.progress.count(Action.SKIP)
        if change.refusal is not None:
            self.progress.failed[change.id] = change.refusal.message
            if change.refusal.code != CONFLICT:
                self.progress.refused.add(change.id)

    def _fail(self, change: Change, message: str) -> None:
        self.table.doubt([change.id])
        self.progress.count(Action.SKIP)
        self.progress.failed[change.id] = message
        self.progress.refused.add(change.id)

    def _live(self, body: Body) -> LiveObject:
        return live_object(body, part_of=self.site.part_of, manager=self.site.manager, complete=False)
