"""`STATUS.md`: the fleet on one page, for people who read the status branch on their code host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

MAX_ROWS: Final = 200


def status_text(summary: Mapping[str, Any], workloads: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: a verdict, a table of clusters, and the workloads that need somebody."""
    clusters = summary["clusters"]
    ready = sum(1 for cluster in clusters if cluster["ready"] == "True")
    current = sum(1 for cluster in clusters if cluster.get("current"))
    troubled = [
        row for row in workloads if row.get("health") != "Healthy" or row.get("readiness") != "Current"
    ]
    lines = [
        "# Fleet status",
        "",
        (
            f"{ready} of {len(clusters)} clusters ready, {current} at the newest render, "
            f"{len(workloads) - len(troubled)} of {len(workloads)} workloads healthy."
        ),
        "",
        f"Source `{summary['sourceCommit'][:12]}`, rendered `{summary['renderedCommit'][:12]}`"
        + ("" if summary["complete"] else ", **incomplete: parts are held at their last good state**")
        + ".",
        "",
        "| cluster | mode | ready | applied | state |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {_cell(cluster['name'])} | {cluster['mode']} | {cluster['ready']} "
        f"| {cluster.get('appliedCommit', '-')[:12]} | {_cell(cluster.get('sync', '-'))} |"
        for cluster in clusters[:MAX_ROWS]
    ]
    if len(clusters) > MAX_ROWS:
        lines.append(f"| … {len(clusters) - MAX_ROWS} more in `summary.yaml` | | | | |")
    if troubled:
        lines += [
            "",
            "## Not healthy",
            "",
            "| workload | health | readiness | clusters |",
            "|---|---|---|---|",
        ]
        lines += [_workload_row(row) for row in troubled[:MAX_ROWS]]
        if len(troubled) > MAX_ROWS:
            lines.append(f"| … {len(troubled) - MAX_ROWS} more below `workloads/` | | | |")
    return "\n".join(lines) + "\n"


def _workload_row(row: Mapping[str, Any]) -> str:
    resource = row["resource"]
    name = f"{resource['namespace']}/{resource['name']}" if resource.get("namespace") else resource["name"]
    bad = [
        f"{item['clusterName']} ({item['readiness']})"
        for item in row.get("aggregatedStatus") or []
        if item.get("health") != "Healthy" or item.get("readiness") != "Current"
    ]
    return f"| {_cell(resource['kind'])} {_cell(name)} | {row['health']} | {row['readiness']} | {_cell(', '.join(bad[:5]) or '-')} |"


def _cell(text: str) -> str:
    """Text that cannot leave its table cell nor mention anybody: reports are hostile input."""
    escaped = (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace("|", "\\|")
        .replace("`", "'")
        .replace("@", "@\u200b")
    )
    return " ".join(escaped.split())[:300]
