"""What runs a script, as a value passed down: a call goes in, an answer or a failure comes out. Never an exception.

The pure half knows this Protocol alone. An engine may be impure inside; what it answers must depend on nothing but the call,
except for failures of kind TIME.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

LuaDump = Any
"""A Lua value as JSON. A table is the list of its `[key, value]` pairs in the order of `next`; `{"again": true}` stands for a
table that was met before; `{"type": T}` for what has no JSON at all, with Lua's name of its type, or `nan` or `inf`."""


class FailureKind(StrEnum):
    """Why a call has no result."""

    SYNTAX = "syntax"
    """The text is not Lua."""
    ERROR = "error"
    """The script raised an error, or does not define its function."""
    INSTRUCTIONS = "instructions"
    """The instruction budget is used up. The same on every machine."""
    MEMORY = "memory"
    """The script asked for more memory than it may have."""
    TIME = "time"
    """The wall clock ran out, or the process that ran the script was lost. The next attempt may succeed: never remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LuaResult:
    """What a function returned, as many values as were asked for.

    `reads_clock`: the answer may depend on `now`. `printed`: the first lines of what the script printed, for its author.
    """

    values: tuple[LuaDump, ...]
    reads_clock: bool = False
    printed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LuaFailure:
    """Why there is no result. `line` is one of the script's, from 1; 0 where none is known."""

    kind: FailureKind
    message: str
    line: int = 0
    reads_clock: bool = False


class Engine(Protocol):
    """Runs scripts, each call in a fresh state."""

    def call(
        self, script: str, function: str, arguments: Sequence[Any], *, results: int, now: datetime
    ) -> LuaResult | LuaFailure:
        """Run `script`, then `function` of it with `arguments` (JSON; None is nil); the first `results` values of what it returns.

        `now` is the script's clock.
        """
        ...
