"""What agents have reported: read again when a report branch moved, believed as far as it speaks of its own cluster.

A report is hostile input (DESIGN §4). One that is too large, malformed or refused by Git costs its own cluster the news, and
nobody else anything: neither the other reports, nor the status, nor the turn of the loop.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from reconciler.errors import GitError, ReconcilerError
from reconciler.loop.lanes import Pool
from reconciler.loop.log import Log
from reconciler.loop.record import Place, Record
from reconciler.observe.branches import Report, decode_report, with_silence

_BAD_PACK: Final = re.compile(r"index-pack|unpack-objects|fsck|may not send more|did not send all necessary")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """One branch as it was read last."""

    tip: str
    report: Report | None = None
    reported_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Reports:
    """The newest report of each cluster. Seconds: `interval` between reports, `patience` for those that are fetched just now.

    `arrived` is called when one came after `refresh` has gone on without it.
    """

    pool: Pool
    log: Log
    interval: float
    arrived: Callable[[], None] = lambda: None
    patience: float = 5.0
    _known: dict[str, _Known] = field(default_factory=dict)
    _refused: dict[str, datetime] = field(default_factory=dict)
    _fetching: dict[Place, asyncio.Task[None]] = field(default_factory=dict)
    _looked: dict[str, datetime] = field(default_factory=dict)

    async def refresh(self, clusters: Sequence[str], now: datetime) -> None:
        """Fetch the report branches of `clusters`, and read those that moved. Raises nothing of what they hold.

        Each remote is asked by itself: one that does not answer is not waited for, and not asked twice at once.
        """
        asked = [name for name in clusters if self._refused.get(name, now) <= now]
        if not asked:
            return
        for place, names in self.pool.record.report_places(asked).items():
            if place not in self._fetching:
                self._fetching[place] = asyncio.create_task(self._fetch_at(place, names, now))
        _, late = await asyncio.wait(self._fetching.values(), timeout=self.patience)
        for task in late:
            task.add_done_callback(lambda _: self.arrived())

    async def _fetch_at(self, place: Place, names: Sequence[str], now: datetime) -> None:
        try:
            await self._fetch(names, now)
        except Exception:
            self.log.exception("report.crashed", clusters=list(names))
        finally:
            del self._fetching[place]

    async def _fetch(self, names: Sequence[str], now: datetime) -> None:
        """What one agent pushed must not keep the others' reports away: one by one where Git refused what came."""
        try:
            tips = await self.pool.do(Record.report_tips, names)
        except ReconcilerError as error:
            if is_bad_pack(str(error)) and len(names) > 1:
                for name in names:
                    await self._fetch([name], now)
                return
            for name in names:
                if is_bad_pack(str(error)):
                    # It is downloaded to be refused: once a report interval is often enough.
                    self._refused[name] = now + timedelta(seconds=self.interval)
                self.log.warning("report.unread", cluster=name, problem=str(error)[:500])
            return
        for name, tip in sorted(tips.items()):
            known = self._known.get(name)
            if known is None or known.tip != tip:
                self._known[name] = await self._read(name, tip, known, now)
        self._looked |= dict.fromkeys(names, now)

    def of(self, cluster: str, now: datetime) -> Report | None:
        """The cluster's report as of now: one that was silent for too long is Unknown."""
        known = self._known.get(cluster)
        if known is None or known.report is None or known.reported_at is None:
            return None
        told = with_silence(
            known.report.cluster, reported_at=known.reported_at, now=now, interval=self.interval
        )
        return replace(known.report, cluster=told)

    async def _read(self, name: str, tip: str, before: _Known | None, now: datetime) -> _Known:
        kept = replace(before, tip=tip) if before else _Known(tip=tip)
        try:
            files, committed = await self.pool.do(Record.report_files, tip)
        except GitError as error:
            self.log.warning("report.refused", cluster=name, problem=str(error)[:500])
            return kept
        report = await asyncio.to_thread(decode_report, name, files)
        if report is None:
            self.log.warning("report.refused", cluster=name, problem="it does not speak of a cluster")
            return kept
        if report.refused:
            self.log.warning("report.partly-refused", cluster=name, files=report.refused)
        # The commit's time is the agent's word: it may make the report older than it is, never newer. What was not there when
        # we looked last was pushed since, whatever a clock that is behind says of it.
        at = min(committed, now)
        return _Known(tip=tip, report=report, reported_at=max(at, self._looked.get(name, at)))


def is_bad_pack(words: str) -> bool:
    """Whether a fetch failed on what was sent, rather than on the way to it."""
    return _BAD_PACK.search(words) is not None
