"""The status branch: what islands and agents say, gathered, quantised and committed when it moves.

Facts are committed first, decisions follow: what a render reads of the world is what was written here. A status commit asks
for a render only where a fact changed that a render reads.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from reconciler.errors import LostRace, Problem, ReconcilerError
from reconciler.loop.answers import Answered
from reconciler.loop.cycle import Passed
from reconciler.loop.island import Island
from reconciler.loop.lanes import Lane
from reconciler.loop.log import Log
from reconciler.loop.pushrate import KEPT, PushRate
from reconciler.loop.record import Record
from reconciler.loop.reports import Reports
from reconciler.model.cluster import DeliveryMode
from reconciler.model.cluster_document import encode_cluster_status
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body
from reconciler.model.observation import ClusterReport, MemberStatus, Observation
from reconciler.render.delivered import DeliveredMemo
from reconciler.status.aggregate import StatusMemo, status_files
from reconciler.status.facts import Aggregate, Facts, held_subjects, rendered_digests
from reconciler.status.quantise import quantised


@dataclass(slots=True, kw_only=True)
class StatusWriter:
    """Writes the status of the last pass. `fire` asks for a pass; `problems` are a pass's own and those of delivery now.

    Seconds: `interval` between commits of counters alone, `coalesce` for what changes together.
    """

    lane: Lane
    aggregate: Aggregate
    reports: Reports
    clock: Callable[[], datetime]
    log: Log
    islands: Mapping[str, Island]
    answered: Answered
    may_write: Callable[[], str]
    fire: Callable[[str], None]
    problems: Callable[[Passed], tuple[Problem, ...]]
    told: Callable[[Passed, Mapping[str, ClusterReport]], None] = lambda _passed, _reports: None
    stage: Callable[[str, float], None] = lambda _name, _seconds: None
    interval: float = 300.0
    coalesce: float = 0.3
    rate: PushRate = field(default_factory=PushRate)
    reports_due: bool = True
    tip: str = ""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _memo: StatusMemo = field(default_factory=StatusMemo)
    _delivered: DeliveredMemo = field(default_factory=DeliveredMemo)
    _told: tuple[object, ...] = ()
    _counters_at: datetime | None = None

    def changed(self) -> None:
        """Something is new to tell."""
        self._changed.set()

    async def forever(self, last: Callable[[], Passed | None], stopping: asyncio.Event) -> None:
        """Write whenever something is new, and at least every interval, until `stopping`."""
        stop = asyncio.create_task(stopping.wait())
        while not stopping.is_set():
            changed = asyncio.create_task(self._changed.wait())
            await asyncio.wait({changed, stop}, timeout=self.interval, return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
            if stopping.is_set():
                break
            remote = self.lane.record.remotes.status
            await asyncio.wait({stop}, timeout=max(self.coalesce, self.rate.wait(remote, kept=KEPT)))
            self._changed.clear()
            try:
                await self.write(last())
            except LostRace:
                self.tip = ""
                self.fire("status-race")
            except ReconcilerError as error:
                self.log.warning("status.failed", problem=str(error))
                asyncio.get_running_loop().call_later(5.0, self._changed.set)
            except Exception:
                self.log.exception("status.crashed")
                asyncio.get_running_loop().call_later(60.0, self._changed.set)
        stop.cancel()

    def moved(self, tip: str) -> None:
        """Answers were committed (empty: somebody else moved the branch)."""
        self.tip = tip
        if tip:
            self.rate.spend(self.lane.record.remotes.status)

    async def write(self, passed: Passed | None) -> None:
        """Commit what is known now, where it says something new. Raises ReconcilerError."""
        if passed is None or self.may_write():
            return
        now = self.clock()
        tip = self.tip
        previous = await self.lane.do(Record.status_files, tip)
        before = await self.lane.do(Record.observation, tip)
        due = self._counters_at is None or now - self._counters_at >= self._cadence(passed)
        reports, members = await self._collect(passed, before, now)
        trees = passed.published.written.clusters
        pulled = {name: trees.get(name, "") for name in _pulled(passed)}
        released = await self.lane.do(Record.released, pulled)
        stand_at = {report.delivered_commit or report.rendered_commit for report in reports.values()}
        rendered = passed.decision.rendered
        digests = await asyncio.to_thread(rendered_digests, rendered.tree)
        facts = Facts(
            source_commit=passed.decision.source.commit,
            rendered_commit=passed.published.commit,
            now=now,
            clusters=passed.decision.fleet.clusters,
            reports=reports,
            bindings=rendered.bindings,
            templates={manifest.id: manifest for manifest in passed.decision.fleet.templates},
            members=members,
            previous=previous,
            counters_due=due,
            # The next pass may be over by now: what it found is told with its own commit.
            problem_counts=_counts(self.problems(passed)),
            complete=rendered.complete,
            answers=self.answered.kept(before, rendered),
            digests=digests,
            delivered=await asyncio.to_thread(
                self._delivered.replicas, rendered, passed.decision.interpreters, digests
            ),
            held=held_subjects(passed.decision.problems),
            released=released,
            newer=await self.lane.do(Record.newer, stand_at, passed.published.commit),
            rules=passed.decision.interpreters.digest,
        )
        told = (
            facts.source_commit, facts.rendered_commit, tip, reports, members, facts.problem_counts, released,
        )  # fmt: skip
        self.told(passed, reports)
        if told == self._told and not due:
            return
        files = await asyncio.to_thread(status_files, facts, self.aggregate, self._memo)
        started = time.monotonic()
        async with self.answered.lock:
            if tip != self.tip:
                self._changed.set()  # answers were committed meanwhile: once more, upon them
                return
            new = await self.lane.do(
                Record.write_status,
                files,
                tip=tip,
                source_commit=facts.source_commit,
                rendered_commit=facts.rendered_commit,
                now=now,
            )
            self.tip = new
        if due:
            self._counters_at = now
        self._told = (facts.source_commit, facts.rendered_commit, new, *told[3:])
        if new == tip:
            return
        self.rate.spend(self.lane.record.remotes.status)
        seconds = time.monotonic() - started
        self.stage("status", seconds)
        self.log.info(
            "status.committed",
            commit=new,
            source=facts.source_commit,
            clusters=len(reports),
            seconds=round(seconds, 3),
        )
        after = await self.lane.do(Record.observation, new)
        if scheduling_facts(before) != scheduling_facts(after):
            self.fire("observed")

    def _cadence(self, passed: Passed) -> timedelta:
        """The repository may have its counters less often than the operator allows, never more often."""
        asked = passed.decision.fleet.config.status_interval or 0.0
        return timedelta(seconds=max(self.interval, asked))

    async def _collect(
        self, passed: Passed, before: Observation, now: datetime
    ) -> tuple[dict[str, ClusterReport], dict[ObjectId, tuple[MemberStatus, ...]]]:
        if self.reports_due:
            self.reports_due = False
            await self.reports.refresh(_pulled(passed), now)
        reports: dict[str, ClusterReport] = {}
        asked = {
            kind: namespaced
            for island in self.islands.values()
            if island.report is not None
            for kind, namespaced in island.report.scopes.items()
        }
        by_object: dict[ObjectId, list[MemberStatus]] = {}
        kept = await asyncio.to_thread(_by_cluster, before)
        for cluster in passed.decision.fleet.clusters:
            found, members = self._heard(cluster.name, before, kept, now)
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
        self,
        name: str,
        before: Observation,
        kept: Mapping[str, Mapping[ObjectId, MemberStatus]],
        now: datetime,
    ) -> tuple[ClusterReport | None, Mapping[ObjectId, MemberStatus]]:
        island = self.islands.get(name)
        if island is not None and island.report is not None:
            return island.report, island.members
        report = self.reports.of(name, now) if island is None else None
        if report is not None:
            return report.cluster, report.members
        return before.clusters.get(name), kept.get(name, {})


def _by_cluster(observation: Observation) -> dict[str, dict[ObjectId, MemberStatus]]:
    """What was committed of the objects, cluster by cluster: it stands for a cluster that says nothing."""
    found: dict[str, dict[ObjectId, MemberStatus]] = {}
    for id_, rows in observation.objects.items():
        for row in rows:
            found.setdefault(row.cluster, {})[id_] = row
    return found


def scheduling_facts(observation: Observation) -> dict[str, Body]:
    """What a render reads of an observation, without the words and times that may change by themselves."""
    facts: dict[str, Body] = {}
    for name, report in observation.clusters.items():
        body = encode_cluster_status(report.status)
        body["conditions"] = [(c.type, c.status) for c in report.status.conditions]
        body["scopes"] = sorted(report.scopes.items())
        facts[name] = body
    return facts


def _pulled(passed: Passed) -> list[str]:
    """The clusters that tell us of themselves."""
    return [
        cluster.name
        for cluster in passed.decision.fleet.clusters
        if cluster.sync_mode is not DeliveryMode.PUSH
    ]


def _counts(problems: tuple[Problem, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for problem in problems:
        found[problem.code] = found.get(problem.code, 0) + 1
    return found
