"""Keeps the mirror small and quick while the program runs: packs are merged beside the work, one upkeep at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from reconciler.errors import ReconcilerError
from reconciler.git.maintenance import Due, due, maintain
from reconciler.git.repository import Repository
from reconciler.loop.log import Log


@dataclass(slots=True, kw_only=True)
class Upkeep:
    """One mirror's."""

    repository: Repository
    log: Log
    _running: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Begin what is due, unless it is being done. Returns at once."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._do())

    async def end(self) -> None:
        """Wait for what is being done."""
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)

    async def _do(self) -> None:
        try:
            need = await asyncio.to_thread(due, self.repository)
            if need is not Due.NOTHING:
                await asyncio.to_thread(maintain, self.repository, need=need)
                self.log.info("mirror.maintained", done=str(need))
        except ReconcilerError as error:
            self.log.warning("mirror.unkempt", problem=str(error))
