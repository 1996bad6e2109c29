"""Compares this project with recorded answers of Karmada: `python -m tests.parity.run FILE...`.

Prints cases, agreed, disagreed and the first disagreements for each kind, and exits 1 on any. Takes any file in the format of
tests/parity/README.md.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.parity import rendering, scheduling
from tests.parity.cases import Case, Kind, load

KINDS: dict[str, Kind] = {**scheduling.KINDS, **rendering.KINDS}
_SHOWN = 5
_WIDTH = 2000


@dataclass
class Tally:
    """What came of the cases of one kind. `differences` counts on-purpose ones by the name of their row."""

    cases: int = 0
    agreed: int = 0
    differences: Counter[str] = field(default_factory=Counter)
    disagreements: list[tuple[Case, Any]] = field(default_factory=list)

    def __str__(self) -> str:
        line = f"{self.cases:6} cases {self.agreed:6} agreed {len(self.disagreements):6} disagreed"
        told = ", ".join(f"{count} {name}" for name, count in sorted(self.differences.items()))
        return f"{line}  on purpose: {told}" if told else line


def judge(case: Case, kind: Kind) -> tuple[str | None, Any]:
    """("", answer) where it agrees, the name of an on-purpose difference, or None where it disagrees."""
    try:
        ours = kind.answer(case.input)
    except Exception:  # noqa: BLE001 - a crash is a disagreement to show, not the end of the run
        return None, traceback.format_exc()
    if any(kind.agrees(ours, theirs) for theirs in case.outputs):
        return "", ours
    for difference in kind.differences:
        if any(difference.explains(case.input, ours, theirs) for theirs in case.outputs):
            return difference.name, ours
    return None, ours


def compare(paths: Iterable[Path]) -> dict[str, Tally]:
    """Tallies by kind, of all cases in the files."""
    tallies: dict[str, Tally] = {}
    for path in paths:
        for case in load(path):
            tally = tallies.setdefault(case.kind, Tally())
            tally.cases += 1
            kind = KINDS.get(case.kind)
            verdict, ours = (None, "this kind of case is not known") if kind is None else judge(case, kind)
            if verdict is None:
                tally.disagreements.append((case, ours))
            elif verdict:
                tally.differences[verdict] += 1
            else:
                tally.agreed += 1
    return tallies


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= _WIDTH else text[:_WIDTH] + " ..."


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 where everything agrees, 1 where something disagrees, 2 for a wrong call."""
    if not arguments:
        print("usage: python -m tests.parity.run FILE...", file=sys.stderr)
        return 2
    missing = [name for name in arguments if not Path(name).is_file()]
    if missing:
        print(f"no such file: {', '.join(missing)}", file=sys.stderr)
        return 2
    tallies = compare(Path(name) for name in arguments)
    for kind, tally in sorted(tallies.items()):
        print(f"{kind:20} {tally}")
    for kind, tally in sorted(tallies.items()):
        for case, ours in tally.disagreements[:_SHOWN]:
            print(f"\n{kind} {case.id}\n  karmada: {_short(case.outputs[0])}\n  ours:    {_short(ours)}")
    return int(any(tally.disagreements for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
