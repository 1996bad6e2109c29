"""How long ago the newest commit was known to be the newest: an old tree goes on healing, and deletes nothing (DESIGN §5, promise 5)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

LEAST: Final = 300.0
MISSED_POLLS: Final = 3


@dataclass(slots=True, kw_only=True)
class Freshness:
    """Confirmed by each look at the remote that succeeded; in doubt before the first, and after `patience` seconds without one."""

    patience: float
    clock: Callable[[], float] = time.monotonic
    _at: float = field(default=float("-inf"))

    @classmethod
    def polling(cls, interval: float) -> Freshness:
        """For a program that polls every `interval` seconds (0: never; then it is told of what is new)."""
        return cls(patience=max(LEAST, MISSED_POLLS * interval) if interval else float("inf"))

    def confirm(self) -> None:
        """The remote was asked, and what it shows was taken."""
        self._at = self.clock()

    def doubt(self) -> str:
        """Why there may be a newer commit by now, or an empty text."""
        if self._at == float("-inf"):
            return "the Git remote was not reached yet, and may show a newer commit"
        silent = self.clock() - self._at
        if silent <= self.patience:
            return ""
        return f"the Git remote was not reached for {self.patience:.0f} s, and may show a newer commit"
