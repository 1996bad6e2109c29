"""`STATUS.md`: the fleet on one page, for people who read the status branch on their code host.

First a verdict, then what needs somebody, then everything; what is well is folded away where there is much of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from reconciler.status.rows import (
    applied_text,
    is_fine,
    is_well,
    ready_text,
    state_text,
    trouble_text,
    workload_name,
)

MAX_ROWS: Final = 200
_FOLDED: Final = 15
"""More rows than this that are well are folded."""

Row = Mapping[str, Any]


def status_text(summary: Row, workloads: Sequence[Row]) -> str:
    """Markdown for a code host. `workloads` are the documents as committed."""
    clusters = summary["clusters"]
    unwell = [each for each in clusters if not is_well(each)]
    troubled = [row for row in workloads if not is_fine(row)]
    return "\n".join(
        [
            "# Fleet status",
            "",
            _verdict(summary, unwell, troubled),
            "",
            *_facts(summary, workloads, unwell, troubled),
            *_section("Clusters", _CLUSTERS, clusters, unwell, _cluster_cells),
            *_section("Workloads", _WORKLOADS, workloads, troubled, _workload_cells),
            "",
        ]
    )


def _verdict(summary: Row, unwell: Sequence[Row], troubled: Sequence[Row]) -> str:
    parts = [
        *([f"{_count(len(unwell), 'cluster')} not ready or not up to date"] if unwell else []),
        *([f"{_count(len(troubled), 'workload')} not healthy or still moving"] if troubled else []),
        *([] if summary["complete"] else ["parts of the fleet held at their last good state"]),
    ]
    return f"**{'; '.join(parts)}.**" if parts else "**All is well.**"


def _facts(
    summary: Row, workloads: Sequence[Row], unwell: Sequence[Row], troubled: Sequence[Row]
) -> list[str]:
    clusters = summary["clusters"]
    problems = ", ".join(f"{code} ({count})" for code, count in summary["problems"].items())
    rows = [
        ("clusters well", f"{len(clusters) - len(unwell)} of {len(clusters)}"),
        ("workloads well", f"{len(workloads) - len(troubled)} of {len(workloads)}"),
        ("source", f"`{summary['sourceCommit'][:12]}`"),
        (
            "rendered",
            f"`{summary['renderedCommit'][:12]}`" + ("" if summary["complete"] else " (incomplete)"),
        ),
        *([("problems", problems)] if problems else []),
    ]
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]


_CLUSTERS: Final = ("cluster", "mode", "ready", "delivery", "workloads healthy", "Kubernetes", "message")
_WORKLOADS: Final = ("workload", "applied", "ready", "health", "readiness", "state", "where and why")


def _cluster_cells(row: Row) -> tuple[str, ...]:
    counts = row.get("workloads") or {}
    delivery = row.get("sync", "-") + ("" if row.get("current") or "sync" not in row else ", behind")
    return (
        row["name"],
        row["mode"],
        row["ready"],
        delivery,
        f"{counts.get('healthy', 0)}/{counts.get('total', 0)}",
        row.get("kubernetesVersion", ""),
        row.get("message", ""),
    )


def _workload_cells(row: Row) -> tuple[str, ...]:
    return (
        workload_name(row),
        applied_text(row),
        ready_text(row),
        row["health"],
        row["readiness"],
        state_text(row),
        trouble_text(row),
    )


def _section(
    title: str,
    header: Sequence[str],
    rows: Sequence[Row],
    troubled: Sequence[Row],
    cells: Callable[[Row], Sequence[str]],
) -> list[str]:
    """What needs somebody first; what is well below it, folded where it is long."""
    if not rows:
        return []
    bad = {id(row) for row in troubled}
    well = [row for row in rows if id(row) not in bad]
    if len(well) <= _FOLDED:
        return ["", f"## {title}", "", *_table(header, [*troubled, *well], cells)]
    words = f"{len(well)} more are well" if troubled else f"all {len(well)} are well"
    folded = [f"<details><summary>{words}</summary>", "", *_table(header, well, cells)]
    first = [*_table(header, troubled, cells), ""] if troubled else []
    return ["", f"## {title}", "", *first, *folded, "", "</details>"]


def _table(header: Sequence[str], rows: Sequence[Row], cells: Callable[[Row], Sequence[str]]) -> list[str]:
    """A table without the columns that nobody has something to say in."""
    lines = [[_cell(cell) for cell in cells(row)] for row in rows[:MAX_ROWS]]
    used = [i for i in range(len(header)) if i < 2 or any(line[i] != "-" for line in lines)]
    made = [
        f"| {' | '.join(header[i] for i in used)} |",
        "|" + "---|" * len(used),
        *(f"| {' | '.join(line[i] for i in used)} |" for line in lines),
    ]
    if len(rows) > MAX_ROWS:
        made += ["", f"… and {len(rows) - MAX_ROWS} more: `reconciler status` lists them all."]
    return made


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _cell(text: str) -> str:
    """Text that cannot leave its table cell nor mention anybody: reports are hostile input."""
    escaped = (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace("|", "\\|")
        .replace("`", "'")
        .replace("@", "@\u200b")
    )
    return " ".join(escaped.split())[:300] or "-"
