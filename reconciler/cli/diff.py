"""`reconciler diff`: what a change does to placements and objects, per cluster; the same list as a pass, stopped early."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from reconciler.cli.fleetpath import (
    fetch_hint,
    machine_tip,
    merge_base,
    note_faults,
    note_no_fleet,
    output_option,
    parse_moment,
    path_option,
    plugins_option,
    prefix_option,
    repository_at,
    require_repository,
    source_at,
)
from reconciler.cli.kindnames import names_object
from reconciler.cli.output import CHANGES, GUARD, INCOMPLETE, NOTHING, note, wants_colour, worst
from reconciler.diff.machine import detail_json, difference_json
from reconciler.diff.markdown import difference_markdown
from reconciler.diff.text import COLOURED, PLAIN, detail_text, difference_text
from reconciler.diff.trees import changes_of
from reconciler.errors import GitError, SettingsError
from reconciler.loop.compare import Comparison, Question, compare
from reconciler.loop.decide import Memory, moment, read_observation, read_render
from reconciler.loop.plugins import load_profiles
from reconciler.loop.simulate import simulate_each, verdict
from reconciler.model.observation import Observation
from reconciler.model.tree import PreviousRender
from reconciler.settings import BranchNames, GuardLimits


@click.command("diff")
@click.argument("sides", default="", metavar="[BASE...HEAD]")
@path_option
@click.option(
    "--at", "at", help="The moment to decide for (RFC 3339); default: the newest of source and status."
)
@click.option(
    "--detail",
    metavar="KIND/NAME",
    help="Show only this object, every difference in a line of its own. The exit code is that of the whole diff.",
)
@click.option("--names", is_flag=True, help="Name the objects; leave out what changes inside them.")
@click.option(
    "--instance",
    default="default",
    show_default=True,
    help="Tells several comments on one pull request apart.",
)
@click.option(
    "--exit-code/--no-exit-code", default=True, show_default=True, help="Exit 1 when something changes."
)
@click.option(
    "--simulate",
    "losses",
    type=click.Choice(["each-cluster", "each-zone", "each-region", "each-provider"]),
    help="Add one line: whether head survives the loss of each in turn (see `reconciler simulate`).",
)
@plugins_option
@prefix_option
@output_option("text", "markdown", "json")
def command(
    sides: str, path: Path, *, detail: str | None, names: bool, exit_code: bool, **options: Any
) -> int:
    """Show what a change does: where replicas go, and every object that changes on every cluster.

    Without an argument the work tree is compared with what is rendered. BASE...HEAD compares HEAD with the merge base, as a
    pull request does; BASE..HEAD compares the two tips. No cluster is asked: facts come from the status branch.

    Exit code: 0 nothing changes, 1 changes, 2 error, 3 a guard would stop deletions, 4 a part cannot be rendered.

    \b
    Example:
      reconciler diff
      reconciler diff main...HEAD --detail deployment/web
      reconciler diff main...HEAD -o markdown --simulate each-zone > comment.md
    """
    if detail is not None:
        _require_alone(detail, names=names, losses=options["losses"], output=options["output"])
    branches = BranchNames(prefix=options["branch_prefix"])
    memory = Memory()
    repository = repository_at(path)
    observation, previous = Observation(), PreviousRender()
    if repository is not None:
        status, rendered = (machine_tip(repository, name) for name in (branches.status, branches.rendered))
        if not status:
            note(
                f"no status branch in this clone: clusters are assumed ready ({fetch_hint(branches.status, repository)})"
            )
        observation = read_observation(repository, status, memory)
        previous = read_render(repository, rendered, memory)
    if sides:
        repository = require_repository(path)
        base_name, head_name = _sides(repository.handle, sides)
        base, head = source_at(path, base_name), source_at(path, head_name)
    else:
        if repository is not None and not previous.commit:
            note(
                f"no rendered branch in this clone: everything is new ({fetch_hint(branches.rendered, repository)})"
            )
        base, head = None, source_at(path, None)
    comparison = compare(
        repository,
        Question(
            base=base,
            head=head,
            observation=observation,
            previous=previous,
            now=parse_moment(options["at"]) or moment(head, observation, previous, None),
            limits=GuardLimits(),
            command=f"reconciler diff {sides}".strip(),
            profiles=load_profiles(options["plugins"]),
            clock=datetime.now(UTC),
        ),
        memory,
    )
    found = comparison.difference
    note_no_fleet(comparison.head)
    if options["losses"]:
        by = options["losses"].removeprefix("each-")
        found = replace(found, simulated=f"N-1: {verdict(simulate_each(comparison.head, by), by)}")
    colours = COLOURED if wants_colour() else PLAIN
    asked = [] if detail is None else changes_of(found.trees, partial(names_object, detail))
    if options["output"] == "json":
        shown = difference_json(found) | {"detail": [detail_json(change) for change in asked]}
        click.echo(json.dumps(shown, indent=2))
    elif detail is not None:
        click.echo(detail_text(asked, found.clusters, colours) or f"nothing changes in {detail}\n", nl=False)
        note_faults(comparison.head)
    elif options["output"] == "markdown":
        click.echo(difference_markdown(found, instance=options["instance"]), nl=False)
    else:
        click.echo(difference_text(found, colours, contents=not names), nl=False)
    code = exit_code_of(comparison)
    return NOTHING if code == CHANGES and not exit_code else code


def _require_alone(detail: str, *, names: bool, losses: str | None, output: str) -> None:
    """No option is taken and then passed over. Raises SettingsError, UsageError."""
    kind, _, name = detail.partition("/")
    if not (kind and name):
        raise SettingsError(f"not KIND/NAME: {detail!r}")
    if output == "markdown":
        raise click.UsageError("--detail is shown as text or json")
    if output == "text" and (names or losses):
        raise click.UsageError("--detail shows one object alone: leave out --names and --simulate")


def exit_code_of(comparison: Comparison) -> int:
    """The worst of what was found (DESIGN §7)."""
    found = comparison.difference
    codes = [NOTHING if found.is_empty else CHANGES]
    if any(found.guards.values()):
        codes.append(GUARD)
    if not found.complete or found.errors:
        codes.append(INCOMPLETE)
    return worst(codes)


def _sides(handle: object, text: str) -> tuple[str, str]:
    if "..." in text:
        base, _, head = text.partition("...")
        base, head = base or "HEAD", head or "HEAD"
        return merge_base(handle, base, head), head
    if ".." in text:
        base, _, head = text.partition("..")
        return base or "HEAD", head or "HEAD"
    raise GitError(f"not BASE...HEAD or BASE..HEAD: {text!r}; did you mean {text}...HEAD?")
