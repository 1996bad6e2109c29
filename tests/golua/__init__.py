"""GopherLua as a witness: the Lua that Karmada runs, in Go, at Karmada's version.

Built once a machine beside the control planes' binaries. Must not import `reconciler`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.gowitness import built

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a function returned, as dumps (a table is the list of its pairs in the order of `next`), or the error."""

    values: list[Any] | None = None
    error: str = ""


def call(calls: Sequence[tuple[str, str, Sequence[Any], int]]) -> list[Answer]:
    """Every (script, function, arguments, number of results), each in a state of its own."""
    lines = "".join(
        json.dumps({"script": script, "function": function, "arguments": list(arguments), "results": results})
        + "\n"
        for script, function, arguments, results in calls
    )
    done = subprocess.run(
        [built(HERE, "the Lua that Karmada runs")], input=lines, capture_output=True, text=True, check=True
    )
    answers = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert len(answers) == len(calls)
    return [Answer(values=one["values"], error=one.get("error", "")) for one in answers]
