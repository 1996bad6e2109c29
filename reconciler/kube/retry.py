"""When a request is tried again, and how long to wait before: bounded tries, full jitter, one budget a cluster.

Promises: only what may be repeated safely is repeated, a budget that is spent ends all retries of that cluster, and the
clock and the dice are values.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

_MOST_DOUBLINGS: Final = 64
"""No bound is reached later, and a float does not hold many more than a thousand: somebody may be away for weeks."""


def doubled(first: float, times: int, longest: float) -> float:
    """Seconds to wait: `first`, doubled so many `times`, up to `longest`."""
    return float(min(longest, first * 2.0 ** min(times, _MOST_DOUBLINGS)))


@dataclass(slots=True, kw_only=True)
class RetryBudget:
    """A token bucket: at most `capacity` retries at once, refilled at `per_second`."""

    capacity: float = 20.0
    per_second: float = 1.0
    clock: Callable[[], float] = time.monotonic
    _tokens: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._tokens, self._at = self.capacity, self.clock()

    def spend(self) -> bool:
        """Take one retry out of the budget; false where none is left."""
        now = self.clock()
        self._tokens = min(self.capacity, self._tokens + (now - self._at) * self.per_second)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Full jitter: a random wait between nothing and a bound that doubles with every try. Seconds."""

    attempts: int = 4
    first: float = 0.2
    longest: float = 5.0
    patience: float = 15.0
    """A server that asks for more than this gets its wish, but not inside a request: the pass ends instead."""
    dice: Callable[[], float] = random.random

    def wait(self, attempt: int, asked: float = 0.0) -> float:
        """How long to wait after try number `attempt` (from 0). What the server asked for is kept, jitter on top."""
        return asked + self.dice() * doubled(self.first, attempt, self.longest)
