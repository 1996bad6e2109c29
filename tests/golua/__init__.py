"""GopherLua as a witness: the Lua that Karmada runs, in Go, at Karmada's version.

Built once a machine beside the control planes' binaries. Must not import `reconciler`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    done = subprocess.run([_program()], input=lines, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert len(answers) == len(calls)
    return [Answer(values=one["values"], error=one.get("error", "")) for one in answers]


def _program() -> Path:
    go = shutil.which("go")
    assert go is not None, "Go is needed on PATH: the witness is the Lua that Karmada runs"
    version = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
    parts = [(HERE / name).read_bytes() for name in ("go.mod", "go.sum", "main.go")]
    key = hashlib.sha256(b"\0".join([*parts, version.encode()])).hexdigest()[:16]
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    program = Path(cache) / "fleet-reconciler" / "golua" / key
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        fresh = program.with_name(f"{key}.{os.getpid()}")
        environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
        command = [go, "build", "-trimpath", "-o", str(fresh), "."]
        subprocess.run(command, cwd=HERE, env=environment, check=True)
        fresh.rename(program)
    return program
