"""What may be remembered between renders: each stage's last answer for each key, with the values it was computed from.

A memo changes speed, never the result, and may be dropped at any moment (DESIGN §3). It holds what the last pass used
and nothing older, so that it is bounded by the fleet, and it never outlives the process, so that no other engine reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from reconciler.model.binding import Binding
from reconciler.model.manifest import Manifest
from reconciler.model.override import OverridePolicy
from reconciler.model.policy import PropagationPolicy

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
        found = self.recall(stage, key, inputs)
        if found is not None:
            answer: T = found[0]
            return answer
        return self.keep(stage, key, inputs, compute())

    def recall(self, stage: str, key: Hashable, inputs: tuple[Any, ...]) -> tuple[Any] | None:
        """The answer kept for the same inputs, in a tuple of one; or None."""
        slot = (stage, key)
        known = self._fresh.get(slot) or self._stale.get(slot)
        if known is None or len(known[0]) != len(inputs) or not all(map(is_same, known[0], inputs)):
            self.misses += 1
            return None
        self.hits += 1
        # With the inputs of now: next time they are likely to be these very objects.
        self._fresh[slot] = (inputs, known[1])
        return (known[1],)

    def keep(self, stage: str, key: Hashable, inputs: tuple[Any, ...], answer: T) -> T:
        """Remembers an answer that depends on nothing but `inputs`; gives it back."""
        self._fresh[(stage, key)] = (inputs, answer)
        return answer


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
    if isinstance(one, PropagationPolicy | OverridePolicy):
        # A policy is what its document says; one without a document is compared by identity alone.
        return (
            one.manifest is not None and other.manifest is not None and is_same(one.manifest, other.manifest)
        )
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other)
