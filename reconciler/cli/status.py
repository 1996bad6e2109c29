"""`reconciler status` (`get`): the fleet, clusters or workloads, as the status branch says; now or over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import click

from reconciler.cli.fleetpath import (
    fetch_hint,
    machine_tip,
    output_option,
    path_option,
    prefix_option,
    require_repository,
)
from reconciler.cli.kindnames import names_kind
from reconciler.cli.statushistory import print_history
from reconciler.cli.statustables import (
    print_cluster,
    print_clusters,
    print_fleet,
    print_workload,
    print_workloads,
)
from reconciler.errors import SettingsError
from reconciler.git.reader import read_tip
from reconciler.git.repository import Repository
from reconciler.git.trailers import RENDERED_COMMIT
from reconciler.manifests.load import load
from reconciler.model.identity import group_of
from reconciler.model.manifest import Body
from reconciler.selectors.labels import LabelTest, label_test
from reconciler.selectors.text import parse_selector
from reconciler.settings import BranchNames
from reconciler.status.document import SUMMARY_PATH, TEXT_PATH, cluster_path, decode_resource, workload_path
from reconciler.status.rows import placed_on, row_on

_CLUSTER_WORDS: Final = ("clusters", "cluster")
_ALL_WORDS: Final = ("workloads", "workload", "all")


@click.command("status")
@click.argument("what", nargs=-1, metavar="[clusters | workloads | CLUSTER | KIND [NAME…] | KIND/NAME…]")
@path_option
@click.option("-n", "--namespace", default="", help="Only workloads of this namespace.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Workloads of every namespace (the default).")
@click.option(
    "-l",
    "--selector",
    default="",
    metavar="LABELS",
    help="Only workloads (or clusters, where those are listed) with these labels: app=web,tier in (a,b),!canary.",
)
@click.option(
    "--cluster", "clusters", multiple=True, metavar="GLOB", help="Only these clusters; may be repeated."
)
@click.option("--at", "revision", help="The status as of this commit of the status branch.")
@click.option(
    "--history",
    type=click.IntRange(min=1),
    is_flag=False,
    flag_value=20,
    metavar="[N]",
    help="How a workload or a cluster changed: its last N states (20), newest first.",
)
@click.option(
    "--show",
    multiple=True,
    metavar="PATH",
    help="A column more in tables of workloads and in their history: status.scoreInfo.score; may be repeated.",
)
@prefix_option
@output_option("table", "wide", "json", "yaml", "name", "markdown")
def command(what: tuple[str, ...], path: Path, **options: Any) -> int:
    """Show the fleet, clusters or workloads, as last committed to the status branch. No cluster is asked.

    \b
    Example:
      reconciler status
      reconciler status paris
      reconciler get clusters -l tier=edge -o wide
      reconciler get deployments -n shop --cluster 'eu-*'
      reconciler status deployment/web -n shop -o yaml
      reconciler status backup/nightly --history
    """
    if options["namespace"] and options["all_namespaces"]:
        raise SettingsError("-n and -A exclude each other")
    repository = require_repository(path)
    tip = _tip(repository, options)
    files = _files(repository, tip)
    view = _View(files, options)
    output: str = options["output"]
    if options["history"]:
        print_history(repository, tip, view.one_path(what), options["history"], output, options["show"])
    elif not what:
        if output == "markdown" and not view.is_filtered:
            click.echo(files[TEXT_PATH].decode(), nl=False)
        else:
            print_fleet(view.summary, view.clusters(()), view.workloads(), output)
    elif what[0] in _CLUSTER_WORDS:
        print_clusters(view.clusters(what[1:]), output)
    elif (cluster := view.cluster_named(what)) is not None:
        print_cluster(view.report(cluster["name"]), cluster, view.workloads(on=cluster["name"]), output)
    elif (found := view.objects(what)) is not None:
        for row in found:
            print_workload(row, output)
    else:
        print_workloads(view.of_kind(what), output, options["show"])
    return 0


class _View:
    """The documents of one status commit, as far as the filters let them through."""

    def __init__(self, files: Mapping[str, bytes], options: Mapping[str, Any]) -> None:
        self._files = files
        self._namespace: str = options["namespace"]
        self._globs: tuple[str, ...] = options["clusters"]
        self._labels = _label_test(options["selector"])
        self.is_filtered = bool(self._namespace or self._globs or options["selector"])
        self.summary = _body(files[SUMMARY_PATH], SUMMARY_PATH)
        self._all: list[Body] = self.summary["clusters"]

    def clusters(self, names: Sequence[str]) -> list[Body]:
        """The rows of the summary: of these clusters, or of all; `-l` is asked of them only where they are listed alone."""
        _require(names, [row["name"] for row in self._all], "cluster")
        return [
            row
            for row in self._all
            if self._is_asked(row["name"])
            and (not names or row["name"] in names)
            and self._labels(row.get("labels") or {})
        ]

    def cluster_named(self, what: Sequence[str]) -> Body | None:
        """The one cluster that the words name, if they do: `paris`, `cluster/paris`."""
        if len(what) != 1:
            return None
        name = what[0].removeprefix("cluster/").removeprefix("clusters/")
        found = next((row for row in self._all if row["name"] == name), None)
        if found is None and name != what[0]:
            raise _unknown("cluster", name, [row["name"] for row in self._all])
        return found

    def report(self, name: str) -> Body:
        """The document of a cluster; empty while it has not reported."""
        path = cluster_path(name)
        return _body(self._files[path], path) if path in self._files else {}

    def workloads(self, on: str = "") -> list[Body]:
        """Every workload that the filters let through; `on`: as it is on that cluster."""
        asked = frozenset({on} if on else (row["name"] for row in self._all if self._is_asked(row["name"])))
        found = []
        for path in self._files:
            if not path.startswith("workloads/"):
                continue
            row = _body(self._files[path], path)
            if self._namespace and row["resource"].get("namespace") != self._namespace:
                continue
            if not self._labels(row["metadata"].get("labels") or {}):
                continue
            if on or self._globs:
                if asked.isdisjoint(placed_on(row)):
                    continue
                row = row_on(row, asked)
            found.append(row)
        return sorted(found, key=_order)

    def objects(self, what: Sequence[str]) -> list[Body] | None:
        """The workloads that `KIND/NAME` words (or `KIND NAME`) name, each at least once; None where it is a list of a kind."""
        pairs = [word.partition("/")[::2] for word in what]
        if not any(name for _, name in pairs):
            if len(what) == 1 or what[0] in _ALL_WORDS:
                return None
            pairs = [(what[0], name) for name in what[1:]]
        rows = self.workloads()
        found: list[Body] = []
        for kind, name in pairs:
            named = [row for row in rows if row["resource"]["name"] == name and _is_kind(row, kind)]
            if not named:
                near = _near(f"{kind}/{name}".lower(), [_called(row) for row in rows])
                raise SettingsError(
                    f"the status branch knows no workload {kind}/{name}"
                    f"{' here' if self.is_filtered else ''}{near or '; see `reconciler status workloads`'}"
                )
            found += named
        return found

    def of_kind(self, what: Sequence[str]) -> list[Body]:
        """All workloads, or those of one kind."""
        rows = self.workloads()
        if what[0] in _ALL_WORDS:
            _require(what[1:], [row["resource"]["name"] for row in rows], "workload")
            return [row for row in rows if not what[1:] or row["resource"]["name"] in what[1:]]
        found = [row for row in rows if _is_kind(row, what[0])]
        if not found and not self.is_filtered:
            kinds = sorted({str(row["resource"]["kind"]).lower() for row in rows})
            named = sorted({_called(row) for row in rows if row["resource"]["name"] == what[0]})
            if named:
                raise SettingsError(
                    f"{what[0]} is no cluster and no kind; did you mean {' or '.join(named[:3])}?"
                )
            raise _unknown("cluster or kind", what[0], [row["name"] for row in self._all] + kinds)
        return found

    def one_path(self, what: Sequence[str]) -> str:
        """The file of the one cluster or workload whose history is asked for."""
        if what and (cluster := self.cluster_named(what)) is not None:
            return cluster_path(cluster["name"])
        found = self.objects(what) if what else None
        if found is None or len(found) != 1:
            many = f"; {len(found)} have that name: use -n" if found else ""
            raise SettingsError(f"--history needs one CLUSTER or one KIND/NAME{many}")
        return workload_path(decode_resource(found[0]["resource"]))

    def _is_asked(self, name: str) -> bool:
        return not self._globs or any(fnmatchcase(name, glob) for glob in self._globs)


def _tip(repository: Repository, options: Mapping[str, Any]) -> str:
    if options["revision"]:
        from reconciler.git.checkout import resolve  # noqa: PLC0415

        return resolve(repository.handle, options["revision"])
    branch = BranchNames(prefix=options["branch_prefix"]).status
    tip = machine_tip(repository, branch)
    if not tip:
        raise SettingsError(f"this clone has no status branch: {fetch_hint(branch, repository)}")
    return tip


def _files(repository: Repository, tip: str) -> Mapping[str, bytes]:
    found = read_tip(repository, tip, required=(RENDERED_COMMIT,))
    if found is None or SUMMARY_PATH not in found.files:
        raise SettingsError(f"{tip[:12]} is not a status commit")
    return found.files


def _label_test(text: str) -> LabelTest:
    try:
        return label_test(parse_selector(text))
    except ValueError as error:
        raise SettingsError(str(error)) from error


def _is_kind(row: Mapping[str, Any], word: str) -> bool:
    resource = row["resource"]
    return names_kind(word, resource["kind"], group_of(resource["apiVersion"]))


def _order(row: Mapping[str, Any]) -> tuple[str, str, str]:
    resource = row["resource"]
    return resource.get("namespace", ""), resource["kind"], resource["name"]


def _require(names: Sequence[str], known: Sequence[str], what: str) -> None:
    for name in names:
        if name not in known:
            raise _unknown(what, name, known)


def _unknown(what: str, name: str, known: Sequence[str]) -> SettingsError:
    shown = ", ".join(known[:20]) + (f" and {len(known) - 20} more" if len(known) > 20 else "")
    near = _near(name, known)
    return SettingsError(f"the status branch knows no {what} {name}{near or ';'} there are {shown or 'none'}")


def _near(name: str, known: Sequence[str]) -> str:
    found = get_close_matches(name, known, n=1)
    return f"; did you mean {found[0]}?" if found else ""


def _called(row: Mapping[str, Any]) -> str:
    """`deployment/web`."""
    return f"{str(row['resource']['kind']).lower()}/{row['resource']['name']}"


def _body(data: bytes, path: str) -> Body:
    documents = load(data, path).documents
    if not documents:
        raise SettingsError(f"{path} of the status branch cannot be read")
    return documents[0].body
