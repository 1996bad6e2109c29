"""Kubernetes' own YAML reader as a witness: `sigs.k8s.io/yaml`, then the JSON decoder of an API server, in Go.

Built once a machine beside the control planes' binaries, at the versions that Kubernetes 1.36 uses. Must not import
`reconciler`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What Kubernetes makes of one document: a value, or an error; `strict` is what strict validation would add."""

    value: Any = None
    error: str = ""
    strict: str = ""


def read(documents: list[str]) -> list[Answer]:
    """Every document as Kubernetes reads it. Integers are int, everything with a fraction or beyond int64 is float."""
    lines = "".join(json.dumps(document) + "\n" for document in documents)
    result = subprocess.run([_program()], input=lines, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in result.stdout.split("\n") if line]
    assert len(answers) == len(documents)
    return [
        Answer(value=_value(one["value"]), error=one.get("error", ""), strict=one.get("strict", ""))
        for one in answers
    ]


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"$float"}:
            return float(value["$float"])
        return {key: _value(item) for key, item in value.items()}
    return [_value(item) for item in value] if isinstance(value, list) else value


def _program() -> Path:
    go = shutil.which("go")
    assert go is not None, "Go is needed on PATH: the witness is Kubernetes' own YAML reader"
    version = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
    parts = [(HERE / name).read_bytes() for name in ("go.mod", "go.sum", "main.go")]
    key = hashlib.sha256(b"\0".join([*parts, version.encode()])).hexdigest()[:16]
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    program = Path(cache) / "fleet-reconciler" / "goyaml" / key
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        fresh = program.with_name(f"{key}.{os.getpid()}")
        environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
        command = [go, "build", "-trimpath", "-o", str(fresh), "."]
        subprocess.run(command, cwd=HERE, env=environment, check=True)
        fresh.rename(program)
    return program
