"""One cluster's worker: brings it to the newest tree, keeps it there, and says how it is.

Every cluster is an island (DESIGN §4): own task, own timeouts, own backoff. An island that cannot be reached waits for itself
alone. It decides nothing: `plan.changes` and the guards do, `Target` carries out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from reconciler.errors import (
    ClusterError,
    CredentialRefused,
    Outdated,
    Problem,
    ReconcilerError,
    Throttled,
    Unauthorized,
    Unreachable,
)
from reconciler.events import Reason
from reconciler.loop.allowance import Allowance
from reconciler.loop.backoff import Backoff
from reconciler.loop.log import Log
from reconciler.model.identity import ObjectId
from reconciler.model.observation import ClusterReport, MemberStatus, Readiness
from reconciler.model.plan import Action, Desired, Outcome, Plan
from reconciler.plan.changes import Rules, changes
from reconciler.plan.report import cluster_problem
from reconciler.targets.breaker import BreakerOpen
from reconciler.targets.target import Target

T = TypeVar("T")

_FORGIVEN = timedelta(hours=1)
"""Twice the longest wait of the fight detector."""


class Observer(Protocol):
    """Collects the facts of one cluster."""

    def remember(self, report: ClusterReport) -> None:
        """Start from what was told before."""

    async def cluster(self, now: datetime) -> ClusterReport:
        """Status of the cluster itself. Never raises a ClusterError: no answer is a fact."""

    async def objects(
        self, wanted: frozenset[ObjectId], failures: Mapping[ObjectId, str]
    ) -> dict[ObjectId, MemberStatus]:
        """Status of our objects. Raises ClusterError."""

    async def close(self) -> None:
        """Let go of connections."""


class Healing(Protocol):
    """Watches what is ours and puts drift back."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Do so until `stopping`."""

    def sees_everything(self) -> bool:
        """Whether nothing of ours changes unseen just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds: how often the cluster is looked at while things move, and when nothing does; and looked over in full.

    `gather`: how long changes that a watch saw are gathered before they are looked at. `writing`: how long a look waits for the
    end of what is being written just now, which would change again what it saw.
    `recount`: after so long all objects are listed again, although the watches saw nothing move.
    """

    gather: float = 0.5
    writing: float = 15.0
    moving: float = 2.0
    settled: float = 15.0
    recount: float = 300.0
    full_pass: float = 600.0


@dataclass(slots=True, kw_only=True)
class Island:
    """One cluster's state between passes.

    `rules` is asked at each pass (approvals expire); `changed` is called when there is something new to tell. `unsure` says
    why the tree may be out of date (nobody could be asked for a newer one): nothing is deleted on its word then. `stage` counts seconds.
    """

    name: str
    target: Target
    observer: Observer
    rules: Callable[[Desired], Rules]
    clock: Callable[[], datetime]
    changed: Callable[[], None]
    log: Log
    unsure: Callable[[], str] = lambda: ""
    stage: Callable[[str, float], None] = lambda _name, _seconds: None
    pace: Pace = field(default_factory=Pace)
    healer: Healing | None = None
    notice: Callable[[], str] = lambda: ""
    """What else is to be said of the cluster, where nothing is in trouble."""
    observe_only: bool = False
    suspended: str = ""
    desired: Desired | None = None
    outcome: Outcome | None = None
    plan: Plan | None = None
    report: ClusterReport | None = None
    members: Mapping[ObjectId, MemberStatus] = field(default_factory=dict)
    trouble: str = ""
    error: ClusterError | None = None
    fights: dict[str, tuple[Problem, datetime]] = field(default_factory=dict)
    wanted_at: datetime | None = None
    delivered_commit: str = ""
    """The rendered commit of the last pass that wrote all it could."""
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _delivered: asyncio.Event = field(default_factory=asyncio.Event)
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)
    _glances: Allowance = field(default_factory=lambda: Allowance(burst=10, every=10.0))
    _backoff: Backoff = field(default_factory=Backoff)
    _at_rest: asyncio.Event = field(default_factory=asyncio.Event)
    _looked_over: datetime | None = None
    _overdue: bool = True
    _was_unsure: bool = False
    _is_quiet: bool = False
    _collected: tuple[Outcome | None, datetime] | None = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._at_rest.set()

    def want(self, desired: Desired) -> None:
        """Bring the cluster to this tree; replaces what was wanted before."""
        if self.desired is None or (
            self.desired.commit,
            self.desired.tree,
            self.desired.complete,
            self.desired.held,
        ) != (
            desired.commit,
            desired.tree,
            desired.complete,
            desired.held,
        ):
            if self.wanted_at is None or self.lag_seconds == 0.0:
                self.wanted_at = self.clock()
            self.desired = desired
            self._wanted.set()

    def remember(self, report: ClusterReport) -> None:
        """What the status branch says of this cluster."""
        self.observer.remember(report)

    def stir(self) -> None:
        """Something of ours changed in the cluster, be it its status alone: look at it soon."""
        self._is_quiet = False
        self._stirred.set()

    @property
    def is_waited_for(self) -> bool:
        """Whether something newer waits."""
        return self._wanted.is_set()

    @property
    def applied_commit(self) -> str:
        """The rendered commit that this cluster stands at: everything of it applied, whatever may not be pruned yet."""
        outcome = self.outcome
        if outcome is None or outcome.failed or outcome.stopped or self.trouble:
            return ""
        return outcome.commit

    def suspend(self, reason: str) -> None:
        """Write nothing while there is a reason; without one, look the cluster over and go on."""
        resumed = bool(self.suspended) and not reason
        self.suspended = reason
        if resumed:
            self.again()

    def again(self) -> None:
        """Look the cluster over in full, now: what was put off while it was suspended is not known otherwise."""
        self._overdue = True
        self._wanted.set()

    def confirmed(self) -> None:
        """The wanted tree is known to be the newest one: what was only kept for want of that may go."""
        if self._was_unsure:
            self._was_unsure = False
            self.again()

    @property
    def lag_seconds(self) -> float:
        """How long the newest tree has been waited for; 0 where the cluster stands at it."""
        desired = self.desired
        if desired is None or self.wanted_at is None or self.applied_commit == desired.commit:
            return 0.0
        return (self.clock() - self.wanted_at).total_seconds()

    @property
    def may_not_write(self) -> str:
        """Why this cluster's worker must not write any more, or an empty text; asked before every write."""
        return "the worker of this cluster ends" if self._stopping.is_set() else self.suspended

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver and observe until `stopping`."""
        self._stopping = stopping
        works = (self._deliver_forever, self._observe_forever, self._heal_forever)
        tasks = [asyncio.create_task(self._supervised(work, stopping)) for work in works]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.target.close()
            await self.observer.close()

    async def look(self, *, full: bool = True) -> Plan:
        """Inspect and plan; writes nothing. Raises ClusterError."""
        desired = self.desired
        if desired is None:
            raise ReconcilerError(f"cluster {self.name}: nothing was rendered for it yet")
        why = self.unsure()
        if why:
            self._was_unsure = True
            desired = replace(desired, held=desired.held or why)
        live = await self.target.inspect(desired, full=full)
        return changes(desired, live, self.rules(desired))

    async def carry_out(self, plan: Plan, started: datetime) -> Outcome:
        """Apply what `look` came to; where the cluster is only observed, say what would be done. Raises ClusterError."""
        self.plan = plan
        if self.observe_only:
            return Outcome(
                cluster=self.name,
                commit=plan.commit,
                problems=plan.problems,
                guards=plan.guards,
                complete=plan.is_empty and plan.prunes,
                stopped="" if plan.is_empty else "the cluster is only observed",
                started=started,
                finished=self.clock(),
            )
        self._at_rest.clear()
        try:
            outcome = await self.target.apply(plan)
        finally:
            self._at_rest.set()
        return replace(outcome, started=started, finished=self.clock())

    def fighting(self, problem: Problem) -> None:
        """Somebody else keeps writing what we put back."""
        self.fights[problem.subject] = (problem, self.clock())
        self.log.warning("drift.fight", cluster=self.name, problem=problem.message)
        self.changed()

    def healed(self, outcome: Outcome) -> None:
        """Drift was put back."""
        counts = {action.value: count for action, count in outcome.counts.items() if count}
        self.log.info("drift.corrected", cluster=self.name, commit=outcome.commit, **counts)

    # --- the three tasks ---

    async def _supervised(
        self, work: Callable[[asyncio.Event], Awaitable[None]], stopping: asyncio.Event
    ) -> None:
        """Begin again after a fault of our own: it must neither silence this cluster for good nor reach another one."""
        while not stopping.is_set():
            try:
                await work(stopping)
            except Exception as error:
                self.trouble, self.error = f"{type(error).__name__}: {error}", None
                self._overdue = True
                self.log.exception("island.broke", cluster=self.name, task=work.__name__)
                await _first(stopping, seconds=self._backoff.next())
            else:
                return

    async def _deliver_forever(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            wait = self.pace.full_pass
            if self.desired is not None:
                self._wanted.clear()
                wait = await self._pass(stopping)
            await _first(stopping, self._wanted, seconds=wait)

    async def _heal_forever(self, stopping: asyncio.Event) -> None:
        """Watch and put back, once a first pass has gone through."""
        while self.outcome is None and not stopping.is_set():
            await _first(stopping, self._delivered, seconds=self.pace.settled)
        if self.healer is not None and not stopping.is_set():
            await self.healer.run(stopping)

    async def _pass(self, stopping: asyncio.Event) -> float:
        """One pass with its errors turned into state; the seconds until the next one."""
        before = (self.outcome, self.trouble)
        started = self.clock()
        full = (
            self._overdue
            or bool(self.trouble)
            or self._looked_over is None
            or started - self._looked_over >= self._full_pass
        )
        self._overdue = False
        try:
            began = time.monotonic()
            plan = await _unless(stopping, self.look(full=full))
            if plan is None:
                return 0.0
            looked = time.monotonic()
            self.stage("inspect", looked - began)
            self.outcome = await self.carry_out(plan, started)
            self.stage("apply", time.monotonic() - looked)
            if not self.outcome.stopped:
                self.delivered_commit = self.outcome.commit
            if full:
                self._looked_over = started
            self.trouble = ""
            self.error = None
        except Outdated as error:
            self.trouble, self.error = str(error), error
            self.log.warning("cluster.outdated", cluster=self.name, problem=str(error))
            wait = self._backoff.next()
        except ReconcilerError as error:
            # How long it will not be asked is another number each time: what is told is why.
            reason = error.reason if isinstance(error, BreakerOpen) else error
            self.trouble, self.error = str(reason), reason if isinstance(reason, ClusterError) else None
            wait = self._backoff.next()
            self.log.warning("cluster.failed", cluster=self.name, problem=str(error), retry_in=round(wait, 1))
        else:
            wait = self._settle(self.outcome)
        if (self.outcome, self.trouble) != before:
            self._delivered.set()
        return wait

    def _settle(self, outcome: Outcome) -> float:
        counts = {action.value: count for action, count in outcome.counts.items() if count}
        quiet = set(outcome.counts) <= {Action.UNCHANGED, Action.SKIP} and not outcome.failed
        if not quiet:
            self.log.info(
                "cluster.applied", cluster=self.name, commit=outcome.commit, failed=len(outcome.failed),
                complete=outcome.complete, seconds=_seconds(outcome), **counts,
            )  # fmt: skip
        for guard in outcome.guards:
            self.log.warning("prune.held", cluster=self.name, guard=guard.name, objects=len(guard.objects))
        if outcome.stopped:
            return self.pace.full_pass  # `again` wakes it; until then nothing can come of trying
        if outcome.failed or (not outcome.complete and not outcome.guards):
            return self._backoff.next()
        self._backoff.reset()
        return self.pace.full_pass

    async def _observe_forever(self, stopping: asyncio.Event) -> None:
        pause = self.pace.moving
        while not stopping.is_set():
            await _first(stopping, self._at_rest, seconds=self.pace.writing)
            before = (self.report, self.members)
            if self._delivered.is_set():
                self._delivered.clear()
                pause = self.pace.moving
            began = time.monotonic()
            await _unless(stopping, self.observe())
            self.stage("observe", time.monotonic() - began)
            if (self.report, self.members) != before:
                pause = self.pace.moving
            seconds = pause if self._is_moving else self.pace.settled
            await _first(stopping, self._delivered, self._stirred, seconds=seconds)
            await self._gather(stopping)
            # What will never be ready does not make everything be listed every other second.
            pause = min(pause * 1.5, self.pace.settled)

    async def _gather(self, stopping: asyncio.Event) -> None:
        """After something stirred: wait for what stirs together, longer where it never ends."""
        if self._stirred.is_set() and not self._delivered.is_set():
            wait = self._glances.wait(time.monotonic())
            await _first(stopping, self._delivered, seconds=max(self.pace.gather, wait))
            self._glances.spend(time.monotonic())
        self._stirred.clear()

    async def observe(self) -> None:
        """Collect once, and tell when something is new."""
        before = (self.report, self.members)
        # As of before the objects are read: what is delivered meanwhile is told by the next look.
        applied, delivered = self.applied_commit, self.delivered_commit
        report = await self.observer.cluster(self.clock())
        desired = self.desired
        outcome, now = self.outcome, self.clock()
        if desired is not None and outcome is not None and not self._is_known(now):
            self._is_quiet = True
            try:
                self.members = await self.observer.objects(frozenset(desired.objects), outcome.failed)
                self._collected = (outcome, now)
            except ClusterError as error:
                self._collected = None
                report = replace(report, message=str(error))
        self.report = replace(
            report,
            rendered_commit=applied,
            delivered_commit=delivered,
            sync=self.reason.value,
            message=self.trouble or report.message or self.notice(),
        )
        if (self.report, self.members) != before:
            self.changed()

    def _is_known(self, now: datetime) -> bool:
        """Whether the objects are as they were collected: nothing was delivered since, and the watches saw nothing move."""
        if self._collected is None or not self._is_quiet or self._is_moving:
            return False
        outcome, at = self._collected
        if outcome is not self.outcome or now - at >= timedelta(seconds=self.pace.recount):
            return False
        return self.healer is not None and self.healer.sees_everything()

    @property
    def _full_pass(self) -> timedelta:
        return timedelta(seconds=self.pace.full_pass)

    @property
    def reason(self) -> Reason:
        """How the delivery stands, in one word."""
        if self.trouble:
            return _reason_of(self.error)
        outcome = self.outcome
        if outcome is None:
            return Reason.PROGRESSING
        if outcome.stopped:
            return Reason.SUSPENDED
        if outcome.guards or (self.desired is not None and self.desired.held):
            return Reason.GUARD_TRIPPED
        if outcome.failed:
            return Reason.SYNC_FAILED
        return Reason.SYNCED if outcome.complete else Reason.PROGRESSING

    def problems(self) -> tuple[Problem, ...]:
        """What this cluster's delivery found, for the status and the log."""
        own = (cluster_problem(self.name, self.error),) if self.error is not None else ()
        # Somebody who has not been met again for the longest time that we wait has given up.
        recent = self.clock() - _FORGIVEN
        fights = tuple(problem for problem, at in self.fights.values() if at > recent)
        return (*own, *(self.outcome.problems if self.outcome else ()), *fights)

    @property
    def _is_moving(self) -> bool:
        return self.outcome is None or any(
            member.readiness is not Readiness.CURRENT for member in self.members.values()
        )


def _reason_of(error: ClusterError | None) -> Reason:
    match error:
        case CredentialRefused() | Unauthorized():
            return Reason.CREDENTIALS_REFUSED
        case Unreachable() | Throttled():
            return Reason.CLUSTER_UNREACHABLE
        case Outdated():
            return Reason.PROGRESSING
        case _:
            return Reason.SYNC_FAILED


def _seconds(outcome: Outcome) -> float:
    if outcome.started is None or outcome.finished is None:
        return 0.0
    return round((outcome.finished - outcome.started).total_seconds(), 3)


async def _unless(stopping: asyncio.Event, asking: Coroutine[Any, Any, T]) -> T | None:
    """What the question comes to; None where the program ends before there is an answer. Not for anything that writes."""
    task, stop = asyncio.create_task(asking), asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        stop.cancel()
        await asyncio.gather(task, stop, return_exceptions=True)


async def _first(*events: asyncio.Event, seconds: float) -> None:
    """Wait for any of the events, at most so many seconds."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
