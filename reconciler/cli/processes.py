"""What the long-running verbs share: signals, background tasks, the lease."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.loop.leader import Leader


@dataclass(slots=True, kw_only=True)
class Readiness:
    """What `/readyz` says. A replica that waits for the lease is ready: it could take over at once.

    Were it not, no rollout and no drain of a Deployment with a spare replica would ever end.
    """

    work: Callable[[], str]
    waits: bool

    def __call__(self) -> str:
        """Empty when ready, else what is missing."""
        return "" if self.waits else self.work()


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set: finish the write that is under way, then stop."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    return stopping


def background(stack: AsyncExitStack, work: Coroutine[Any, Any, None], stopping: asyncio.Event) -> None:
    """Run `work` beside the program; `stopping` ends it before what it uses is closed."""
    task = asyncio.create_task(work)

    async def end() -> None:
        stopping.set()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)


async def lead(leader: Leader, stopping: asyncio.Event, stack: AsyncExitStack, log: Any) -> bool:
    """Wait for the lease and keep it until `stack` ends; losing it stops the program. False when stopped before it was ours."""
    from reconciler import telemetry  # noqa: PLC0415

    log.info("lease.waiting", identity=leader.identity)
    if not await leader.acquire(stopping):
        return False
    telemetry.LEADER.set(1)
    log.info("lease.acquired", identity=leader.identity)
    # Not `stopping`: what is under way when we are asked to stop is ours to finish, and nobody else's to begin.
    finished = asyncio.Event()

    async def keep() -> None:
        await leader.keep(finished)
        telemetry.LEADER.set(0)
        if not finished.is_set():
            log.error("lease.lost", identity=leader.identity)
            stopping.set()

    background(stack, keep(), finished)
    return True


def passing_on(leader: Leader, readiness: Readiness, fire: Callable[[str], None]) -> Callable[[str], None]:
    """`fire`, or while we wait for the lease: let its holder know. A Service sends webhooks to any replica that is ready."""
    under_way: set[asyncio.Task[bool]] = set()

    def fired(reason: str) -> None:
        if not readiness.waits:
            fire(reason)
            return
        task = asyncio.create_task(leader.pass_on(reason))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    return fired


def local_path(url: str) -> Path | None:
    """The directory that a URL names on this machine, or None."""
    text = url.removeprefix("file://")
    path = Path(text).expanduser()
    return path if ("://" not in text and path.is_dir()) else None
