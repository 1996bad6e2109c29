"""Cluster branches on other remotes than the truth's: shown after it, each remote at its own pace, waited for by nobody.

A remote that does not answer costs its own clusters the news. Only the newest decision is shown: what came in between is skipped.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.errors import Problem, ReconcilerError
from reconciler.loop.backoff import Backoff
from reconciler.loop.cycle import Passed
from reconciler.loop.lanes import Pool
from reconciler.loop.log import Log
from reconciler.loop.publish import releases
from reconciler.loop.pushrate import PushRate
from reconciler.loop.record import Place, Record, not_moved

RECHECK: Final = 600.0
"""Seconds after which a remote is looked at although nothing new is to be shown: somebody may have deleted a branch."""


@dataclass(slots=True, kw_only=True)
class Projector:
    """Shows the newest pass wherever it is not shown yet. `may_write` is asked before each push; `changed` is called when what is wrong changed."""

    pool: Pool
    may_write: Callable[[], str]
    changed: Callable[[], None]
    log: Log
    rate: PushRate = field(default_factory=PushRate)
    backoff: Callable[[], Backoff] = Backoff
    clock: Callable[[], float] = time.monotonic
    _newest: Passed | None = None
    _places: Mapping[Place, tuple[str, ...]] = field(default_factory=dict)
    _tasks: dict[Place, asyncio.Task[None]] = field(default_factory=dict)
    _problems: dict[Place, tuple[Problem, ...]] = field(default_factory=dict)
    _shown: dict[Place, tuple[object, float]] = field(default_factory=dict)

    def show(self, passed: Passed, places: Mapping[Place, tuple[str, ...]]) -> None:
        """Bring these remotes, each with its clusters, to what this pass came to."""
        self._newest, self._places = passed, places
        for place in [place for place in self._problems if place not in places]:
            del self._problems[place]
        for place in places:
            task = self._tasks.get(place)
            if task is None or task.done():
                self._tasks[place] = asyncio.create_task(self._follow(place))

    def problems(self) -> tuple[Problem, ...]:
        """The branches that could not be moved, with what was said."""
        return tuple(problem for _, found in sorted(self._problems.items(), key=str) for problem in found)

    async def end(self) -> None:
        """Stop trying; what is under way ends by itself."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _follow(self, place: Place) -> None:
        backoff = self.backoff()
        while (passed := self._newest) is not None and (clusters := self._places.get(place)) is not None:
            if self.may_write():
                return  # whoever may again passes again
            wanted = (passed.published.commit, releases_of(passed))
            shown, at = self._shown.get(place, (None, 0.0))
            if shown == wanted and self.clock() - at < RECHECK:
                return
            remote = self.pool.record.remotes.cluster(clusters[0])
            wait = self.rate.wait(remote)
            if wait:
                await asyncio.sleep(wait)
                continue
            problems = await self._project(passed, clusters)
            if problems != self._problems.get(place, ()):
                self._problems[place] = problems
                self.changed()
            if problems:
                await asyncio.sleep(backoff.next())
                continue
            backoff.reset()
            if shown != wanted:
                self.rate.spend(remote)
            self._shown[place] = (wanted, self.clock())

    async def _project(self, passed: Passed, clusters: tuple[str, ...]) -> tuple[Problem, ...]:
        try:
            return await self.pool.do(Record.project, passed.decision, passed.published, clusters)
        except ReconcilerError as error:
            self.log.warning("branches.failed", clusters=list(clusters), problem=str(error))
            words = str(error)
        except Exception as error:
            self.log.exception("branches.crashed", clusters=list(clusters))
            words = f"internal error: {error}"
        return tuple(not_moved(passed.published.branches.cluster(name), words) for name in clusters)


def releases_of(passed: Passed) -> object:
    """What each cluster's branch is told besides its tree."""
    return releases(passed.decision, prune_allowed=passed.published.prune_allowed)
