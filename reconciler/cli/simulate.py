"""`reconciler simulate`: the same decision with changed facts; what moves, and what does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli.cluster import parse_taint
from reconciler.cli.fleetpath import (
    decide_at,
    note_faults,
    output_option,
    parse_moment,
    path_argument,
    plugins_option,
    prefix_option,
)
from reconciler.cli.output import CHANGES, INCOMPLETE, NOTHING, document, note, table, worst
from reconciler.diff.machine import share_json
from reconciler.errors import SettingsError
from reconciler.loop.plugins import load_profiles
from reconciler.loop.simulate import Simulated, simulate, simulate_each, verdict
from reconciler.model.cluster import Cluster, Taint
from reconciler.model.quantity import Quantity, parse_quantity
from reconciler.render.whatif import Change, groups_of
from reconciler.settings import BranchNames


@click.command("simulate")
@path_argument
@click.option("--revision", "-r", help="Simulate on this commit instead of the work tree.")
@click.option(
    "--lose",
    "lost",
    multiple=True,
    metavar="CLUSTER|zone=Z|region=R|provider=P",
    help="These clusters are gone; may be repeated.",
)
@click.option(
    "--cordon", "cordoned", multiple=True, metavar="CLUSTER", help="Nothing new there; may be repeated."
)
@click.option(
    "--taint", "taints", multiple=True, metavar="CLUSTER=KEY[=VALUE]:EFFECT", help="May be repeated."
)
@click.option(
    "--capacity",
    "capacities",
    multiple=True,
    metavar="CLUSTER=cpu=8,memory=16Gi",
    help="What is allocatable there; may be repeated.",
)
@click.option("--at", help="The moment of the change (RFC 3339): what moves from now till then counts too.")
@click.option(
    "--each",
    type=click.Choice(["cluster", "zone", "region", "provider"]),
    help="Lose each in turn, and print the N-1 table.",
)
@plugins_option
@prefix_option
@output_option("table", "json", "markdown")
def command(path: Path, **options: Any) -> int:
    """Decide with changed facts, and show what moves: the loss of a cluster or a zone, a cordon, a taint, another size.

    The first line of every answer is the verdict. Exit code: 0 nothing moves, 1 something moves, 2 error, 4 something does not fit.

    \b
    Example:
      reconciler simulate --lose paris
      reconciler simulate --lose zone=eu-west-1a --capacity virginia=cpu=40
      reconciler simulate --each zone
    """
    at = parse_moment(options["at"])
    decision = decide_at(
        path,
        options["revision"],
        BranchNames(prefix=options["branch_prefix"]),
        profiles=load_profiles(options["plugins"]),
    )
    clusters = decision.fleet.clusters
    given = change_of(clusters, options)
    if options["each"]:
        results = simulate_each(decision, options["each"], given, at)
        if not results:
            raise SettingsError(f"no cluster says its {options['each']}")
    elif given.clusters or at is not None:
        results = [simulate(decision, given, "the change", at)]
    else:
        raise click.UsageError(
            "nothing to simulate: say --lose, --cordon, --taint, --capacity, --at or --each"
        )
    note_faults(decision)
    if decision.rendered.assumed_clusters:
        note(f"assumed ready, never reported: {', '.join(decision.rendered.assumed_clusters)}")
    output: str = options["output"]
    if output == "json":
        click.echo(document("Simulation", {"results": [_json(result) for result in results]}))
    else:
        click.echo(verdict(results, options["each"]))
        if options["each"]:
            click.echo()
            click.echo(n_minus_one(results, options["each"], markdown=output == "markdown"))
        else:
            _print(results[0])
    codes = [NOTHING if not result.moves else CHANGES for result in results]
    codes += [INCOMPLETE for result in results if result.unplaced]
    return worst(codes)


def change_of(clusters: tuple[Cluster, ...], options: dict[str, Any]) -> Change:
    """The change that the flags describe. Raises SettingsError for a cluster or group that is not there."""
    names = {cluster.name for cluster in clusters}
    lost: set[str] = set()
    for text in options["lost"]:
        kind, separator, value = text.partition("=")
        if not separator:
            lost.add(_known(text, names))
            continue
        if kind not in ("zone", "region", "provider"):
            raise SettingsError(f"not CLUSTER, zone=…, region=… or provider=…: {text!r}")
        group = groups_of(clusters, kind).get(value)
        if group is None:
            raise SettingsError(f"no cluster is in {kind} {value!r}; {_groups_text(clusters, kind)}")
        lost |= group
    taints: dict[str, tuple[Taint, ...]] = {}
    for text in options["taints"]:
        name, separator, taint = text.partition("=")
        if not separator:
            raise SettingsError(f"not CLUSTER=KEY[=VALUE]:EFFECT: {text!r}")
        given = parse_taint(taint)
        new = Taint(key=given["key"], value=given.get("value", ""), effect=given["effect"])
        taints[_known(name, names)] = (*taints.get(name, ()), new)
    capacity: dict[str, dict[str, Quantity]] = {}
    for text in options["capacities"]:
        name, _, resources = text.partition("=")
        capacity.setdefault(_known(name, names), {}).update(_resources(resources))
    return Change(
        lost=frozenset(lost),
        cordoned=frozenset(_known(name, names) for name in options["cordoned"]),
        taints=taints,
        capacity=capacity,
    )


def n_minus_one(results: list[Simulated], each: str, *, markdown: bool) -> str:
    """What moves and what does not fit, a row for each loss."""
    header = [
        f"LOST {each.upper()}",
        "CLUSTERS",
        "OBJECTS MOVED",
        "REPLICAS MOVED",
        "REPLICAS LOST",
        "DOES NOT FIT",
    ]
    rows: list[list[object]] = [
        [
            r.name,
            len(r.lost),
            len(r.moves),
            r.replicas_moved,
            r.replicas_lost,
            ", ".join(p.subject for p in r.unplaced[:5]),
        ]
        for r in results
    ]
    if not markdown:
        return table(header, rows)
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") or "-" for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _print(result: Simulated) -> None:
    for move in result.moves:
        click.echo(f"  {move}")
    for problem in result.unplaced:
        click.echo(str(problem))


def _json(result: Simulated) -> dict[str, Any]:
    return {
        "name": result.name,
        "lostClusters": list(result.lost),
        "replicasMoved": result.replicas_moved,
        "replicasLost": result.replicas_lost,
        "moves": [
            {
                "object": str(move.id),
                "clusters": [share_json(share) for share in move.shares],
                "reason": move.reason,
            }
            for move in result.moves
        ],
        "doesNotFit": [{"object": p.subject, "code": p.code, "message": p.message} for p in result.unplaced],
        "didNotFitBefore": list(result.unplaced_before),
    }


def _groups_text(clusters: tuple[Cluster, ...], kind: str) -> str:
    known = ", ".join(groups_of(clusters, kind))
    return f"there are {known}" if known else f"no cluster says its {kind}"


def _known(name: str, names: set[str]) -> str:
    if name not in names:
        raise SettingsError(f"no such cluster: {name}; there are {', '.join(sorted(names)) or 'none'}")
    return name


def _resources(text: str) -> dict[str, Quantity]:
    found = {}
    for pair in text.split(","):
        name, separator, amount = pair.partition("=")
        try:
            found[name] = parse_quantity(amount if separator else "")
        except ValueError as error:
            raise SettingsError(f"not RESOURCE=QUANTITY: {pair!r}") from error
    return found
