"""`reconciler approve`: writes an Approval for the deletions that a guard stopped, to be reviewed like any change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from reconciler.cli.fleetpath import (
    decide_at,
    output_option,
    path_argument,
    plugins_option,
    prefix_option,
    require_repository,
)
from reconciler.cli.output import edited, note
from reconciler.cli.runoptions import guard_options
from reconciler.errors import SettingsError
from reconciler.fleet.config import duration_seconds, encode_approval
from reconciler.fleet.names import DNS_SUBDOMAIN, is_dns_subdomain
from reconciler.loop.plugins import load_profiles
from reconciler.loop.publish import judge
from reconciler.manifests.emit import emit
from reconciler.model.config import Approval
from reconciler.model.identity import ObjectId
from reconciler.settings import BranchNames, Settings

Asked = dict[str, tuple[ObjectId, ...]]


@click.command("approve")
@path_argument
@click.option(
    "--cluster",
    "clusters",
    multiple=True,
    metavar="GLOB",
    help="Approve for these clusters alone; may be repeated.",
)
@click.option(
    "--expires",
    default="24h",
    show_default=True,
    help="How long the approval lasts: 30m, 24h, or a time (RFC 3339).",
)
@click.option("--reason", default="", help="Why, for the reviewer.")
@click.option("--name", default="", help="Its name (default: made from the moment).")
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take what a plan's guards ask for: the output of `apply --dry-run -o json`.",
)
@click.option("--dry-run", is_flag=True, help="Print the document instead of writing it.")
@guard_options
@plugins_option
@prefix_option
@output_option("text", "json")
def command(path: Path, **options: Any) -> int:
    """Write an Approval for the deletions that a guard stops, into approvals/ of the fleet repository.

    What is asked for comes from comparing the work tree with what was last allowed to be pruned. Commit the file: an approval is
    reviewed like any change, is valid for any subset of what it lists, and expires.

    \b
    Example:
      reconciler approve --reason "the old shop goes"
      reconciler approve --plan plan.json --cluster edge-1
    """
    from reconciler.wiring import now as clock  # noqa: PLC0415

    now = clock()
    asked = (
        asked_by_plan(options["plan_file"].read_text())
        if options["plan_file"]
        else asked_by_trees(path, options)
    )
    clusters: tuple[str, ...] = options["clusters"]
    if clusters:
        asked = {
            each: ids
            for each, ids in asked.items()
            if not each or any(fnmatchcase(each, g) for g in clusters)
        }
    if not any(asked.values()):
        note("no guard stops a deletion: there is nothing to approve")
        if options["output"] == "json":
            edited("json", "")
        return 0
    name = options["name"] or f"delete-{now.strftime('%Y%m%d-%H%M%S')}"
    if not is_dns_subdomain(name):
        raise SettingsError(f"{name!r} is no name of an approval: {DNS_SUBDOMAIN}")
    approvals = approvals_of(
        asked, name=name, expires=expiry(options["expires"], now), reason=options["reason"]
    )
    text = b"---\n".join(emit(encode_approval(approval)) for approval in approvals)
    for each, ids in sorted(asked.items()):
        for id_ in ids:
            note(f"{each or 'fleet'}: {id_}")
    if options["dry_run"]:
        click.echo(text.decode(), nl=False)
        return 0
    file = path / "approvals" / f"{name}.yaml"
    if file.exists():
        raise SettingsError(f"{file} exists: choose another --name")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text)
    edited(options["output"], f"wrote {file}; commit it, and let it be reviewed", written=[file])
    return 0


def asked_by_trees(path: Path, options: dict[str, Any]) -> Asked:
    """What the guards ask for when the work tree is rendered upon what was last allowed to be pruned."""
    from reconciler.wiring import with_guards  # noqa: PLC0415

    repository = require_repository(path)
    settings = with_guards(Settings(), options["max_deletions"], options["max_deletion_percent"])
    decision = decide_at(
        path,
        None,
        BranchNames(prefix=options["branch_prefix"]),
        profiles=load_profiles(options["plugins"]),
    )
    verdict, _ = judge(repository, decision, settings.guards)
    return verdict.asked


def approvals_of(asked: Asked, *, name: str, expires: datetime, reason: str) -> tuple[Approval, ...]:
    """One approval for each distinct set of objects, naming its clusters."""
    by_objects: dict[tuple[ObjectId, ...], list[str]] = {}
    for cluster, ids in sorted(asked.items()):
        if ids:
            by_objects.setdefault(tuple(sorted(ids)), []).append(cluster)
    found = []
    for index, (ids, names) in enumerate(by_objects.items()):
        suffix = f"-{index + 1}" if len(by_objects) > 1 else ""
        # The fleet itself (a cluster that leaves) is no cluster: the objects say which one it is.
        where = tuple(each for each in names if each) or tuple(id_.name for id_ in ids)
        found.append(
            Approval(name=f"{name}{suffix}", objects=ids, clusters=where, expires=expires, reason=reason)
        )
    return tuple(found)


def expiry(text: str, now: datetime) -> datetime:
    """When an approval ends: a duration from now, or a moment. Raises SettingsError."""
    if re.fullmatch(r"(\d+[dhms])+", text):
        days, _, rest = text.rpartition("d")
        try:
            return now + timedelta(days=int(days or 0), seconds=duration_seconds(rest) if rest else 0)
        except (ValueError, OverflowError) as error:
            raise _no_expiry(text) from error
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _no_expiry(text) from error
    if moment.tzinfo is None or moment <= now:
        raise SettingsError(f"{text!r} has no time zone or is over already")
    return moment


def _no_expiry(text: str) -> SettingsError:
    return SettingsError(f"not a duration or a time: {text!r}; write 24h, 7d or 2026-05-01T12:00:00Z")


def asked_by_plan(text: str) -> Asked:
    """What the guards of `apply -o json` name, by cluster. Raises SettingsError."""
    try:
        body = json.loads(text)
        return {
            row["cluster"]: tuple(dict.fromkeys(_guarded(row.get("guards") or [])))
            for row in body["clusters"]
        }
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError("not the output of `reconciler apply --dry-run -o json`") from error


def _guarded(guards: Iterable[dict[str, list[dict[str, str]]]]) -> Iterable[ObjectId]:
    for guard in guards:
        for row in guard["objects"]:
            yield ObjectId(group=row["group"], kind=row["kind"], namespace=row["namespace"], name=row["name"])
