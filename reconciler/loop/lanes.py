"""Lanes: threads with a record of their own on the same mirror, so that what hangs in one holds up nobody in another.

A Git host that does not answer keeps a pass waiting for its whole deadline; the islands' questions, the status and each remote
of the cluster branches go on meanwhile. Blocking calls belong here and nowhere else in the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from reconciler.git.command import end_programs
from reconciler.loop.record import Record

P = ParamSpec("P")
T = TypeVar("T")


class Lane:
    """One thread, one record: calls come one after the other."""

    def __init__(self, record: Record, name: str) -> None:
        self.record = record
        self._thread = ThreadPoolExecutor(1, name)

    async def do(self, call: Callable[Concatenate[Record, P], T], *arguments: P.args, **more: P.kwargs) -> T:
        """`call` with this lane's record, on its thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: call(self.record, *arguments, **more))

    def close(self) -> None:
        """Wait for the call that is under way; take no more."""
        self._thread.shutdown(wait=True, cancel_futures=True)


class Pool:
    """Several threads for calls that need nothing of each other; each call gets a record of its own."""

    def __init__(self, record: Record, name: str, *, threads: int = 8) -> None:
        self.record = record
        self._threads = ThreadPoolExecutor(threads, name)

    async def do(self, call: Callable[Concatenate[Record, P], T], *arguments: P.args, **more: P.kwargs) -> T:
        """`call` with a record of its own, on some thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, lambda: call(self.record.beside(), *arguments, **more)
        )

    def close(self) -> None:
        """Wait for the calls that are under way; take no more."""
        self._threads.shutdown(wait=True, cancel_futures=True)


async def hurry(stopping: asyncio.Event, grace: float) -> None:
    """Once `stopping` is set and `grace` seconds have passed, end the `git` programs that still run: a remote may never answer."""
    await stopping.wait()
    await asyncio.sleep(grace)
    while True:
        end_programs()
        await asyncio.sleep(1.0)
