"""How often a remote is pushed to: hosts count pushes, and slow down or refuse who pushes too often.

A token bucket for each repository on another machine. The truth may use all of it, the status leaves a part: what is only told
never keeps what is decided from being pushed. Waiting is no loss: what changes meanwhile goes with the same push.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from reconciler.git.remote import Remote

BURST: Final = 20
KEPT: Final = 8
"""So many of a full bucket are kept for the truth."""


@dataclass(slots=True, kw_only=True)
class PushRate:
    """Pushes `per_minute` to each repository in the long run (0: any number), `BURST` at once."""

    per_minute: float = 6.0
    clock: Callable[[], float] = time.monotonic
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait(self, remote: Remote, *, kept: int = 0) -> float:
        """Seconds until a push to the remote would leave `kept`; 0 where it may be pushed to now."""
        if not self._counts(remote):
            return 0.0
        missing = kept + 1 - self._tokens(remote.url)
        return max(0.0, missing * 60 / self.per_minute)

    def spend(self, remote: Remote) -> None:
        """The remote was pushed to."""
        if self._counts(remote):
            self._left[remote.url] = (self._tokens(remote.url) - 1, self.clock())

    def _tokens(self, url: str) -> float:
        left, at = self._left.get(url, (float(BURST), self.clock()))
        return min(float(BURST), left + (self.clock() - at) * self.per_minute / 60)

    def _counts(self, remote: Remote) -> bool:
        address = remote.address
        return self.per_minute > 0 and address.scheme != "file" and not address.is_loopback
