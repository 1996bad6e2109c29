"""`reconciler status … --history`: the states of one cluster or workload, read back from the status branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import click

from reconciler.cli.output import document, table
from reconciler.cli.statustables import markdown, plain, shown, titles
from reconciler.git.pathhistory import FileChange, changes_of
from reconciler.git.repository import Repository
from reconciler.git.trailers import SOURCE_COMMIT
from reconciler.manifests.emit import emit
from reconciler.manifests.load import load
from reconciler.model.manifest import Body
from reconciler.model.time import format_time
from reconciler.status.rows import applied_text, ready_text, state_text, trouble_text

_COMMIT = 12


def print_history(
    repository: Repository, tip: str, path: str, count: int, output: str, show: Sequence[str] = ()
) -> None:
    """The last `count` states of the document at `path`, newest first. `show`: fields of it, each a column more."""
    states = [
        _state(change, path) for change in islice(changes_of(repository, tip, path), count) if change.data
    ]
    if output == "json":
        click.echo(document("StatusHistory", {"path": path, "items": states}))
    elif output == "yaml":
        click.echo("---\n".join(emit(state).decode() for state in states), nl=False)
    elif output == "name":
        click.echo("\n".join(state["commit"] for state in states))
    else:
        header, rows = (
            _clusters(states) if path.startswith("clusters/") else _workloads(states, wide=output == "wide")
        )
        header = [*header, *titles(show)]
        rows = [[*row, *shown(state["document"], show)] for row, state in zip(rows, states, strict=True)]
        if output == "markdown":
            click.echo(f"| {' | '.join(header)} |\n|" + "---|" * len(header))
            click.echo("\n".join(f"| {' | '.join(map(markdown, row))} |" for row in rows))
        else:
            click.echo(table(header, [[plain(cell) for cell in row] for row in rows]))


def _state(change: FileChange, path: str) -> Body:
    documents = load(change.data or b"", path).documents
    return {
        "commit": change.commit.oid,
        "time": format_time(change.commit.committer_time),
        "sourceCommit": change.commit.trailers.get(SOURCE_COMMIT, ""),
        "document": documents[0].body if documents else {},
    }


def _workloads(states: list[Body], *, wide: bool) -> tuple[list[str], list[list[object]]]:
    header = ["TIME", "STATUS COMMIT", "SOURCE", "APPLIED", "READY", "HEALTH", "READINESS", "STATE"]
    rows = []
    for state in states:
        row: Mapping[str, Any] = state["document"]
        cells = [
            *_when(state),
            applied_text(row),
            ready_text(row),
            row.get("health", ""),
            row.get("readiness", ""),
            state_text(row),
        ]
        rows.append([*cells, trouble_text(row)] if wide else cells)
    return ([*header, "WHERE AND WHY"] if wide else header), rows


def _clusters(states: list[Body]) -> tuple[list[str], list[list[object]]]:
    rows: list[list[object]] = []
    for state in states:
        body: Mapping[str, Any] = state["document"]
        conditions = (body.get("status") or {}).get("conditions") or []
        ready = next((each.get("status") for each in conditions if each.get("type") == "Ready"), "Unknown")
        sync = body.get("sync") or {}
        rows.append(
            [
                *_when(state),
                ready,
                sync.get("reason", ""),
                body.get("appliedCommit", "")[:_COMMIT],
                sync.get("message", ""),
            ]
        )
    return ["TIME", "STATUS COMMIT", "SOURCE", "READY", "SYNC", "APPLIED", "MESSAGE"], rows


def _when(state: Mapping[str, Any]) -> list[object]:
    return [state["time"], state["commit"][:_COMMIT], state["sourceCommit"][:_COMMIT]]
