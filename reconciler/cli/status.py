"""`reconciler status` (`get`): the fleet, a cluster or a workload, as the status branch says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from reconciler.cli.fleetpath import (
    fetch_hint,
    machine_tip,
    output_option,
    path_option,
    prefix_option,
    require_repository,
)
from reconciler.cli.output import document, note, table
from reconciler.errors import SettingsError
from reconciler.git.reader import read_tip
from reconciler.git.trailers import RENDERED_COMMIT
from reconciler.manifests.emit import emit
from reconciler.manifests.load import load
from reconciler.settings import BranchNames
from reconciler.status.document import SUMMARY_PATH, TEXT_PATH

Body = dict[str, Any]


@click.command("status")
@click.argument("what", default="", metavar="[clusters | workloads | CLUSTER | KIND/NAME]")
@path_option
@click.option("-n", "--namespace", default="", help="Only workloads of this namespace.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Workloads of every namespace (the default).")
@click.option(
    "--cluster", "clusters", multiple=True, metavar="GLOB", help="Only these clusters; may be repeated."
)
@click.option("--at", "revision", help="The status as of this commit of the status branch.")
@prefix_option
@output_option("table", "wide", "json", "yaml", "name", "markdown")
def command(what: str, path: Path, **options: Any) -> int:
    """Show the fleet, a cluster or a workload, as last committed to the status branch. No cluster is asked.

    \b
    Example:
      reconciler status
      reconciler status paris
      reconciler get workloads -n shop -o wide
      reconciler status deployment/web -n shop -o yaml
    """
    del options["all_namespaces"]
    files = _files(path, options)
    output: str = options["output"]
    if output == "markdown":
        click.echo(files[TEXT_PATH].decode(), nl=False)
        return 0
    summary = _body(files[SUMMARY_PATH], SUMMARY_PATH)
    clusters = [row for row in summary["clusters"] if _matches(row["name"], options["clusters"])]
    workloads = _workloads(files, options)
    if what in ("", "clusters", "cluster"):
        _print_clusters(summary, clusters, workloads if not what else [], output)
    elif what in ("workloads", "workload"):
        _print_workloads(workloads, output)
    elif "/" in what:
        kind, _, name = what.partition("/")
        found = [row for row in workloads if _is(row, kind, name)]
        if not found:
            raise SettingsError(
                f"the status branch knows no workload {what}; see `reconciler status workloads`"
            )
        _print_one(found, output)
    else:
        found = [row for row in clusters if row["name"] == what]
        if not found:
            raise SettingsError(
                f"the status branch knows no cluster {what}; there are {', '.join(c['name'] for c in clusters) or 'none'}"
            )
        _print_cluster(files, found[0], workloads, output)
    return 0


def _files(path: Path, options: Mapping[str, Any]) -> Mapping[str, bytes]:
    repository = require_repository(path)
    branch = BranchNames(prefix=options["branch_prefix"]).status
    tip = machine_tip(repository, branch)
    if options["revision"]:
        from reconciler.git.checkout import resolve  # noqa: PLC0415

        tip = resolve(repository.handle, options["revision"])
    if not tip:
        raise SettingsError(f"this clone has no status branch: {fetch_hint(branch)}")
    found = read_tip(repository, tip, required=(RENDERED_COMMIT,))
    if found is None or SUMMARY_PATH not in found.files:
        raise SettingsError(f"{tip[:12]} is not a status commit")
    return found.files


def _print_clusters(summary: Body, clusters: list[Body], workloads: list[Body], output: str) -> None:
    if output == "json":
        click.echo(
            document(
                "FleetStatus",
                {
                    **{k: v for k, v in summary.items() if k not in ("apiVersion", "kind")},
                    "clusters": clusters,
                },
            )
        )
    elif output == "yaml":
        click.echo(emit({**summary, "clusters": clusters}).decode(), nl=False)
    elif output == "name":
        click.echo("\n".join(f"cluster/{row['name']}" for row in clusters))
    else:
        wide = output == "wide"
        header = ["CLUSTER", "MODE", "READY", "SYNC", "CURRENT"] + (["APPLIED", "MESSAGE"] if wide else [])
        rows = []
        for row in clusters:
            cells = [
                row["name"],
                row["mode"],
                row["ready"],
                row.get("sync", ""),
                "yes" if row.get("current") else "no",
            ]
            rows.append(cells + ([row.get("appliedCommit", "")[:12], row.get("message", "")] if wide else []))
        click.echo(table(header, rows))
        if workloads:
            click.echo()
            _print_workloads(
                [row for row in workloads if not _is_fine(row)] or [],
                output,
                empty="every workload is healthy",
            )
        note(
            f"source {summary['sourceCommit'][:12]}, rendered {summary['renderedCommit'][:12]}"
            + ("" if summary["complete"] else ", incomplete")
        )


def _print_workloads(rows: list[Body], output: str, *, empty: str = "no workloads") -> None:
    if output == "json":
        click.echo(document("WorkloadStatusList", {"items": rows}))
    elif output == "yaml":
        click.echo("---\n".join(emit(row).decode() for row in rows), nl=False)
    elif output == "name":
        click.echo("\n".join(f"{row['resource']['kind'].lower()}/{row['resource']['name']}" for row in rows))
    elif not rows:
        click.echo(empty)
    else:
        header = ["NAMESPACE", "WORKLOAD", "CLUSTERS", "HEALTH", "READINESS"] + (
            ["NOT HEALTHY ON"] if output == "wide" else []
        )
        click.echo(table(header, [_workload_cells(row, wide=output == "wide") for row in rows]))


def _workload_cells(row: Body, *, wide: bool) -> list[object]:
    resource = row["resource"]
    bad = [i["clusterName"] for i in row.get("aggregatedStatus") or [] if i.get("health") != "Healthy"]
    cells: list[object] = [
        resource.get("namespace", ""),
        f"{resource['kind']}/{resource['name']}",
        len(row.get("clusters") or []),
        row["health"],
        row["readiness"],
    ]
    return [*cells, ", ".join(bad)] if wide else cells


def _print_one(rows: list[Body], output: str) -> None:
    if output in ("json", "yaml", "name"):
        _print_workloads(rows, output)
        return
    for row in rows:
        replicas = {each["name"]: each.get("replicas", "") for each in row.get("clusters") or []}
        click.echo(
            f"{row['resource']['kind']} {row['resource'].get('namespace', '')}/{row['resource']['name']}: {row['health']}, {row['readiness']}"
        )
        cells = [
            [
                i["clusterName"],
                replicas.get(i["clusterName"], ""),
                "yes" if i.get("applied") else "no",
                i["health"],
                i["readiness"],
                i.get("appliedMessage", ""),
            ]
            for i in row.get("aggregatedStatus") or []
        ]
        click.echo(table(["CLUSTER", "REPLICAS", "APPLIED", "HEALTH", "READINESS", "MESSAGE"], cells))
        for condition in row.get("conditions") or []:
            note(
                f"{condition['type']}={condition['status']} since {condition['lastTransitionTime']} {condition.get('message', '')}".rstrip()
            )


def _print_cluster(files: Mapping[str, bytes], row: Body, workloads: list[Body], output: str) -> None:
    path = f"clusters/{row['name']}.yaml"
    report = _body(files[path], path) if path in files else {}
    here = [each for each in workloads if any(c["name"] == row["name"] for c in each.get("clusters") or [])]
    if output in ("json", "yaml"):
        body = {**report, "summary": row}
        click.echo(
            json.dumps(body, indent=2) if output == "json" else emit(body).decode(), nl=output == "json"
        )
        return
    if output == "name":
        click.echo(f"cluster/{row['name']}")
        return
    status = report.get("status") or {}
    nodes = status.get("nodeSummary") or {}
    click.echo(
        f"{row['name']}: {row['mode']}, ready {row['ready']}, {row.get('sync', 'not delivered to')}, Kubernetes {status.get('kubernetesVersion', '?')}"
    )
    click.echo(
        f"nodes {nodes.get('readyNum', 0)}/{nodes.get('totalNum', 0)} ready; applied {row.get('appliedCommit', '-')[:12]}"
    )
    if row.get("message"):
        click.echo(row["message"])
    summary = status.get("resourceSummary") or {}
    resources = sorted(summary.get("allocatable") or {})
    if resources:
        used, waiting = summary.get("allocated") or {}, summary.get("allocating") or {}
        click.echo(
            table(
                ["RESOURCE", "ALLOCATABLE", "ALLOCATED", "ALLOCATING"],
                [
                    [name, summary["allocatable"][name], used.get(name, "0"), waiting.get(name, "0")]
                    for name in resources
                ],
            )
        )
    click.echo()
    _print_workloads(here, output)


def _workloads(files: Mapping[str, bytes], options: Mapping[str, Any]) -> list[Body]:
    found = []
    for path in files:
        if not path.startswith("workloads/"):
            continue
        body = _body(files[path], path)
        if options["namespace"] and body["resource"].get("namespace") != options["namespace"]:
            continue
        if options["clusters"] and not any(
            _matches(c["name"], options["clusters"]) for c in body.get("clusters") or []
        ):
            continue
        found.append(body)
    return sorted(
        found,
        key=lambda row: (
            row["resource"].get("namespace", ""),
            row["resource"]["kind"],
            row["resource"]["name"],
        ),
    )


def _is(row: Body, kind: str, name: str) -> bool:
    """`deployment/web`, `Deployment/web`, `deployment.apps/web`, as kubectl takes them."""
    resource = row["resource"]
    group = resource["apiVersion"].rpartition("/")[0]
    wanted = kind.lower()
    own = resource["kind"].lower()
    return resource["name"] == name and wanted in (own, f"{own}s", f"{own}.{group}", f"{own}s.{group}")


def _is_fine(row: Body) -> bool:
    return bool(row["health"] == "Healthy" and row["readiness"] == "Current")


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    return not globs or any(fnmatchcase(name, glob) for glob in globs)


def _body(data: bytes, path: str) -> Body:
    documents = load(data, path).documents
    if not documents:
        raise SettingsError(f"{path} of the status branch cannot be read")
    return documents[0].body
