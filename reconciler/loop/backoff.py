"""When to come back after a failure: exponential, with full jitter above a floor, so that a fleet does not march in step."""

from __future__ import annotations

import random
from dataclasses import dataclass

from reconciler.kube.retry import doubled


@dataclass(slots=True)
class Backoff:
    """Seconds to wait after each failure in a row, from `first` up to `most`."""

    first: float = 1.0
    most: float = 60.0
    failures: int = 0

    def next(self) -> float:
        """Count one more failure; how long to wait now."""
        ceiling = doubled(self.first, self.failures, self.most)
        self.failures += 1
        return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, decides nothing

    def reset(self) -> None:
        """It worked."""
        self.failures = 0
