"""How often something may be done: a number of times at once, then at a steady pace. Bounds what grows with every time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Allowance:
    """`burst` times without waiting, one more every `every` seconds. `now` is a monotonic clock's."""

    burst: int = 30
    every: float = 10.0
    _spent: float = 0.0
    _at: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until it may be done again; 0: at once."""
        return max(0.0, (self._left_over(now) + 1 - self.burst) * self.every)

    def spend(self, now: float) -> None:
        """It was done."""
        self._spent = self._left_over(now) + 1
        self._at = now

    def _left_over(self, now: float) -> float:
        return max(0.0, self._spent - (now - self._at) / self.every)
