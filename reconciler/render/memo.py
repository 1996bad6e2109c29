"""What may be remembered between renders: each stage's last answer, with the values it was computed from.

A memo changes speed, never the result, and may be dropped at any moment (DESIGN §3). It holds what the last pass used
and nothing older, so that it is bounded by the fleet, and it never outlives the process, so that no other engine reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from reconciler.model.binding import Binding
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest
from reconciler.model.override import OverridePolicy
from reconciler.model.policy import PropagationPolicy

T = TypeVar("T")


class Lane:
    """Answers by stage, of one template or of the fleet. One is used again only when every input is as it was."""

    __slots__ = ("_answers",)

    def __init__(self) -> None:
        self._answers: dict[str, tuple[tuple[Any, ...], Any]] = {}

    def remember(
        self,
        stage: str,
        inputs: tuple[Any, ...],
        compute: Callable[[], T],
        *,
        lasts: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """The answer of `compute`, which must depend on nothing but `inputs`; the same object as long as they are the same.

        One that does not last (a script ran out of time) is computed anew the next time.
        """
        found = self.recall(stage, inputs)
        if found is not None:
            answer: T = found[0]
            return answer
        new = compute()
        return self.keep(stage, inputs, new) if lasts(new) else new

    def recall(self, stage: str, inputs: tuple[Any, ...]) -> tuple[Any] | None:
        """The answer kept for the same inputs, in a tuple of one; or None."""
        known = self._answers.get(stage)
        if known is None:
            return None
        before, answer = known
        if before is not inputs:
            if len(before) != len(inputs):
                return None
            for one, other in zip(before, inputs, strict=True):
                if one is not other and not is_same(one, other):
                    return None
            # With the inputs of now: next time they are likely to be these very objects.
            self._answers[stage] = (inputs, answer)
        return (answer,)

    def keep(self, stage: str, inputs: tuple[Any, ...], answer: T) -> T:
        """Remembers an answer that depends on nothing but `inputs`; gives it back."""
        self._answers[stage] = (inputs, answer)
        return answer


class Memo:
    """A lane for the fleet, and one for every template that the last pass saw."""

    def __init__(self) -> None:
        self.fleet = Lane()
        self._lanes: dict[ObjectId, Lane] = {}
        self._stale: dict[ObjectId, Lane] = {}

    def begin(self) -> None:
        """A pass starts: templates that the last pass did not see are forgotten."""
        self._stale, self._lanes = self._lanes, {}

    def lane(self, id_: ObjectId) -> Lane:
        """The lane of one template."""
        found = self._stale.get(id_) or self._lanes.get(id_) or Lane()
        self._lanes[id_] = found
        return found


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
