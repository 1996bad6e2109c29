"""`reconciler run`: passes when something asks for one, islands that deliver, a status that is written when it moves.

Three kinds of task on one event loop: the passes (`cycle`), one island a push cluster (`archipelago`), and the status
(`statuswriter`). Git is used on threads of its own (`lanes`). Nothing here decides placement or deletion.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.errors import LostRace, Problem, ReconcilerError, Severity
from reconciler.interpreter.registry import NATIVE, Interpreters
from reconciler.loop.answers import Answered
from reconciler.loop.archipelago import Archipelago
from reconciler.loop.backoff import Backoff
from reconciler.loop.cycle import Passed, Surroundings, cycle
from reconciler.loop.decide import Decision
from reconciler.loop.freshness import Freshness
from reconciler.loop.island import Island
from reconciler.loop.lanes import Lane, Pool, hurry
from reconciler.loop.log import Log
from reconciler.loop.projector import Projector
from reconciler.loop.pushrate import PushRate
from reconciler.loop.record import Record
from reconciler.loop.reports import Reports
from reconciler.loop.statuswriter import StatusWriter
from reconciler.loop.triggers import Triggers
from reconciler.loop.upkeep import Upkeep
from reconciler.model.cluster import Cluster
from reconciler.model.config import Approval
from reconciler.model.observation import ClusterReport
from reconciler.settings import GuardLimits
from reconciler.status.facts import Aggregate

STUCK_SECONDS = 600.0
ENDING = "the program is being stopped"
STAND_AFTER = 5.0
"""Seconds that the first pass may take to reach the remote before the islands heal by what is known."""
ATTEMPTS = 4
"""Passes in a row after a lost race before waiting for the next trigger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What the surroundings want to know: seconds by stage, passes by result; workers, problems and reports of the fleet."""

    stage: Callable[[str, float], None] = lambda _name, _seconds: None
    passed: Callable[[str], None] = lambda _result: None
    fleet: Callable[[Mapping[str, Island], tuple[Problem, ...], Mapping[str, ClusterReport]], None] = (
        lambda _islands, _problems, _reports: None
    )


@dataclass(slots=True, kw_only=True)
class Reconciler:
    """The running program. `make_island` is asked once for each push cluster; `may_write` is the lease, `suspended` the stop switch."""

    record: Record
    triggers: Triggers
    make_island: Callable[[Cluster], Island]
    aggregate: Aggregate
    clock: Callable[[], datetime]
    log: Log
    may_write: Callable[[], str] = lambda: ""
    suspended: Callable[[], str] = lambda: ""
    hooks: Hooks = field(default_factory=Hooks)
    status_interval: float = 300.0
    report_interval: float = 300.0
    grace: float = 15.0
    limits: GuardLimits = field(default_factory=GuardLimits)
    approvals: tuple[Approval, ...] = ()
    interpreters: Interpreters = NATIVE
    last: Passed | None = None
    trouble: str = ""
    fresh: Freshness = field(default_factory=lambda: Freshness.polling(60.0))
    rate: PushRate = field(default_factory=PushRate)
    turned: float = field(default_factory=time.monotonic)
    answered: Answered = field(init=False)
    """What interpreter webhooks are asked, and by whom."""
    asked: Lane = field(init=False)
    """Where islands put their questions to Git: never behind a remote that does not answer."""
    _passes: Lane = field(init=False)
    _pool: Pool = field(init=False)
    _archipelago: Archipelago = field(init=False)
    _projector: Projector = field(init=False)
    _status: StatusWriter = field(init=False)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _upkeep: Upkeep = field(init=False)
    _settling: asyncio.Lock = field(default_factory=asyncio.Lock)
    _passing: bool = False
    _reached: bool = False
    _backoff: Backoff = field(default_factory=Backoff)

    def __post_init__(self) -> None:
        self._passes = Lane(self.record, "passes")
        self.asked = Lane(self.record.beside(), "questions")
        self._pool = Pool(self.record, "remotes")
        self._upkeep = Upkeep(repository=self.record.repository, log=self.log)
        self._archipelago = Archipelago(lane=self.asked, make_island=self.make_island, log=self.log)
        self._projector = Projector(
            pool=self._pool,
            may_write=lambda: self.may_write() or self.suspended(),
            changed=self.status_changed,
            log=self.log,
            rate=self.rate,
        )
        self.answered = Answered(
            lane=self._passes,
            log=self.log,
            clock=self.clock,
            fire=self.triggers.fire,
            may_write=self._not_leading,
            tip=lambda: self._status.tip,
            moved=lambda tip: self._status.moved(tip),  # noqa: PLW0108 - the writer is made below
        )
        self._status = StatusWriter(
            lane=Lane(self.record.beside(), "status"),
            aggregate=self.aggregate,
            reports=Reports(
                pool=self._pool,
                log=self.log,
                interval=self.report_interval,
                arrived=self.status_changed,
            ),
            clock=self.clock,
            log=self.log,
            islands=self.islands,
            answered=self.answered,
            may_write=self._not_leading,
            fire=self.triggers.fire,
            problems=self.problems,
            told=lambda passed, reports: self.hooks.fleet(self.islands, self.problems(passed), reports),
            stage=self.hooks.stage,
            interval=self.status_interval,
            rate=self.rate,
        )

    @property
    def islands(self) -> dict[str, Island]:
        """The workers of the clusters that are pushed to, by name."""
        return self._archipelago.islands

    async def run(self, stopping: asyncio.Event) -> None:
        """Reconcile until `stopping`; then finish the write that is under way, and stop."""
        self._stopping = stopping
        statuses = asyncio.create_task(self._status.forever(lambda: self.last, stopping))
        hurrying = asyncio.create_task(hurry(stopping, self.grace))
        try:
            await self._pass_forever(stopping)
        finally:
            await asyncio.gather(self._projector.end(), self._archipelago.end())
            await asyncio.gather(statuses, return_exceptions=True)
            await self.answered.close()
            if not self.trouble:
                with suppress(ReconcilerError):
                    await self._status.write(self.last)
            await self._upkeep.end()
            for lane in (self._passes, self.asked, self._status.lane, self._pool):
                await asyncio.to_thread(lane.close)
            hurrying.cancel()

    def status_changed(self) -> None:
        """Something is new to tell."""
        self._status.changed()

    def may_deliver(self) -> str:
        """Why nothing may be written to any cluster just now, or an empty text. A pass that is under way ends at its next write."""
        return ENDING if self._stopping.is_set() else self.may_write() or self.suspended()

    def _not_leading(self) -> str:
        # The lease is given to us after we were made.
        return self.may_write()

    def turned_to(self, names: frozenset[str]) -> None:
        """The stop switch was turned, one way or the other: look at everything again."""
        self.log.info("switch.turned", suspended=sorted(names))
        self.triggers.fire("switch")
        self._archipelago.again()

    # --- passes ---

    async def _pass_forever(self, stopping: asyncio.Event) -> None:
        wake: datetime | None = None
        first = True
        stop = asyncio.create_task(stopping.wait())
        while not stopping.is_set():
            if first:
                reasons: tuple[str, ...] = ("start",)
            else:
                wait = asyncio.create_task(self.triggers.wait(self._seconds_to(wake)))
                await asyncio.wait({wait, stop}, return_when=asyncio.FIRST_COMPLETED)
                if not wait.done():
                    wait.cancel()
                    break
                reasons = wait.result()
            self.turned = time.monotonic()
            self._status.reports_due = True
            if not first and set(reasons) == {"report"}:
                self._status.changed()
                continue
            # What arrives while the host is spared goes with the same push.
            await asyncio.wait({stop}, timeout=self.rate.wait(self.record.remotes.rendered))
            if stopping.is_set():
                break
            self._passing = True
            passing = asyncio.create_task(self._pass(reasons, wake))
            if first:
                await asyncio.wait({passing}, timeout=STAND_AFTER)
                if not self._reached or await passing is None:
                    await self._stand()
            passed = await passing
            self._passing = False
            wake = passed.decision.rendered.next_wake if passed else wake
            if passed is None and self.trouble:
                asyncio.get_running_loop().call_later(self._backoff.next(), self.triggers.fire, "retry")
            first = False
        stop.cancel()

    async def _pass(self, reasons: tuple[str, ...], wake: datetime | None) -> Passed | None:
        """One pass with its errors turned into state; None when it failed."""
        due = wake if wake is not None and wake <= self.clock() else None
        try:
            for attempt in range(ATTEMPTS):
                try:
                    passed = await cycle(self._surroundings(), due)
                    break
                except LostRace:
                    if attempt == ATTEMPTS - 1:
                        raise
            await self._deliver(passed)
        except ReconcilerError as error:
            self._failed(error)
            return None
        except Exception as error:
            self.trouble = f"internal error: {error}"
            self.hooks.passed("crashed")
            self.log.exception("pass.crashed")
            return None
        self._backoff.reset()
        self.trouble = ""
        self.hooks.passed("ok")
        self._tell(passed, reasons)
        self._status.changed()
        return passed

    def _surroundings(self) -> Surroundings:
        def stage(name: str, seconds: float) -> None:
            self._reached = True
            self.hooks.stage(name, seconds)

        return Surroundings(
            lane=self._passes,
            answered=self.answered,
            stopped=lambda: self.may_write() or self.suspended(),
            stage=stage,
        )

    async def _deliver(self, passed: Passed) -> None:
        """The truth is pushed: tell the islands, and show it on the other remotes. Waits for neither."""
        self.last = passed
        if passed.published.updates:
            self.rate.spend(self.record.remotes.rendered)
        self._upkeep.look()
        self.fresh.confirm()
        self._status.tip = self._status.tip or passed.at.status
        self._projector.show(passed, self.record.places_elsewhere(passed.decision))
        await self._settle(passed.decision, passed.published.commit)
        self._archipelago.confirmed()

    async def _stand(self) -> None:
        """Keep healing from the last rendered commit although the Git host is away, or does not answer."""
        try:
            at = await self.asked.do(Record.standing)
            if at.rendered and at.source:
                await self._settle(await self.asked.do(Record.decide, at, None), at.rendered, newest=False)
        except ReconcilerError as error:
            self.log.warning("stand.failed", problem=str(error))

    async def _settle(self, decision: Decision, commit: str, *, newest: bool = True) -> None:
        """The rules that every island is judged by, and what each is to deliver. Not `newest`: unless something newer is there."""
        async with self._settling:
            if not newest and self.last is not None:
                return
            self.limits = await self.asked.do(Record.limits_of, decision)
            self.approvals = decision.fleet.approvals
            self.interpreters = self.answered.live(decision.in_force)
            await self._archipelago.settle(decision.fleet.clusters, decision.observation, commit)

    # --- small things ---

    def problems(self, passed: Passed) -> tuple[Problem, ...]:
        """Everything that is known to be wrong: what this pass found, and what webhooks, branches and clusters come to now."""
        own = (*passed.decision.problems, *passed.published.problems, *self.answered.problems())
        return (*own, *self._projector.problems(), *self._archipelago.problems())

    def healthy(self) -> str:
        """Empty while the loop turns; a pass that hangs for ten minutes is not healthy."""
        silent = time.monotonic() - self.turned
        return (
            ""
            if silent < STUCK_SECONDS or not self._passing
            else f"a pass has been running for {silent:.0f} s"
        )

    def ready(self) -> str:
        """Empty when a pass has succeeded, else what is missing."""
        return "" if self.last is not None else self.trouble or "no pass has succeeded yet"

    def _seconds_to(self, wake: datetime | None) -> float | None:
        return max(0.0, (wake - self.clock()).total_seconds()) if wake else None

    def _failed(self, error: ReconcilerError) -> None:
        self.trouble = str(error)
        self.hooks.passed("failed")
        say = self.log.warning if error.retryable else self.log.error
        say("pass.failed", problem=str(error), kind=type(error).__name__)

    def _tell(self, passed: Passed, reasons: tuple[str, ...]) -> None:
        decision, published = passed.decision, passed.published
        errors = [problem for problem in decision.problems if problem.severity is Severity.ERROR]
        if not published.written.changed and not published.updates:
            return
        self.log.info(
            "tree.rendered",
            reasons=list(reasons),
            seconds=passed.seconds,
            source=decision.source.commit,
            commit=published.commit,
            clusters=len(decision.rendered.tree.clusters),
            objects=sum(len(variant.clusters) for variant in decision.rendered.tree.variants),
            complete=decision.rendered.complete,
            errors=len(errors),
        )
        for problem in (*errors, *decision.dating, *published.problems):
            self.log.warning(
                "problem.found",
                code=problem.code,
                where=str(problem.location or ""),
                message=problem.message,
                evidence=list(problem.evidence),
            )
