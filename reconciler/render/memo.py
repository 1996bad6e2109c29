"""What may be remembered between renders: results by the values they were computed from.

Pure in effect: a memo changes speed, never the result, and may be dropped at any moment (DESIGN §3). It holds what the
last pass used and nothing older, so that it is bounded by the fleet.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")
_GENERATIONS_KEPT = 8


class Memo:
    """Results of pure functions by key, for one process and one engine version.

    A key starts with the stage's name and holds everything the result depends on: small values as they are, large
    shared ones (all policies, all clusters) as the number that `intern` gives them.
    """

    def __init__(self) -> None:
        self._fresh: dict[Hashable, Any] = {}
        self._stale: dict[Hashable, Any] = {}
        self._interned: dict[str, list[tuple[int, Any]]] = {}
        self._next = 0
        self.hits = 0
        self.misses = 0

    def begin(self) -> None:
        """A pass starts: what the last pass did not use is forgotten."""
        self._stale, self._fresh = self._fresh, {}
        self.hits = self.misses = 0

    def remember(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The result of `compute`, from memory where an equal key was computed before."""
        try:
            result: T = self._fresh[key]
        except KeyError:
            try:
                result = self._stale[key]
                self.hits += 1
            except KeyError:
                result = compute()
                self.misses += 1
            self._fresh[key] = result
        else:
            self.hits += 1
        return result

    def intern(self, name: str, value: Any) -> int:
        """A number for `value`, the same as for an equal value lately interned under `name`.

        Comparison is cheap where parts are the same objects as before, which they are between passes of a loop.
        """
        known = self._interned.setdefault(name, [])
        for position, (number, other) in enumerate(known):
            if other is value or other == value:
                known.append(known.pop(position))
                return number
        self._next += 1
        known.append((self._next, value))
        del known[:-_GENERATIONS_KEPT]
        return self._next
