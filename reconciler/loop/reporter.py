"""What an agent tells of its cluster: a report branch that it alone writes, on a transition and at least once an interval.

Numbers alone wait for the interval. A report that says nothing new replaces the branch's tip, so that a heartbeat grows no history.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.errors import LostRace, ReconcilerError
from reconciler.git.commits import Signer
from reconciler.git.reader import read_tip
from reconciler.git.references import RefUpdate, full_name
from reconciler.git.remote import Remote, fetch, push
from reconciler.git.repository import Repository
from reconciler.git.writer import CommitFacts, write_files
from reconciler.loop.island import Island
from reconciler.loop.log import Log
from reconciler.loop.pushrate import PushRate
from reconciler.manifests.load import load
from reconciler.model.cluster import ClusterStatus
from reconciler.observe.branches import encode_report
from reconciler.settings import BranchNames
from reconciler.status.document import decode_cluster_report
from reconciler.status.quantise import quantised


@dataclass(slots=True, kw_only=True)
class Reporter:
    """The reporting half of an agent. Seconds: `interval` between heartbeats, `coalesce` for what changes together.

    `cadence` is how often the fleet wants numbers, where that is less often than heartbeats.
    """

    cluster: str
    repository: Repository
    remote: Remote
    branches: BranchNames
    clock: Callable[[], datetime]
    log: Log
    in_git: Callable[..., Awaitable[Any]]
    may_write: Callable[[], str]
    stage: Callable[[str, float], None] = lambda _name, _seconds: None
    signer: Signer | None = None
    interval: float = 300.0
    coalesce: float = 0.3
    cadence: float = 0.0
    rate: PushRate = field(default_factory=PushRate)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _reported: dict[str, bytes] = field(default_factory=dict)
    _reported_at: datetime | None = None
    _counted_at: datetime | None = None

    def changed(self) -> None:
        """Something is new to report."""
        self._changed.set()

    async def forever(self, island: Island, stopping: asyncio.Event) -> None:
        """Report whenever something is new, and at least every interval, until `stopping`."""
        stop = asyncio.create_task(stopping.wait())
        while not stopping.is_set():
            changed = asyncio.create_task(self._changed.wait())
            await asyncio.wait(
                {changed, stop}, timeout=self._until_heartbeat(), return_when=asyncio.FIRST_COMPLETED
            )
            changed.cancel()
            if stopping.is_set():
                break
            await asyncio.wait({stop}, timeout=max(self.coalesce, self.rate.wait(self.remote)))
            self._changed.clear()
            try:
                await self.report(island)
            except ReconcilerError as error:
                self.log.warning("report.failed", problem=str(error))
                asyncio.get_running_loop().call_later(10.0, self._changed.set)
        stop.cancel()

    async def report(self, island: Island) -> None:
        """Push what is known now, where it says something new or a heartbeat is due. Raises GitError."""
        if island.report is None or self.may_write():
            return
        now = self.clock()
        previous = self._reported.get("cluster.yaml")
        before = await asyncio.to_thread(_status_of, previous) if previous else None
        told = replace(island.report, status=quantised(island.report.status, before), observed_at=None)
        heartbeat = self._is_due(self._reported_at, self.interval, now)
        numbers = self._is_due(self._counted_at, max(self.interval, self.cadence), now)
        files = await asyncio.to_thread(
            encode_report, told, island.members, previous=self._reported, counters_due=numbers
        )
        if files == self._reported and not heartbeat:
            return
        started = time.monotonic()
        self.rate.spend(self.remote)
        await self.in_git(self._push, files, now)
        self._reported, self._reported_at = files, now
        if numbers:
            self._counted_at = now
        self.stage("report", time.monotonic() - started)
        self.log.info("report.pushed", objects=len(island.members), commit=island.applied_commit)

    def _is_due(self, last: datetime | None, seconds: float, now: datetime) -> bool:
        return last is None or now - last >= timedelta(seconds=seconds)

    def _until_heartbeat(self) -> float:
        if self._reported_at is None:
            return self.interval
        return max(0.5, self.interval - (self.clock() - self._reported_at).total_seconds())

    def _push(self, files: Mapping[str, bytes], now: datetime) -> None:
        branch = self.branches.report(self.cluster)
        for last in (False, True):
            tip = fetch(self.repository, self.remote, [branch]).get(branch, "")
            known = read_tip(self.repository, tip, identity=None)
            same = known is not None and dict(known.files) == dict(files)
            written = write_files(
                self.repository,
                files,
                previous=tip,
                facts=CommitFacts(
                    message=f"report of {self.cluster}",
                    author_time=now,
                    committer_time=now,
                    signer=self.signer,
                ),
                replace_tip=same,
            )
            try:
                push(
                    self.repository,
                    self.remote,
                    [RefUpdate(name=full_name(branch), old=tip, new=written.commit)]
                    if written.commit != tip
                    else [],
                )
            except LostRace:
                if last:
                    raise
            else:
                return


def _status_of(data: bytes) -> ClusterStatus | None:
    documents = load(data, "cluster.yaml").documents
    return decode_cluster_report(documents[0].body).status if documents else None
