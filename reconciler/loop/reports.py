"""What agents have reported: read again when a report branch moved, believed as far as it speaks of its own cluster.

A report is hostile input (DESIGN §4). One that is too large, malformed or refused by Git costs its own cluster the news, and
nobody else anything: neither the other reports, nor the status, nor the turn of the loop.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from reconciler.errors import GitError
from reconciler.loop.log import Log
from reconciler.loop.record import Record
from reconciler.observe.branches import Report, decode_report, with_silence

_BAD_PACK: Final = re.compile(r"index-pack|unpack-objects|fsck|may not send more|did not send all necessary")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """One branch as it was read last. `since`: when its tip was seen first, by our own clock."""

    tip: str
    since: datetime
    report: Report | None = None
    reported_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Reports:
    """The newest report of each cluster. `interval`: seconds between reports; `in_git` calls on the thread that may use Git."""

    record: Record
    log: Log
    interval: float
    in_git: Callable[..., Awaitable[Any]]
    _known: dict[str, _Known] = field(default_factory=dict)
    _refused: dict[str, datetime] = field(default_factory=dict)

    async def refresh(self, clusters: Sequence[str], now: datetime) -> None:
        """Fetch the report branches of `clusters`, and read those that moved. Raises nothing of what they hold."""
        asked = [name for name in clusters if self._refused.get(name, now) <= now]
        if not asked:
            return
        tips, failed = await self.in_git(self.record.report_tips, asked, is_bad_pack)
        for name, words in sorted(failed.items()):
            if is_bad_pack(words):
                # It is downloaded to be refused: once a report interval is often enough.
                self._refused[name] = now + timedelta(seconds=self.interval)
            self.log.warning("report.unread", cluster=name, problem=words[:500])
        for name, tip in sorted(tips.items()):
            known = self._known.get(name)
            if known is None or known.tip != tip:
                self._known[name] = await self._read(name, tip, known, now)

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
        kept = replace(before, tip=tip) if before else _Known(tip=tip, since=now)
        try:
            files, committed = await self.in_git(self.record.report_files, tip)
        except GitError as error:
            self.log.warning("report.refused", cluster=name, problem=str(error)[:500])
            return kept
        report = await asyncio.to_thread(decode_report, name, files)
        if report is None:
            self.log.warning("report.refused", cluster=name, problem="it does not speak of a cluster")
            return kept
        if report.refused:
            self.log.warning("report.partly-refused", cluster=name, files=report.refused)
        # The commit's time is the agent's word: it may make the report older than it is, never newer.
        return _Known(tip=tip, since=now, report=report, reported_at=min(committed, now))


def is_bad_pack(words: str) -> bool:
    """Whether a fetch failed on what was sent, rather than on the way to it."""
    return _BAD_PACK.search(words) is not None
