"""What may be remembered between renders: each stage's last answer for each key, with the values it was computed from.

A memo changes speed, never the result, and may be dropped at any moment (DESIGN §3). It holds what the last pass used
and nothing older, so that it is bounded by the fleet, and it never outlives the process, so that no other engine reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from reconciler.model.binding import Binding
from reconciler.model.manifest import Manifest

T = TypeVar("T")


class Memo:
    """Answers by stage and key. An answer is used again only when every input is the same as it was."""

    def __init__(self) -> None:
        self._fresh: dict[tuple[str, Hashable], tuple[tuple[Any, ...], Any]] = {}
        self._stale: dict[tuple[str, Hashable], tuple[tuple[Any, ...], Any]] = {}
        self.hits = 0
        self.misses = 0

    def begin(self) -> None:
        """A pass starts: what the last pass did not use is forgotten."""
        self._stale, self._fresh = self._fresh, {}
        self.hits = self.misses = 0

    def remember(self, stage: str, key: Hashable, inputs: tuple[Any, ...], compute: Callable[[], T]) -> T:
        """The answer of `compute`, which must depend on nothing but `inputs`; the same object as long as they are the same."""
        slot = (stage, key)
        known = self._fresh.get(slot) or self._stale.get(slot)
        if known is not None and len(known[0]) == len(inputs) and all(map(is_same, known[0], inputs)):
            self.hits += 1
            self._fresh[slot] = known
        else:
            self.misses += 1
            self._fresh[slot] = known = (inputs, compute())
        result: T = known[1]
        return result


def is_same(one: Any, other: Any) -> bool:
    """Whether two inputs are certainly the same, down to the bytes that come of them.

    Identity, or equality where that says it all. Bindings hold open JSON, where Python calls `1` and `True` equal:
    they count as the same only when they are one object.
    """
    if one is other:
        return True
    if type(one) is not type(other) or isinstance(one, Binding):
        return False
    if isinstance(one, Manifest):
        # Problems name lines of the file, so the file must be the same too.
        return bool(
            one.digest == other.digest != ""
            and one.id == other.id
            and one.origin == other.origin
            and one.origin.text == other.origin.text
        )
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other)
