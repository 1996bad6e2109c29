"""One pass: what Git says now, what that comes to, and the truth of it pushed. Delivery follows; it is never waited for.

The same list as `cli/diff.py`, not stopped early. Everything in it can be done again: a pass that ends anywhere leaves nothing
that the next one would not make anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.errors import ReconcilerError
from reconciler.loop.answers import Answered
from reconciler.loop.decide import Decision
from reconciler.loop.lanes import Lane
from reconciler.loop.publish import Published
from reconciler.loop.record import Fetched, Record


class SuspendedError(ReconcilerError):
    """A pass ended before it wrote anything, because nothing may be written now."""

    retryable = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """One finished pass: what was decided, what was published, where the branches were; seconds by stage."""

    at: Fetched
    decision: Decision
    published: Published
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a pass needs of the program: the lane that it runs on, who has webhooks' answers, whether it may write, who counts seconds."""

    lane: Lane
    answered: Answered
    stopped: Callable[[], str]
    stage: Callable[[str, float], None]


async def cycle(around: Surroundings, wake: datetime | None) -> Passed:
    """Go through the list once. `wake`: a wake time that came due. Raises ReconcilerError."""
    do, seconds = around.lane.do, dict[str, float]()

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        seconds[name] = round(time.monotonic() - started, 4)
        around.stage(name, time.monotonic() - started)

    with stage("fetch"):
        at = await do(Record.fetch)
    with stage("render"):
        decision = await do(Record.decide, at, wake)
        at, decision = await around.answered.settle(at, decision, wake)
    # A switch for the whole fleet holds the branches as well: agents and other tools deliver what they show.
    stopped = around.stopped()
    if stopped:
        raise SuspendedError(f"nothing is written: {stopped}")
    with stage("publish"):
        published = await do(Record.publish, decision, at)
    return Passed(at=at, decision=decision, published=published, seconds=seconds)
