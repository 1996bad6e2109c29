"""Recorded cases: JSON Lines, each `{"id", "kind", "input", "output"}`, or `outputs` with all acceptable answers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Case = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a case agrees; `rule` names the difference on purpose that explains it, `detail` what differs."""

    agrees: bool
    rule: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """An on-purpose difference: a row of docs/karmada-compatibility.md, and how to recognise a case of it.

    `explains(input, ours, theirs)` must be narrow: it is asked about disagreements only, and says yes only where ours is what
    the row promises.
    """

    name: str
    explains: Callable[[Any, Any, Any], bool]


@dataclass(frozen=True, kw_only=True)
class Check:
    """Checks cases of one kind: `answer` calls what `render` calls; `agrees(ours, theirs)` applies the comparison rules."""

    answer: Callable[[Any], Any]
    agrees: Callable[[Any, Any], bool]
    differences: tuple[Difference, ...] = ()

    def __call__(self, case: Case) -> Outcome:
        """What comes of one case."""
        ours, expected = self.answer(case["input"]), expected_of(case)
        if any(self.agrees(ours, theirs) for theirs in expected):
            return Outcome(agrees=True)
        detail = f"\n  karmada: {_text(expected[0])}\n  ours:    {_text(ours)}"
        for difference in self.differences:
            if any(difference.explains(case["input"], ours, theirs) for theirs in expected):
                return Outcome(agrees=False, rule=difference.name, detail=detail)
        return Outcome(agrees=False, detail=detail)


def expected_of(case: Case) -> list[Any]:
    """Every answer that is acceptable."""
    return case["outputs"] if "outputs" in case else [case["output"]]


def load(path: Path) -> Iterator[Case]:
    """The cases of a file, compressed or not."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    return (json.loads(line) for line in data.splitlines() if line.strip())


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
