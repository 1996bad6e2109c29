"""Kubernetes' own YAML reader as a witness: `sigs.k8s.io/yaml`, then the JSON decoder of an API server, in Go.

Built once a machine beside the control planes' binaries, at the versions that Kubernetes 1.36 uses. Must not import
`reconciler`.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.gowitness import built

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
    result = subprocess.run(
        [built(HERE, "Kubernetes' own YAML reader")], input=lines, capture_output=True, text=True, check=True
    )
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
