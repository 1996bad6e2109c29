"""How verbs print: tables as kubectl's, problems, versioned JSON; colour only on a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TextIO

import click

from reconciler.errors import Problem, Severity

API_VERSION: Final = "fleet-reconciler/v1alpha1"

NOTHING: Final = 0
CHANGES: Final = 1
ERROR: Final = 2
GUARD: Final = 3
INCOMPLETE: Final = 4

_WORST_FIRST: Final = (ERROR, INCOMPLETE, GUARD, CHANGES)


def worst(codes: Iterable[int]) -> int:
    """The exit code that wins (DESIGN §7): 2, 4, 3, 1, 0."""
    present = set(codes)
    return next((code for code in _WORST_FIRST if code in present), NOTHING)


def wants_colour(stream: TextIO | None = None) -> bool:
    """Whether to colour: on a terminal, unless `NO_COLOR` is set (no-color.org); `FORCE_COLOR` for recordings."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return (stream or sys.stdout).isatty()


def paint(text: str, *, colour: str, on: bool, bold: bool = False) -> str:
    """`text` in a terminal colour, where that is wanted."""
    return click.style(text, fg=colour, bold=bold) if on else text


def note(text: str) -> None:
    """Progress and asides: to stderr, so that stdout stays what was asked for."""
    click.echo(text, err=True)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Left-aligned columns, three spaces apart, as kubectl prints them. Empty cells show as `-`."""
    lines = [[str(cell) if cell not in ("", None) else "-" for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(header), *lines]) for i in range(len(header))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [list(header), *lines]
    )


def problem_text(problem: Problem, *, colour: bool = False) -> str:
    """A problem as people read it: place, code, words; evidence; one remedy."""
    if not colour:
        return str(problem)
    where = f"{problem.location}: " if problem.location else ""
    is_warning = problem.severity is Severity.WARNING
    mark = click.style(
        ("warning " if is_warning else "") + problem.code, fg="yellow" if is_warning else "red", bold=True
    )
    lines = [
        f"{click.style(where, bold=True)}{mark} {problem.message}",
        *(f"  {line}" for line in problem.evidence),
    ]
    if problem.remedy:
        lines.append(f"  {click.style('help:', fg='cyan')} {problem.remedy}")
    return "\n".join(lines)


def print_problems(problems: Sequence[Problem], *, stream: TextIO | None = None, limit: int = 200) -> None:
    """Every problem, sorted by place; the rest is counted, never dropped silently."""
    out = stream or sys.stderr
    colour = wants_colour(out)
    ordered = sorted(problems, key=Problem.sort_key)
    for problem in ordered[:limit]:
        click.echo(problem_text(problem, colour=colour), file=out)
    if len(ordered) > limit:
        click.echo(f"… and {len(ordered) - limit} more problems (-o json lists all)", file=out)


def document(kind: str, content: Mapping[str, Any]) -> str:
    """A versioned JSON answer: `apiVersion`, `kind`, then `content`."""
    return json.dumps({"apiVersion": API_VERSION, "kind": kind, **content}, indent=2, default=str)


def edited(
    output: str, words: str, *, written: Iterable[object] = (), removed: Iterable[object] = ()
) -> None:
    """What a verb did to people's files: in words, or as a document."""
    if output == "json":
        paths = {"written": [str(path) for path in written], "removed": [str(path) for path in removed]}
        click.echo(document("Edit", paths))
    else:
        click.echo(words)


def errors_in(problems: Iterable[Problem]) -> int:
    """How many of the problems are errors."""
    return sum(1 for problem in problems if problem.severity is Severity.ERROR)
