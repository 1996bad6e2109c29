"""Puts drift back at once: watches what is ours, asks for a correction of exactly what changed, and notices a fight.

Promises: looks only at objects that carry our label; our own writes are not drift; a kind that cannot be watched costs a
retry with backoff, and the slow full pass still finds what it missed. Must not write by itself.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import ClusterError, Problem
from reconciler.kube.resources import Resource
from reconciler.kube.retry import doubled
from reconciler.kube.watch import Event, EventType, follow
from reconciler.model.identity import ObjectId, id_of_body
from reconciler.model.marks import PART_OF
from reconciler.model.plan import LiveObject, Outcome
from reconciler.plan.holds import CONFLICT
from reconciler.plan.inventory import live_object
from reconciler.plan.report import delivery_problem
from reconciler.targets.fight import FightDetector
from reconciler.targets.push import PushTarget

Correct = Callable[[frozenset[ObjectId]], Awaitable[Outcome | None]]
"""Brings these objects back; says what it wrote."""


@dataclass(slots=True, kw_only=True)
class Healer:
    """One cluster's watches. `correct` is asked for a batch at a time; `fighting` is told of a fight once a round.

    Seconds: `settle` gathers what changes together, `survey` is how often the kinds to watch are looked up again.
    """

    target: PushTarget
    correct: Correct
    fighting: Callable[[Problem], None] = lambda _problem: None
    corrected: Callable[[Outcome], None] = lambda _outcome: None
    stirred: Callable[[], None] = lambda: None
    """Something of ours changed in the cluster, drift or not: its status may be news."""
    detector: FightDetector = field(default_factory=FightDetector)
    settle: float = 0.05
    survey: float = 5.0
    longest_backoff: float = 60.0
    clock: Callable[[], float] = time.monotonic
    dice: Callable[[], float] = random.random
    _changed: dict[ObjectId, LiveObject | None] = field(init=False, default_factory=dict)
    _refused: dict[ObjectId, tuple[int, float]] = field(init=False, default_factory=dict)
    """How often in a row an object could not be put back, and until when it is left alone."""
    _awake: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _watches: dict[str, asyncio.Task[None]] = field(init=False, default_factory=dict)
    _following: set[str] = field(init=False, default_factory=set)

    async def run(self, stopping: asyncio.Event) -> None:
        """Watch and correct until `stopping`."""
        work = (self._survey(), self._correct_forever(), stopping.wait())
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(each) for each in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            ending = [*tasks, *self._watches.values()]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)

    @property
    def watched_kinds(self) -> tuple[str, ...]:
        """The kinds (`Kind.group`) that are watched now, sorted."""
        return tuple(sorted(kind for kind, task in self._watches.items() if not task.done()))

    def sees_everything(self) -> bool:
        """Whether every kind of which we have objects is being watched just now, so that nothing changes unseen."""
        kinds = {id_.kind_group for id_ in self.target.seen_objects()}
        return bool(kinds) and kinds <= self._following

    async def _survey(self) -> None:
        while True:
            ids = self.target.seen_objects()
            kinds = {(id_.group, id_.kind) for id_ in ids}
            try:
                discovery = await self.target.site.client.discovery() if kinds else None
            except ClusterError:
                discovery = None
            if discovery is not None:
                resources = {
                    r.kind_group: r for kind in kinds if (r := discovery.preferred(*kind)) is not None
                }
                self._watch({name: r for name, r in resources.items() if "watch" in r.verbs})
            await asyncio.sleep(self.survey)

    def _watch(self, resources: dict[str, Resource]) -> None:
        for kind in [kind for kind in self._watches if kind not in resources]:
            self._watches.pop(kind).cancel()
            self._following.discard(kind)
        for kind, resource in resources.items():
            if kind not in self._watches or self._watches[kind].done():
                self._watches[kind] = asyncio.create_task(self._follow(resource))

    async def _follow(self, resource: Resource) -> None:
        failures = 0
        while True:
            began = self.clock()
            try:
                labels = f"{PART_OF}={self.target.site.part_of}"
                async for event in follow(self.target.site.client, resource, labels=labels, dice=self.dice):
                    if event.type is EventType.LISTED:
                        self._following.add(resource.kind_group)
                    self._see(event, resource)
            except ClusterError:
                self._following.discard(resource.kind_group)
                # That a list came says nothing of the watch that was to continue it.
                if self.clock() - began > self.longest_backoff:
                    failures = 0
                wait = doubled(1.0, failures, self.longest_backoff)
                failures += 1
                await asyncio.sleep(wait * (0.5 + 0.5 * self.dice()))

    def _see(self, event: Event, resource: Resource) -> None:
        self.stirred()
        site = self.target.site
        seen = [
            live_object(body, part_of=site.part_of, manager=site.manager, complete=False)
            for body in event.objects
        ]
        if event.type is EventType.DELETED:
            for body in event.objects:
                self._note(id_of_body(body), None)
            return
        for live in seen:
            self._note(live.id, live)
        if event.type is EventType.LISTED:
            there = {live.id for live in seen}
            for id_ in self.target.seen_objects():
                if (id_.group, id_.kind) == (resource.group, resource.kind) and id_ not in there:
                    self._note(id_, None)

    def _note(self, id_: ObjectId, live: LiveObject | None) -> None:
        if not self.target.is_as_wanted(id_, live):
            self._changed[id_] = live
            self._awake.set()

    async def _correct_forever(self) -> None:
        while True:
            await self._awake.wait()
            await asyncio.sleep(self.settle)
            # Our own writes are seen before their answers are: after the pass the table knows them.
            await self.target.idle()
            self._awake.clear()
            batch, rest = self._due()
            self._changed = dict(rest)
            if batch:
                await self._correct(batch)
            elif self._changed:
                now = self.clock()
                await self._pause(min(self._wait(id_, now) for id_ in self._changed))

    def _due(self) -> tuple[frozenset[ObjectId], list[tuple[ObjectId, LiveObject | None]]]:
        now = self.clock()
        drifted = [
            (id_, live) for id_, live in self._changed.items() if not self.target.is_as_wanted(id_, live)
        ]
        # What came right some other way begins anew.
        self._refused = {id_: self._refused[id_] for id_, _ in drifted if id_ in self._refused}
        rest = [(id_, live) for id_, live in drifted if self._wait(id_, now) > 0]
        waiting = {id_ for id_, _ in rest}
        return frozenset(id_ for id_, _ in drifted if id_ not in waiting), rest

    def _wait(self, id_: ObjectId, now: float) -> float:
        _, until = self._refused.get(id_, (0, now))
        return max(self.detector.wait(id_, now), until - now)

    async def _correct(self, batch: frozenset[ObjectId]) -> None:
        try:
            outcome = await self.correct(batch)
        except ClusterError:
            # The cluster is away: what was seen is kept, and asked for again after a while.
            for id_ in batch:
                self._changed.setdefault(id_, None)
            await asyncio.sleep(self.survey)
            self._awake.set()
            return
        if outcome is not None:
            self._put_off(batch, outcome)
        if self._changed:
            self._awake.set()
        if outcome is None:
            return
        fights = self._fights(id_ for id_ in outcome.written if id_ in batch)
        for id_ in fights:
            said = f"{id_} was put back again and again; the next time in {self.detector.wait(id_, self.clock()):.0f} s"
            self.fighting(delivery_problem("R514", self.target.name, said, subject=str(id_)))
        if outcome.written:
            self.corrected(outcome)

    def _put_off(self, batch: frozenset[ObjectId], outcome: Outcome) -> None:
        """What could not be put back is tried again by and by: nobody need write to it once more for that to be possible."""
        conflicts = {problem.subject for problem in outcome.problems if problem.code == CONFLICT}
        now = self.clock()
        for id_ in batch:
            if id_ not in outcome.failed or str(id_) in conflicts:
                self._refused.pop(id_, None)
                continue
            times, _ = self._refused.get(id_, (0, now))
            self._refused[id_] = (times + 1, now + doubled(1.0, times, self.longest_backoff))
            self._changed.setdefault(id_, None)

    def _fights(self, written: Iterable[ObjectId]) -> list[ObjectId]:
        return [id_ for id_ in written if self.detector.corrected(id_, self.clock())]

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._awake.wait(), max(seconds, self.settle))
        except TimeoutError:
            self._awake.set()
