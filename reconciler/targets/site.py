"""What the delivery to one cluster is given: the client, names, limits, and the questions that others answer.

A value and nothing else. The questions are callables, so that `targets` needs neither Git nor a kind's rules.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from reconciler.kube.client import Client
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body
from reconciler.model.observation import Readiness
from reconciler.plan.inventory import apply_set_id
from reconciler.plan.payload import Retain

Tree = frozenset[ObjectId]


async def _no_tree(_commit: str) -> Tree | None:
    return None


async def _always(_new: str, _applied: str) -> bool:
    return True


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What delivery asks others.

    `parse`: an object's bytes as a body. `retain`, `readiness`: the kinds' rules; `takes_time`: whether `retain` of an object
    waits for somebody outside this process, so that the event loop must not wait with it. `tree`: the objects of this cluster at
    a commit, None where it cannot be had. `supersedes(new, applied)`: whether `new` may follow `applied` (false: we are
    behind, and must not write). `stopped`: why nothing may be written just now, or an empty text; asked before every
    write. `preempted`: whether something newer waits, so that waiting here is in vain.
    """

    parse: Callable[[bytes], Body]
    readiness: Callable[[Body], tuple[Readiness, str]]
    retain: Retain = lambda desired, _live: desired
    takes_time: Callable[[Body], bool] = lambda _desired: False
    tree: Callable[[str], Awaitable[Tree | None]] = _no_tree
    supersedes: Callable[[str, str], Awaitable[bool]] = _always
    stopped: Callable[[], str] = lambda: ""
    preempted: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One cluster's surroundings. Durations are in seconds; `checkpoint` is told the names in `push.CHECKPOINTS`."""

    client: Client
    questions: Questions
    manager: str = "fleet-reconciler"
    namespace: str = "fleet-reconciler"
    ready_timeout: float = 300.0
    settle_timeout: float = 60.0
    """For what the server does by itself: a CRD's establishing, a finalizer's release."""
    concurrency: int = 16
    now: Callable[[], datetime] = _now
    checkpoint: Callable[[str], None] = lambda _name: None
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep, repr=False)

    @property
    def cluster(self) -> str:
        """The cluster's name."""
        return self.client.cluster

    @property
    def part_of(self) -> str:
        """The value of our label."""
        return apply_set_id(self.namespace)
