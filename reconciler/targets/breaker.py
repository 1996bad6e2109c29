"""A circuit breaker: a cluster that does not answer is asked rarely, so that it costs the others nothing.

Promises: opens after a few silent passes, or at once for a refused credential; one pass at a time then tries again, after a
wait that doubles up to a bound, with jitter. The clock and the dice are values.
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from reconciler.errors import ClusterError, CredentialRefused, Unauthorized, Unreachable
from reconciler.kube.retry import doubled


class BreakerOpen(Unreachable):
    """The cluster was not asked: it failed lately. `seconds` is when it may be asked again, `reason` how it failed."""

    def __init__(
        self, message: str, *, cluster: str = "", seconds: float = 0.0, reason: ClusterError
    ) -> None:
        super().__init__(message, cluster=cluster)
        self.seconds = seconds
        self.reason = reason


@dataclass(slots=True, kw_only=True)
class Breaker:
    """One cluster's. Seconds: `first` wait, doubled with every failure up to `longest`."""

    failures_to_open: int = 2
    first: float = 5.0
    longest: float = 300.0
    clock: Callable[[], float] = time.monotonic
    dice: Callable[[], float] = random.random
    _failures: int = field(init=False, default=0)
    _opened: int = field(init=False, default=0)
    _until: float = field(init=False, default=0.0)
    _error: ClusterError | None = field(init=False, default=None)
    _refused: bool = field(init=False, default=False)

    @property
    def is_open(self) -> bool:
        """Whether a request would be refused now."""
        return self.clock() < self._until

    @property
    def why(self) -> str:
        """What opened it, or an empty text."""
        return str(self._error or "")

    @asynccontextmanager
    async def watching(self, renewed: Callable[[], Awaitable[bool]] | None = None) -> AsyncIterator[None]:
        """Lets one pass through and learns from its end. Raises BreakerOpen where none may pass.

        `renewed` says whether the credential has changed since; where it was the reason, a new one closes the breaker.
        """
        rest = self._until - self.clock()
        error = self._error
        if rest > 0 and error is not None and not (self._refused and renewed is not None and await renewed()):
            raise BreakerOpen(f"not asked for another {rest:.0f} s: {error}", seconds=rest, reason=error)
        try:
            yield
        except (Unreachable, Unauthorized, CredentialRefused) as error:
            self._failed(error)
            raise
        except ClusterError:
            # It answered, which is all that is asked of it here.
            self.reset()
            raise
        else:
            self.reset()

    def reset(self) -> None:
        """Close it: the cluster answered, or its credential was changed."""
        self._failures = self._opened = 0
        self._until, self._error, self._refused = 0.0, None, False

    def _failed(self, error: ClusterError) -> None:
        self._failures += 1
        self._error, self._refused = error, not isinstance(error, Unreachable)
        if isinstance(error, Unreachable) and self._failures < self.failures_to_open:
            return
        wait = doubled(self.first, self._opened, self.longest)
        self._opened += 1
        # Half of it for sure, the other half by chance: clusters that died together do not come back together.
        self._until = self.clock() + wait * (0.5 + 0.5 * self.dice())
