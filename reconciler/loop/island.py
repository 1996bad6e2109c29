"""One cluster's worker: brings it to the newest tree, keeps it there, and says how it is.

Every cluster is an island (DESIGN §4): own task, own timeouts, own backoff. An island that cannot be reached waits for itself
alone. It decides nothing: `plan.changes` and the guards do, `Target` carries out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from reconciler.errors import ClusterError, Outdated, Problem, ReconcilerError
from reconciler.events import Reason
from reconciler.loop.backoff import Backoff
from reconciler.model.identity import ObjectId
from reconciler.model.observation import ClusterReport, MemberStatus, Readiness
from reconciler.model.plan import Action, Desired, Outcome, Plan
from reconciler.plan.changes import Rules, changes
from reconciler.targets.target import Target


class Log(Protocol):
    """The part of a structured logger that is used here."""

    def info(self, event: str, **facts: Any) -> None:
        """Record a change worth keeping."""

    def warning(self, event: str, **facts: Any) -> None:
        """Record something degraded."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds: how often the cluster is looked at while things move, and when nothing does; and looked over in full."""

    moving: float = 2.0
    settled: float = 15.0
    full_pass: float = 600.0


@dataclass(slots=True, kw_only=True)
class Island:
    """One cluster's state between passes.

    `rules` is asked at each pass (approvals expire); `changed` is called when there is something new to tell.
    """

    name: str
    target: Target
    observer: Observer
    rules: Callable[[Desired], Rules]
    clock: Callable[[], datetime]
    changed: Callable[[], None]
    log: Log
    pace: Pace = field(default_factory=Pace)
    healer: Healing | None = None
    observe_only: bool = False
    suspended: str = ""
    desired: Desired | None = None
    outcome: Outcome | None = None
    plan: Plan | None = None
    report: ClusterReport | None = None
    members: Mapping[ObjectId, MemberStatus] = field(default_factory=dict)
    trouble: str = ""
    fights: tuple[Problem, ...] = ()
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _delivered: asyncio.Event = field(default_factory=asyncio.Event)
    _backoff: Backoff = field(default_factory=Backoff)
    _looked_over: datetime | None = None

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
            self.desired = desired
            self._wanted.set()

    def remember(self, report: ClusterReport) -> None:
        """What the status branch says of this cluster."""
        self.observer.remember(report)

    @property
    def is_waited_for(self) -> bool:
        """Whether something newer waits."""
        return self._wanted.is_set()

    @property
    def applied_commit(self) -> str:
        """The rendered commit that this cluster stands at: everything of it applied, whatever may not be pruned yet."""
        outcome = self.outcome
        return outcome.commit if outcome is not None and not outcome.failed and not self.trouble else ""

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver and observe until `stopping`."""
        delivering = asyncio.create_task(self._deliver_forever(stopping))
        observing = asyncio.create_task(self._observe_forever(stopping))
        healing = asyncio.create_task(self._heal_forever(stopping))
        tasks = (delivering, observing, healing)
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
        live = await self.target.inspect(desired, full=full)
        return changes(desired, live, self.rules(desired))

    async def deliver(self, *, full: bool = True) -> Outcome:
        """One pass: inspect, plan, apply. Raises ClusterError."""
        started = self.clock()
        plan = await self.look(full=full)
        self.plan = plan
        if self.observe_only:
            return Outcome(
                cluster=self.name,
                commit=plan.commit,
                problems=plan.problems,
                guards=plan.guards,
                complete=False,
                started=started,
                finished=self.clock(),
            )
        outcome = await self.target.apply(plan)
        return replace(outcome, started=started, finished=self.clock())

    def fighting(self, problem: Problem) -> None:
        """Somebody else keeps writing what we put back."""
        self.fights = (problem,)
        self.log.warning("drift.fight", cluster=self.name, problem=problem.message)
        self.changed()

    def healed(self, outcome: Outcome) -> None:
        """Drift was put back."""
        counts = {action.value: count for action, count in outcome.counts.items() if count}
        self.log.info("drift.corrected", cluster=self.name, commit=outcome.commit, **counts)

    # --- the three tasks ---

    async def _deliver_forever(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            wait = self.pace.full_pass
            if self.desired is not None:
                self._wanted.clear()
                wait = await self._pass()
            await _first(stopping, self._wanted, seconds=wait)

    async def _heal_forever(self, stopping: asyncio.Event) -> None:
        """Watch and put back, once a first pass has gone through."""
        while self.outcome is None and not stopping.is_set():
            await _first(stopping, self._delivered, seconds=self.pace.settled)
        if self.healer is not None and not self.observe_only and not stopping.is_set():
            await self.healer.run(stopping)

    async def _pass(self) -> float:
        """One pass with its errors turned into state; the seconds until the next one."""
        before = (self.outcome, self.trouble)
        started = self.clock()
        full = (
            bool(self.trouble) or self._looked_over is None or started - self._looked_over >= self._full_pass
        )
        try:
            self.outcome = await self.deliver(full=full)
            if full:
                self._looked_over = started
            self.trouble = ""
        except Outdated as error:
            self.trouble = str(error)
            self.log.warning("cluster.outdated", cluster=self.name, problem=str(error))
            wait = self._backoff.next()
        except ClusterError as error:
            self.trouble = str(error)
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
        if outcome.failed or (not outcome.complete and not outcome.guards):
            return self._backoff.next()
        self._backoff.reset()
        return self.pace.full_pass

    async def _observe_forever(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            self._delivered.clear()
            await self.observe()
            await _first(stopping, self._delivered, seconds=self._observation_pause())

    async def observe(self) -> None:
        """Collect once, and tell when something is new."""
        before = (self.report, self.members)
        report = await self.observer.cluster(self.clock())
        desired = self.desired
        if desired is not None and self.outcome is not None:
            failures = self.outcome.failed
            try:
                self.members = await self.observer.objects(frozenset(desired.objects), failures)
            except ClusterError as error:
                report = replace(report, message=str(error))
        self.report = replace(
            report,
            rendered_commit=self.applied_commit,
            sync=self.reason.value,
            message=self.trouble or report.message,
        )
        if (self.report, self.members) != before:
            self.changed()

    @property
    def _full_pass(self) -> timedelta:
        return timedelta(seconds=self.pace.full_pass)

    @property
    def reason(self) -> Reason:
        """How the delivery stands, in one word."""
        if self.trouble:
            return Reason.CLUSTER_UNREACHABLE
        outcome = self.outcome
        if outcome is None:
            return Reason.PROGRESSING
        if outcome.guards or (self.desired is not None and self.desired.held):
            return Reason.GUARD_TRIPPED
        if outcome.failed:
            return Reason.SYNC_FAILED
        return Reason.SYNCED if outcome.complete else Reason.PROGRESSING

    def problems(self) -> tuple[Problem, ...]:
        """What this cluster's delivery found, for the status and the log."""
        return (*(self.outcome.problems if self.outcome else ()), *self.fights)

    def _observation_pause(self) -> float:
        moving = self.outcome is None or any(
            member.readiness is not Readiness.CURRENT for member in self.members.values()
        )
        return self.pace.moving if moving else self.pace.settled


def _seconds(outcome: Outcome) -> float:
    if outcome.started is None or outcome.finished is None:
        return 0.0
    return round((outcome.finished - outcome.started).total_seconds(), 3)


async def _first(*events: asyncio.Event, seconds: float) -> None:
    """Wait for any of the events, at most so many seconds."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
