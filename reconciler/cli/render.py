"""`reconciler render`: the render tree, to a directory or to the machine branches."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

from reconciler.cli.fleetpath import (
    decide_at,
    machine_tip,
    note_no_fleet,
    output_option,
    parse_moment,
    path_argument,
    plugins_option,
    prefix_option,
    require_repository,
    source_at,
)
from reconciler.cli.output import (
    GUARD,
    INCOMPLETE,
    NOTHING,
    document,
    errors_in,
    note,
    print_problems,
    table,
    worst,
)
from reconciler.diff.machine import problem_json
from reconciler.diff.placement import Delivered
from reconciler.errors import SettingsError
from reconciler.fleet.assemble import assemble
from reconciler.git.references import update_references
from reconciler.loop.decide import Decision
from reconciler.loop.plugins import load_profiles
from reconciler.loop.publish import Published, Tips, publish
from reconciler.render.delivered import delivered_replicas
from reconciler.render.tree import directories
from reconciler.settings import BranchNames, GuardLimits

_NOTED = 5


@click.command("render")
@path_argument
@click.option("--revision", "-r", help="Render this commit instead of the work tree.")
@click.option(
    "--output-dir",
    "-d",
    type=click.Path(path_type=Path),
    help="Write clusters/… and bindings/… to this directory.",
)
@click.option(
    "--branches",
    "to_branches",
    is_flag=True,
    help="Commit to the machine branches of this repository (local; push them yourself).",
)
@click.option("--at", help="The moment to decide for (RFC 3339).")
@plugins_option
@prefix_option
@output_option("table", "json", "name")
def command(
    path: Path,
    revision: str | None,
    output_dir: Path | None,
    to_branches: bool,
    at: str | None,
    plugins: str,
    branch_prefix: str,
    output: str,
) -> int:
    """Compute what runs where, and print the placement; write the tree where it is asked for.

    Exit code: 0 done, 2 error, 3 a guard holds deletions, 4 a part cannot be rendered and is held.

    \b
    Example:
      reconciler render
      reconciler render --output-dir /tmp/tree
      reconciler render --revision main --branches
    """
    branches = BranchNames(prefix=branch_prefix)
    if to_branches and revision is None:
        revision = "HEAD"
    decision = decide_at(path, revision, branches, now=parse_moment(at), profiles=load_profiles(plugins))
    published = write_branches(path, decision, branches) if to_branches else None
    if output_dir is not None:
        write_directory(decision, output_dir)
        note(f"wrote {output_dir}/clusters and {output_dir}/bindings")
        if _is_read(output_dir, path):
            note(
                f"{output_dir} is in the fleet and will be read as part of it: move it, or name it in .reconcilerignore"
            )
    problems = (*decision.problems, *(published.problems if published else ()))
    if output == "json":
        click.echo(document("Render", render_json(decision, published)))
    elif output == "name":
        for id_ in sorted(decision.rendered.bindings):
            click.echo(f"{id_.kind_group.lower()}/{id_.name}")
    else:
        print_problems(problems)
        note_no_fleet(decision)
        click.echo(placement_table(decision))
        if decision.rendered.assumed_clusters:
            note(f"assumed ready, never observed: {', '.join(decision.rendered.assumed_clusters)}")
    if published is not None:
        note(
            f"{branches.rendered} is at {published.commit[:12]}"
            + ("" if published.written.changed else " (unchanged)")
        )
    codes = [NOTHING]
    if published is not None and not published.verdict.allowed:
        codes.append(GUARD)
    if not decision.rendered.complete or errors_in(decision.problems):
        codes.append(INCOMPLETE)
    return worst(codes)


def write_branches(
    path: Path, decision: Decision, branches: BranchNames, limits: GuardLimits | None = None
) -> Published:
    """Commit a decision to the machine branches of the repository at `path`."""
    repository = require_repository(path)
    published = publish(
        repository,
        decision,
        branches=branches,
        limits=limits or GuardLimits(),
        tips=Tips(
            rendered=machine_tip(repository, branches.rendered),
            clusters={
                name: machine_tip(repository, branches.cluster(name))
                for name in decision.rendered.tree.clusters
            },
        ),
    )
    update_references(repository, published.updates)
    return published


def write_directory(decision: Decision, directory: Path) -> None:
    """Write the tree below `directory`, which must be empty, absent, or an earlier output of ours."""
    directory.mkdir(parents=True, exist_ok=True)
    present = {entry.name for entry in directory.iterdir()}
    if present - {"clusters", "bindings"}:
        raise SettingsError(f"{directory} holds other things than a render tree: name an empty directory")
    for name in present:
        shutil.rmtree(directory / name)
    for cluster, files in directories(decision.rendered.tree).items():
        for name, data in files.items():
            _write(directory / "clusters" / cluster / name, data)
    for name, data in decision.rendered.tree.bindings.items():
        _write(directory / "bindings" / name, data)


def _is_read(directory: Path, path: Path) -> bool:
    """Whether the fleet at `path` takes what is in `directory` for its own manifests."""
    root, top = path.resolve(), directory.resolve()
    if not top.is_relative_to(root):
        return False
    below = f"{top.relative_to(root).as_posix()}/"
    fleet = assemble(source_at(path, None))
    return any(each.origin.path.startswith(below) for each in (*fleet.templates, *fleet.refused))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A link that somebody put there is not followed.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644), "wb") as file:
        file.write(data)


def placement_table(decision: Decision) -> str:
    """Template by cluster: replicas, `x` for what has none, `-` for not there; what an override sets with a star, and a line on it."""
    clusters = decision.rendered.tree.clusters
    rows, notes = [], []
    bindings = decision.rendered.bindings
    delivered = _delivered(decision)
    for id_ in sorted(bindings, key=lambda one: (one.namespace, one.kind, one.name, one.group)):
        binding = bindings[id_]
        shares = {
            target.name: str(target.replicas) if binding.is_workload else "x" for target in binding.clusters
        }
        for name in binding.target_names:
            shares.setdefault(name, "x")
        for name, count in sorted(delivered.get(id_, {}).items()):
            notes.append(f"{id_} on {name}: {count}, the scheduler gave {shares[name]}")
            shares[name] = f"{count}*"
        claim = binding.claim.name if binding.claim else ""
        rows.append(
            [id_.namespace, f"{id_.kind}/{id_.name}", claim, *(shares.get(name, "") for name in clusters)]
        )
    shown = table(["NAMESPACE", "OBJECT", "POLICY", *(name.upper() for name in clusters)], rows)
    if not notes:
        return shown
    more = f"; and {len(notes) - _NOTED} more" if len(notes) > _NOTED else ""
    return f"{shown}\n* an override sets it: {'; '.join(notes[:_NOTED])}{more}"


def _delivered(decision: Decision) -> Delivered:
    rendered = decision.rendered
    return delivered_replicas(rendered.tree, rendered.bindings, decision.interpreters)


def render_json(decision: Decision, published: Published | None) -> dict[str, object]:
    """The `Render` answer: placement, problems, and the commit where one was written."""
    delivered = _delivered(decision)
    return {
        "sourceCommit": decision.source.commit,
        "statusCommit": decision.observation.commit,
        "evaluatedAt": decision.now.isoformat(),
        "complete": decision.rendered.complete,
        "assumedClusters": list(decision.rendered.assumed_clusters),
        "nextWake": decision.rendered.next_wake.isoformat() if decision.rendered.next_wake else None,
        **(
            {"renderedCommit": published.commit, "pruneAllowed": published.prune_allowed} if published else {}
        ),
        "placements": [
            {
                "group": id_.group,
                "kind": id_.kind,
                "namespace": id_.namespace,
                "name": id_.name,
                "policy": str(binding.claim) if binding.claim else None,
                "clusters": [
                    {
                        "name": target.name,
                        "replicas": target.replicas,
                        "delivered": delivered.get(id_, {}).get(target.name, target.replicas),
                    }
                    for target in binding.clusters
                ],
            }
            for id_, binding in sorted(decision.rendered.bindings.items())
        ],
        "problems": [problem_json(problem) for problem in decision.problems],
    }
