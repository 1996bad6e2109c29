"""Compares this project with recorded answers of Karmada: `python -m tests.parity.run FILE...`.

Prints cases, agreed, disagreed and the first disagreements for each kind, and exits 1 on any. Takes any file in the format of
`tests/parity/cases.py`; what is not in that format is a disagreement too, and so is a file without a case.
"""

from __future__ import annotations

import copy
import sys
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.parity import rendering, scheduling
from tests.parity.cases import Case, load

CHECKS: Final[dict[str, Callable[[Case], Any]]] = {**scheduling.CHECKS, **rendering.CHECKS}
"""Kind of case to what says whether we agree: something with `agrees`, `rule` and `detail`."""

_MALFORMED: Final = "malformed"
_SHOWN = 5
_WIDTH = 3000


@dataclass
class Tally:
    """What came of the cases of one kind. `rules` counts differences on purpose by the name of their row."""

    cases: int = 0
    agreed: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    disagreements: list[tuple[str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        line = f"{self.cases:6} cases {self.agreed:6} agreed {len(self.disagreements):6} disagreed"
        told = ", ".join(f"{count} {name}" for name, count in sorted(self.rules.items()))
        return f"{line}   on purpose: {told}" if told else line


def compare(paths: Iterable[Path]) -> dict[str, Tally]:
    """Tallies by kind, of all cases in the files."""
    tallies: dict[str, Tally] = {}
    for path in paths:
        for case in _cases(path):
            tally = tallies.setdefault(case["kind"], Tally())
            tally.cases += 1
            agrees, rule, detail = _judge(case)
            if agrees:
                tally.agreed += 1
            elif rule:
                tally.rules[rule] += 1
            else:
                tally.disagreements.append((case["id"], detail))
    return tallies


def _cases(path: Path) -> Iterator[Case]:
    """The cases of a file; what cannot be read as one is a case that cannot agree."""
    number = 0
    try:
        for number, case in enumerate(load(path), start=1):
            if isinstance(case, dict) and {"id", "kind", "input"} <= case.keys():
                yield case
            else:
                yield {"id": f"{path}:{number}", "kind": _MALFORMED, "input": None}
    except (ValueError, OSError, EOFError, zlib.error) as error:
        yield {"id": f"{path}:{number + 1}", "kind": _MALFORMED, "input": None, "output": str(error)}
        return
    if not number:
        yield {"id": str(path), "kind": _MALFORMED, "input": None, "output": "no case in the file"}


def _judge(case: Case) -> tuple[bool, str, str]:
    if case["kind"] == _MALFORMED:
        return (
            False,
            "",
            str(case.get("output") or "not a case: an object with id, kind and input is expected"),
        )
    check = CHECKS.get(case["kind"])
    if check is None:
        return False, "", "this kind of case is not known"
    given = copy.deepcopy(case["input"])
    try:
        outcome = check(case)
    except Exception:  # noqa: BLE001 - a crash is a disagreement to show, not the end of the run
        return False, "", "\n" + traceback.format_exc()
    if case["input"] != given:
        return False, "", "the input was changed"
    return outcome.agrees, outcome.rule, outcome.detail


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 where everything agrees, 1 where something disagrees, 2 for a wrong call."""
    missing = [name for name in arguments if not Path(name).is_file()]
    if missing or not arguments:
        print("usage: python -m tests.parity.run FILE...", file=sys.stderr)
        print("".join(f"no such file: {name}\n" for name in missing), end="", file=sys.stderr)
        return 2
    tallies = compare(Path(name) for name in arguments)
    for kind, tally in sorted(tallies.items()):
        print(f"{kind:20} {tally}")
    for kind, tally in sorted(tallies.items()):
        for id_, detail in tally.disagreements[:_SHOWN]:
            print(f"\n{kind} {id_}: {detail[:_WIDTH]}")
    return int(any(tally.disagreements for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
