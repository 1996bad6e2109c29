"""`reconciler run`: passes when something asks for one, islands that deliver, a status that is written when it moves.

Three kinds of task on one event loop: the passes (fetch, decide, publish), one island a push cluster, and the status. Git is
used by one worker thread alone. Nothing here decides placement or deletion.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from reconciler.errors import GitError, LostRace, Problem, ReconcilerError, Severity
from reconciler.interpreter.registry import NATIVE, Interpreters
from reconciler.loop.backoff import Backoff
from reconciler.loop.decide import Decision, read_observation
from reconciler.loop.island import Island
from reconciler.loop.publish import Published, limits_of
from reconciler.loop.record import Fetched, Record
from reconciler.loop.reports import Reports
from reconciler.loop.triggers import Triggers
from reconciler.model.cluster import Cluster, DeliveryMode
from reconciler.model.cluster_document import encode_cluster_status
from reconciler.model.config import Approval
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body
from reconciler.model.observation import ClusterReport, MemberStatus, Observation
from reconciler.settings import GuardLimits
from reconciler.status.aggregate import Aggregate, Facts, status_files
from reconciler.status.quantise import quantised

T = TypeVar("T")

STUCK_SECONDS = 600.0
ENDING = "the program is being stopped"
ATTEMPTS = 4
"""Passes in a row after a lost race before waiting for the next trigger."""


class Log(Protocol):
    """The part of a structured logger that is used here."""

    def info(self, event: str, **facts: Any) -> None:
        """Record a change worth keeping."""

    def warning(self, event: str, **facts: Any) -> None:
        """Record something degraded, which we retry."""

    def error(self, event: str, **facts: Any) -> None:
        """Record that a person is needed."""

    def exception(self, event: str, **facts: Any) -> None:
        """Record a fault of our own, with where it happened."""


class SuspendedError(ReconcilerError):
    """A pass ended before it wrote anything, because nothing may be written now."""

    retryable = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """One finished pass: what was decided, what was published, where the branches were."""

    at: Fetched
    decision: Decision
    published: Published


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What the surroundings want to know: seconds by stage, passes by result, the state of the fleet for metrics."""

    stage: Callable[[str, float], None] = lambda _name, _seconds: None
    passed: Callable[[str], None] = lambda _result: None
    fleet: Callable[[Mapping[str, Island], tuple[Problem, ...]], None] = lambda _islands, _problems: None


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
    coalesce: float = 0.3
    limits: GuardLimits = field(default_factory=GuardLimits)
    approvals: tuple[Approval, ...] = ()
    interpreters: Interpreters = NATIVE
    last: Passed | None = None
    trouble: str = ""
    islands: dict[str, Island] = field(default_factory=dict)
    turned: float = field(default_factory=time.monotonic)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = field(default_factory=dict)
    _clusters: dict[str, Cluster] = field(default_factory=dict)
    _git: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "git"))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _reports: Reports = field(init=False)
    _told: tuple[object, ...] = ()
    _reports_due: bool = True
    _passing: bool = False
    _stages: dict[str, float] = field(default_factory=dict)
    _status_tip: str = ""
    _counters_at: datetime | None = None
    _backoff: Backoff = field(default_factory=Backoff)

    def __post_init__(self) -> None:
        self._reports = Reports(
            record=self.record, log=self.log, interval=self.report_interval, in_git=self.in_git
        )

    async def run(self, stopping: asyncio.Event) -> None:
        """Reconcile until `stopping`; then finish the write that is under way, and stop."""
        self._stopping = stopping
        statuses = asyncio.create_task(self._status_forever(stopping))
        try:
            await self._pass_forever(stopping)
        finally:
            for _, stop in self._tasks.values():
                stop.set()
            await asyncio.gather(*(task for task, _ in self._tasks.values()), return_exceptions=True)
            await asyncio.gather(statuses, return_exceptions=True)
            with suppress(ReconcilerError):
                await self._write_status()
            self._git.shutdown(wait=True)

    def status_changed(self) -> None:
        """Something is new to tell."""
        self._changed.set()

    def may_deliver(self) -> str:
        """Why nothing may be written to any cluster just now, or an empty text. A pass that is under way ends at its next write."""
        return ENDING if self._stopping.is_set() else self.may_write() or self.suspended()

    def turned_to(self, names: frozenset[str]) -> None:
        """The stop switch was turned, one way or the other: look at everything again."""
        self.log.info("switch.turned", suspended=sorted(names))
        self.triggers.fire("switch")
        for island in self.islands.values():
            island.again()

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
            self._reports_due = True
            if not first and set(reasons) == {"report"}:
                self._changed.set()
                continue
            self._passing = True
            passed = await self._pass(reasons, wake)
            self._passing = False
            wake = passed.decision.rendered.next_wake if passed else wake
            if passed is None and first:
                await self._stand()
            if passed is None and self._retry_soon():
                asyncio.get_running_loop().call_later(self._backoff.next(), self.triggers.fire, "retry")
            first = False
        stop.cancel()

    async def _pass(self, reasons: tuple[str, ...], wake: datetime | None) -> Passed | None:
        """One pass with its errors turned into state; None when it failed."""
        due = wake if wake is not None and wake <= self.clock() else None
        try:
            for attempt in range(ATTEMPTS):
                try:
                    passed = await self._once(due)
                    break
                except LostRace:
                    if attempt == ATTEMPTS - 1:
                        raise
        except GitError as error:
            self._failed(error, retryable=error.retryable)
            return None
        except ReconcilerError as error:
            self._failed(error, retryable=error.retryable)
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
        self.last = passed
        self._status_tip = self._status_tip or passed.at.status
        await self._settle(passed.decision, passed.published.commit)
        self._changed.set()
        return passed

    async def _once(self, wake: datetime | None) -> Passed:
        at = await self._timed("fetch", self.record.fetch)
        decision = await self._timed("render", self.record.decide, at, wake)
        # A switch for the whole fleet holds the branches as well: agents and other tools deliver what they show.
        stopped = self.may_write() or self.suspended()
        if stopped:
            raise SuspendedError(f"nothing is written: {stopped}")
        published = await self._timed("publish", self.record.publish, decision, at)
        return Passed(at=at, decision=decision, published=published)

    async def _stand(self) -> None:
        """Keep healing from the last rendered commit although the first pass failed (the Git host is away)."""
        at = self.record.standing()
        if at.rendered and at.source:
            try:
                decision = await self.in_git(self.record.decide, at, None)
            except ReconcilerError as error:
                self.log.warning("stand.failed", problem=str(error))
                return
            await self._settle(decision, at.rendered)

    async def _settle(self, decision: Decision, commit: str) -> None:
        """One island for each push cluster, none for others; each is told what to deliver. Removal deletes nothing."""
        self.limits = await self.in_git(
            lambda: limits_of(
                self.record.repository,
                decision.previous,
                self.record.limits,
                source=decision.source.commit,
            )
        )
        self.approvals = decision.fleet.approvals
        self.interpreters = decision.interpreters
        wanted = {
            cluster.name: cluster
            for cluster in decision.fleet.clusters
            if cluster.sync_mode is DeliveryMode.PUSH
        }
        for name in sorted(set(self.islands) - set(wanted)) + [
            name
            for name in sorted(wanted)
            if name in self._clusters and _access(wanted[name]) != _access(self._clusters[name])
        ]:
            await self._remove(name)
        for name, cluster in sorted(wanted.items()):
            if name not in self.islands:
                self._add(cluster, decision.observation)
            self._clusters[name] = cluster
            island = self.islands[name]
            island.observe_only = cluster.observe_only
            island.suspend("suspended in the fleet repository" if cluster.suspended else "")
            if island.desired is None or island.desired.commit != commit:
                desired = await self.in_git(self.record.desired, commit, name)
                if desired is not None:
                    island.want(desired)

    def _add(self, cluster: Cluster, observation: Observation) -> None:
        island = self.make_island(cluster)
        known = observation.clusters.get(cluster.name)
        if known is not None:
            island.remember(known)
        stop = asyncio.Event()
        self.islands[cluster.name] = island
        self._tasks[cluster.name] = (
            asyncio.create_task(island.run(stop), name=f"island {cluster.name}"),
            stop,
        )

    async def _remove(self, name: str) -> None:
        island = self.islands.pop(name, None)
        task, stop = self._tasks.pop(name)
        stop.set()
        await asyncio.gather(task, return_exceptions=True)
        self._clusters.pop(name, None)
        if island is not None:
            self.log.info("cluster.left", cluster=name)

    # --- status ---

    async def _status_forever(self, stopping: asyncio.Event) -> None:
        stop = asyncio.create_task(stopping.wait())
        while not stopping.is_set():
            changed = asyncio.create_task(self._changed.wait())
            await asyncio.wait(
                {changed, stop}, timeout=self.status_interval, return_when=asyncio.FIRST_COMPLETED
            )
            changed.cancel()
            if stopping.is_set():
                break
            await asyncio.sleep(self.coalesce)
            self._changed.clear()
            try:
                await self._write_status()
            except LostRace:
                self._status_tip = ""
                self.triggers.fire("status-race")
            except ReconcilerError as error:
                self.log.warning("status.failed", problem=str(error))
                asyncio.get_running_loop().call_later(5.0, self._changed.set)
            except Exception:
                self.log.exception("status.crashed")
                asyncio.get_running_loop().call_later(60.0, self._changed.set)
        stop.cancel()

    async def _write_status(self) -> None:
        passed = self.last
        if passed is None or self.may_write():
            return
        now = self.clock()
        tip = self._status_tip
        previous = await self.in_git(self.record.status_files, tip)
        before = await self.in_git(read_observation, self.record.repository, tip, self.record.memory)
        due = self._counters_at is None or now - self._counters_at >= timedelta(seconds=self.status_interval)
        reports, members = await self._collect(passed, before, now)
        facts = Facts(
            source_commit=passed.decision.source.commit,
            rendered_commit=passed.published.commit,
            now=now,
            clusters=passed.decision.fleet.clusters,
            reports=reports,
            bindings=passed.decision.rendered.bindings,
            templates={manifest.id: manifest for manifest in passed.decision.fleet.templates},
            members=members,
            previous=previous,
            counters_due=due,
            problem_counts=_counts(self._problems(passed)),
            complete=passed.decision.rendered.complete,
            released=await self.in_git(
                lambda: {name: self.record.released(name) for name in _pulled(passed)}
            ),
        )
        told = (facts.source_commit, facts.rendered_commit, tip, reports, members, facts.problem_counts)
        self.hooks.fleet(self.islands, self.problems())
        if told == self._told and not due:
            return
        files = await asyncio.to_thread(status_files, facts, self.aggregate)
        started = time.monotonic()
        new = await self.in_git(
            lambda: self.record.write_status(
                files,
                tip=tip,
                source_commit=facts.source_commit,
                rendered_commit=facts.rendered_commit,
                now=now,
            )
        )
        if due:
            self._counters_at = now
        self._told = (facts.source_commit, facts.rendered_commit, new, *told[3:])
        if new == tip:
            return
        self._status_tip = new
        seconds = time.monotonic() - started
        self.hooks.stage("status", seconds)
        self.log.info(
            "status.committed",
            commit=new,
            source=facts.source_commit,
            clusters=len(reports),
            seconds=round(seconds, 3),
        )
        after = await self.in_git(read_observation, self.record.repository, new, self.record.memory)
        if _scheduling_facts(before) != _scheduling_facts(after):
            self.triggers.fire("observed")

    async def _collect(
        self, passed: Passed, before: Observation, now: datetime
    ) -> tuple[dict[str, ClusterReport], dict[ObjectId, tuple[MemberStatus, ...]]]:
        if self._reports_due:
            self._reports_due = False
            await self._reports.refresh(_pulled(passed), now)
        reports: dict[str, ClusterReport] = {}
        asked = {
            kind: namespaced
            for island in self.islands.values()
            if island.report is not None
            for kind, namespaced in island.report.scopes.items()
        }
        by_object: dict[ObjectId, list[MemberStatus]] = {}
        for cluster in passed.decision.fleet.clusters:
            found, members = self._heard(cluster.name, before, now)
            if found is None:
                continue
            known = before.clusters.get(cluster.name)
            reports[cluster.name] = replace(
                found,
                status=quantised(found.status, known.status if known else None),
                observed_at=None,
                # What an agent says of a kind holds for the fleet only where no server that we asked says otherwise.
                scopes={
                    kind: value for kind, value in found.scopes.items() if asked.get(kind, value) == value
                },
            )
            for id_, member in members.items():
                by_object.setdefault(id_, []).append(member)
        return reports, {
            id_: tuple(sorted(rows, key=lambda row: row.cluster)) for id_, rows in by_object.items()
        }

    def _heard(
        self, name: str, before: Observation, now: datetime
    ) -> tuple[ClusterReport | None, Mapping[ObjectId, MemberStatus]]:
        island = self.islands.get(name)
        if island is not None and island.report is not None:
            return island.report, island.members
        report = self._reports.of(name, now) if island is None else None
        if report is not None:
            return report.cluster, report.members
        kept = {
            id_: next(row for row in rows if row.cluster == name)
            for id_, rows in before.objects.items()
            if any(row.cluster == name for row in rows)
        }
        return before.clusters.get(name), kept

    # --- small things ---

    def problems(self) -> tuple[Problem, ...]:
        """Everything that is known to be wrong now."""
        return self._problems(self.last)

    def _problems(self, passed: Passed | None) -> tuple[Problem, ...]:
        own = (*passed.decision.problems, *passed.published.problems) if passed else ()
        return (*own, *(problem for island in self.islands.values() for problem in island.problems()))

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

    def _retry_soon(self) -> bool:
        return bool(self.trouble)

    def _failed(self, error: ReconcilerError, *, retryable: bool) -> None:
        self.trouble = str(error)
        self.hooks.passed("failed")
        say = self.log.warning if retryable else self.log.error
        say("pass.failed", problem=str(error), kind=type(error).__name__)

    def _tell(self, passed: Passed, reasons: tuple[str, ...]) -> None:
        decision, published = passed.decision, passed.published
        errors = [problem for problem in decision.problems if problem.severity is Severity.ERROR]
        if not published.written.changed and not published.updates:
            return
        self.log.info(
            "tree.rendered",
            reasons=list(reasons),
            seconds=dict(self._stages),
            source=decision.source.commit,
            commit=published.commit,
            clusters=len(decision.rendered.tree.clusters),
            objects=sum(len(variant.clusters) for variant in decision.rendered.tree.variants),
            complete=decision.rendered.complete,
            errors=len(errors),
        )
        for problem in (*errors, *published.problems):
            self.log.warning(
                "problem.found", code=problem.code, where=str(problem.location or ""), message=problem.message
            )

    async def _timed(self, stage: str, call: Callable[..., T], *arguments: Any) -> T:
        started = time.monotonic()
        result = await self.in_git(call, *arguments)
        seconds = time.monotonic() - started
        self.hooks.stage(stage, seconds)
        self._stages[stage] = round(seconds, 4)
        return result

    async def in_git(self, call: Callable[..., T], *arguments: Any) -> T:
        """Call something that uses Git, on the one thread that may."""
        waiting: Awaitable[T] = asyncio.get_running_loop().run_in_executor(
            self._git, lambda: call(*arguments)
        )
        return await waiting


def _access(cluster: Cluster) -> tuple[object, ...]:
    """What makes a new connection necessary."""
    return (
        cluster.sync_mode,
        cluster.api_endpoint,
        cluster.secret_ref,
        cluster.proxy_url,
        tuple(sorted(cluster.proxy_header.items())),
    )


def _pulled(passed: Passed) -> list[str]:
    """The clusters that tell us of themselves."""
    return [
        cluster.name
        for cluster in passed.decision.fleet.clusters
        if cluster.sync_mode is not DeliveryMode.PUSH
    ]


def _scheduling_facts(observation: Observation) -> dict[str, Body]:
    """What a render reads of an observation, without the words and times that may change by themselves."""
    facts: dict[str, Body] = {}
    for name, report in observation.clusters.items():
        body = encode_cluster_status(report.status)
        body["conditions"] = [(c.type, c.status) for c in report.status.conditions]
        facts[name] = body
    return facts


def _counts(problems: tuple[Problem, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for problem in problems:
        found[problem.code] = found.get(problem.code, 0) + 1
    return found
