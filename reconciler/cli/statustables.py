"""How `status` prints clusters and workloads: tables as kubectl's, or the documents as they stand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from reconciler.cli.output import document, note, table
from reconciler.manifests.emit import emit
from reconciler.model.manifest import Body
from reconciler.status.rows import (
    applied_text,
    is_fine,
    item_state,
    ready_text,
    replicas_text,
    state_text,
    trouble_text,
)

_COMMIT = 12


def print_fleet(summary: Body, clusters: list[Body], workloads: list[Body], output: str) -> None:
    """Everything at a glance: all clusters, and the workloads that need somebody."""
    if output == "json":
        content = {key: value for key, value in summary.items() if key not in ("apiVersion", "kind")}
        click.echo(document("FleetStatus", {**content, "clusters": clusters}))
    elif output == "yaml":
        click.echo(emit({**summary, "clusters": clusters}).decode(), nl=False)
    elif output == "name":
        print_clusters(clusters, output)
    else:
        print_clusters(clusters, output)
        troubled = [row for row in workloads if not is_fine(row)]
        click.echo()
        if troubled:
            print_workloads(troubled, output)
        elif workloads:
            click.echo(f"{len(workloads)} workloads, all healthy")
        else:
            click.echo("no workloads")
        note(
            f"source {summary['sourceCommit'][:_COMMIT]}, rendered {summary['renderedCommit'][:_COMMIT]}"
            + ("" if summary["complete"] else ", incomplete: parts are held at their last good state")
        )


def print_clusters(rows: list[Body], output: str) -> None:
    """The rows of the summary."""
    if output == "json":
        click.echo(document("ClusterStatusList", {"items": rows}))
    elif output == "yaml":
        click.echo("---\n".join(emit(row).decode() for row in rows), nl=False)
    elif output == "name":
        _echo_lines(f"cluster/{row['name']}" for row in rows)
    elif not rows:
        click.echo("no clusters")
    else:
        header = ["CLUSTER", "MODE", "READY", "SYNC", "CURRENT", "HEALTHY", "VERSION"]
        wide = ["REGION", "APPLIED", "MESSAGE"]
        _print_table(output, header, wide, [_cluster_cells(row) for row in rows])


def print_workloads(rows: list[Body], output: str, show: Sequence[str] = ()) -> None:
    """A list of workloads. `show`: fields of the documents, each a column more."""
    if output == "json":
        click.echo(document("WorkloadStatusList", {"items": rows}))
    elif output == "yaml":
        click.echo("---\n".join(emit(row).decode() for row in rows), nl=False)
    elif output == "name":
        _echo_lines(_qualified(row) for row in rows)
    elif not rows:
        click.echo("no workloads")
    else:
        header = ["NAMESPACE", "WORKLOAD", "APPLIED", "READY", "HEALTH", "READINESS", "STATE"]
        wide = ["RENDERED", "WHERE AND WHY"]
        cells = [_workload_cells(row) for row in rows]
        if show:
            more = [shown(row, show) for row in rows]
            cells = [
                [*row[: len(header)], *added, *row[len(header) :]]
                for row, added in zip(cells, more, strict=True)
            ]
        _print_table(output, header + titles(show), wide, cells)


def print_workload(row: Body, output: str) -> None:
    """One workload, cluster by cluster."""
    if output in ("json", "yaml"):
        click.echo(json.dumps(row, indent=2) if output == "json" else emit(row).decode(), nl=output == "json")
        return
    if output == "name":
        print_workloads([row], output)
        return
    resource = row["resource"]
    where = f"{resource['namespace']}/" if resource.get("namespace") else ""
    rendered = (row.get("rendered") or {}).get("commit", "")
    click.echo(
        f"{resource['kind']} {where}{resource['name']}: {row['health']}, {row['readiness']}"
        + (f"; rendered at {rendered[:_COMMIT]}" if rendered else "")
    )
    click.echo()
    items = {item["clusterName"]: item for item in row.get("aggregatedStatus") or []}
    header = ["CLUSTER", "REPLICAS", "READY", "APPLIED", "HEALTH", "READINESS", "STATE", "MESSAGE"]
    cells = [_item_cells(target, items.get(target["name"])) for target in row.get("clusters") or []]
    _print_table(output, header, [], cells)
    conditions = row.get("conditions") or []
    if conditions:
        click.echo()
        _print_conditions(conditions, output)


def print_cluster(report: Body, row: Body, workloads: list[Body], output: str) -> None:
    """One cluster: its facts, its conditions, and what is placed on it."""
    if output in ("json", "yaml"):
        body = {**report, "summary": row}
        click.echo(
            json.dumps(body, indent=2) if output == "json" else emit(body).decode(), nl=output == "json"
        )
        return
    if output == "name":
        print_clusters([row], output)
        return
    status = report.get("status") or {}
    nodes = status.get("nodeSummary") or {}
    applied = row.get("appliedCommit", "")[:_COMMIT]
    click.echo(
        f"{row['name']}: {row['mode']}, ready {row['ready']}, {row.get('sync', 'not reported yet')}"
        f", Kubernetes {status.get('kubernetesVersion', 'unknown')}"
    )
    click.echo(
        f"nodes {nodes.get('readyNum', 0)}/{nodes.get('totalNum', 0)} ready"
        + (f"; applied {applied}" if applied else "; nothing applied in full yet")
    )
    if row.get("message"):
        click.echo(row["message"])
    conditions = (status.get("conditions") or []) + (report.get("conditions") or [])
    if conditions:
        click.echo()
        _print_conditions(conditions, output)
    _print_resources(status.get("resourceSummary") or {}, output)
    click.echo()
    print_workloads(workloads, output)


def _print_resources(summary: Mapping[str, Any], output: str) -> None:
    allocatable = summary.get("allocatable") or {}
    if not allocatable:
        return
    used, waiting = summary.get("allocated") or {}, summary.get("allocating") or {}
    click.echo()
    rows = [
        [name, allocatable[name], used.get(name, "0"), waiting.get(name, "0")] for name in sorted(allocatable)
    ]
    _print_table(output, ["RESOURCE", "ALLOCATABLE", "ALLOCATED", "ALLOCATING"], [], rows)


def _print_conditions(conditions: Sequence[Mapping[str, Any]], output: str) -> None:
    rows = [
        [
            each.get("type", ""),
            each.get("status", ""),
            each.get("reason", ""),
            each.get("lastTransitionTime", ""),
            each.get("message", ""),
        ]
        for each in conditions
    ]
    _print_table(output, ["CONDITION", "STATUS", "REASON", "SINCE", "MESSAGE"], [], rows)


def _cluster_cells(row: Mapping[str, Any]) -> list[object]:
    counts = row.get("workloads") or {}
    return [
        row["name"],
        row["mode"],
        row["ready"],
        row.get("sync", ""),
        "yes" if row.get("current") else "no",
        f"{counts.get('healthy', 0)}/{counts.get('total', 0)}" if counts else "",
        row.get("kubernetesVersion", ""),
        row.get("region", ""),
        row.get("appliedCommit", "")[:_COMMIT],
        row.get("message", ""),
    ]


def _workload_cells(row: Mapping[str, Any]) -> list[object]:
    resource = row["resource"]
    return [
        resource.get("namespace", ""),
        f"{resource['kind']}/{resource['name']}",
        applied_text(row),
        ready_text(row),
        row["health"],
        row["readiness"],
        state_text(row),
        (row.get("rendered") or {}).get("commit", "")[:_COMMIT],
        trouble_text(row),
    ]


def _item_cells(target: Mapping[str, Any], item: Mapping[str, Any] | None) -> list[object]:
    if item is None:
        return [target["name"], replicas_text(target), "", "", "Unknown", "Unknown", "", "not reported"]
    alone = {"clusters": [target], "status": item.get("status")}
    return [
        target["name"],
        replicas_text(target),
        ready_text(alone),
        item.get("appliedCommit", "")[:_COMMIT] if item.get("applied") else "no",
        item["health"],
        item["readiness"],
        item_state(item),
        item.get("appliedMessage") or item.get("message") or "",
    ]


def _qualified(row: Mapping[str, Any]) -> str:
    """`deployment.apps/web`, as kubectl writes it."""
    resource = row["resource"]
    group = resource["apiVersion"].rpartition("/")[0]
    kind = resource["kind"].lower()
    return f"{kind}.{group}/{resource['name']}" if group else f"{kind}/{resource['name']}"


def _print_table(
    output: str, header: Sequence[str], wide: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    shown = [*header, *wide] if output == "wide" else list(header)
    cells = [row[: len(shown)] for row in rows]
    if output != "markdown":
        click.echo(table(shown, [[plain(cell) for cell in row] for row in cells]))
        return
    click.echo(f"| {' | '.join(shown)} |")
    click.echo("|" + "---|" * len(shown))
    for row in cells:
        click.echo(f"| {' | '.join(markdown(cell) for cell in row)} |")


def titles(paths: Sequence[str]) -> list[str]:
    """The headings of the columns that were asked for: the last word of each path."""
    return [path.rpartition(".")[2].upper() for path in paths]


def shown(body: Mapping[str, Any], paths: Sequence[str]) -> list[object]:
    """The fields at these paths; empty where there is none."""
    return [_field(body, path.lstrip(".").split(".")) for path in paths]


def _field(value: Any, steps: Sequence[str]) -> object:
    for step in steps:
        value = value.get(step) if isinstance(value, Mapping) else None
    if value is None:
        return ""
    return json.dumps(value, separators=(",", ":")) if isinstance(value, dict | list | bool) else str(value)


def plain(cell: object) -> str:
    """A cell for a terminal: what a report says cannot move the cursor."""
    return "".join(character if character.isprintable() else " " for character in str(cell))


def markdown(cell: object) -> str:
    """A cell for a code host: what a report says cannot leave it, nor mention anybody."""
    return " ".join(str(cell).replace("|", "\\|").replace("<", "&lt;").replace("@", "@\u200b").split()) or "-"


def _echo_lines(lines: Any) -> None:
    text = "\n".join(lines)
    if text:
        click.echo(text)
