"""What a kind of recorded case is: how we answer it, and when an answer agrees (tests/parity/README.md)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Answer = Any


@dataclass(frozen=True, kw_only=True)
class Difference:
    """An on-purpose difference: a row of docs/karmada-compatibility.md, and how to recognise a case of it.

    `explains(input, ours, theirs)` must be narrow: it is asked about disagreements only, and says yes only where ours is what
    the row promises.
    """

    name: str
    explains: Callable[[Any, Answer, Answer], bool]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of case. `answer` calls what `render` calls; `agrees(ours, theirs)` applies the comparison rules."""

    answer: Callable[[Any], Answer]
    agrees: Callable[[Answer, Answer], bool]
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One line of a file. Any of `outputs` is acceptable."""

    id: str
    kind: str
    input: Any
    outputs: tuple[Answer, ...]


def load(path: Path) -> Iterator[Case]:
    """The cases of a JSON Lines file, compressed or not."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    for line in data.splitlines():
        if line.strip():
            document = json.loads(line)
            outputs = document["outputs"] if "outputs" in document else [document["output"]]
            yield Case(
                id=document["id"], kind=document["kind"], input=document["input"], outputs=tuple(outputs)
            )
