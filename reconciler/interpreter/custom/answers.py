"""What scripts have answered, so that no script is asked the same twice.

A memo changes speed, never the result: it holds what was computed from the script and the input alone, bounded in number and size,
oldest out first. What hit the wall clock is never kept (DESIGN §3).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import orjson

from reconciler.interpreter.custom.engine import FailureKind

T = TypeVar("T")

MOST: Final = 50_000
"""Answers."""
LARGEST: Final = 64 * 2**20
"""Bytes of all inputs together: a measure of what the answers hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one call: a value, or why there is none.

    `kind` is empty for a value; `result` says that what was returned is not what the operation asks for.
    """

    value: Any = None
    kind: FailureKind | None = None
    is_unusable: bool = False
    message: str = ""
    line: int = 0
    reads_clock: bool = False

    @property
    def is_final(self) -> bool:
        """Whether the same question would be answered the same."""
        return self.kind is not FailureKind.TIME


class Answers:
    """Answers by script, operation and input. Shared between renders of one process; not between versions of the engine."""

    def __init__(self, *, most: int = MOST, largest: int = LARGEST) -> None:
        self._most = most
        self._largest = largest
        self._known: dict[tuple[str, str, bytes], tuple[Answer, datetime, int]] = {}
        self._size = 0
        self._made: tuple[tuple[Any, ...], Any] | None = None
        self.hits = 0
        self.misses = 0

    def remember(
        self,
        script: str,
        operation: str,
        arguments: Sequence[Any],
        now: datetime,
        compute: Callable[[], Answer],
    ) -> Answer:
        """The answer to this question, computed at most once. `now` counts only for scripts that read the clock."""
        encoded = _encoded(arguments)
        key = (script, operation, hashlib.sha256(encoded).digest())
        found = self._known.pop(key, None)
        if found is not None:
            answer, asked_at, size = found
            if not answer.reads_clock or asked_at == now:
                self._known[key] = found
                self.hits += 1
                return answer
            self._size -= size
        self.misses += 1
        answer = compute()
        if answer.is_final:
            self._known[key] = (answer, now, len(encoded))
            self._size += len(encoded)
            self._forget()
        return answer

    def same(self, inputs: tuple[Any, ...], make: Callable[[], T]) -> T:
        """What `make` gives, and the very same object as long as the inputs are equal: memos know it again."""
        if self._made is None or self._made[0] != inputs:
            self._made = (inputs, make())
        made: T = self._made[1]
        return made

    def __len__(self) -> int:
        return len(self._known)

    def _forget(self) -> None:
        while self._known and (len(self._known) > self._most or self._size > self._largest):
            oldest = next(iter(self._known))
            self._size -= self._known.pop(oldest)[2]


def _encoded(arguments: Sequence[Any]) -> bytes:
    try:
        return orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(arguments, sort_keys=True, default=list).encode("utf-8", "surrogatepass")
