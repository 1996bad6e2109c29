"""When to come back after a failure: exponential, with full jitter above a floor, so that a fleet does not march in step."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Seconds to wait after each failure in a row, from `first` up to `most`."""

    first: float = 1.0
    most: float = 60.0
    failures: int = 0

    def next(self) -> float:
        """Count one more failure; how long to wait now."""
        ceiling = min(self.most, self.first * 2.0**self.failures)
        self.failures = min(self.failures + 1, 30)
        return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, decides nothing

    def reset(self) -> None:
        """It worked."""
        self.failures = 0
