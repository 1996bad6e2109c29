"""`reconciler validate`: every problem of the fleet at once."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click

from reconciler.cli.fleetpath import (
    decide_at,
    note_no_fleet,
    output_option,
    path_argument,
    plugins_option,
    prefix_option,
)
from reconciler.cli.output import document, errors_in, note, paint, print_problems, wants_colour
from reconciler.diff.machine import problem_json
from reconciler.errors import Problem, Severity
from reconciler.loop.decide import Decision
from reconciler.loop.plugins import load_profiles
from reconciler.manifests.portability import portability_warnings
from reconciler.settings import BranchNames


@click.command("validate")
@path_argument
@click.option("--revision", "-r", help="Check this commit instead of the work tree.")
@click.option("--warnings-as-errors", is_flag=True, help="Exit 1 for warnings too.")
@plugins_option
@prefix_option
@output_option("text", "json", "github")
def command(
    path: Path, revision: str | None, warnings_as_errors: bool, plugins: str, branch_prefix: str, output: str
) -> int:
    """Check the whole fleet: every problem at once, with its place, evidence and remedy.

    PATH is the fleet repository (default: here). Exit code: 0 clean, 1 problems, 2 could not run.

    \b
    Example:
      reconciler validate
      reconciler validate fleet --revision main -o json
    """
    decision = decide_at(path, revision, BranchNames(prefix=branch_prefix), profiles=load_profiles(plugins))
    problems = (*decision.problems, *portability(decision))
    errors = errors_in(problems)
    failed = errors > 0 or (warnings_as_errors and bool(problems))
    fleet = decision.fleet
    if output == "json":
        click.echo(
            document(
                "Validation",
                {
                    "valid": not failed,
                    "problems": [problem_json(problem) for problem in problems],
                    "skipped": [
                        {"path": skipped.path, "reason": skipped.reason} for skipped in fleet.skipped
                    ],
                },
            )
        )
        return int(failed)
    if output == "github":
        for problem in problems:
            level = "error" if problem.severity is Severity.ERROR else "warning"
            at = problem.location
            place = f"file={_escaped(at.path)},line={max(at.line, 1)},col={max(at.column, 1)}," if at else ""
            text = "%0A".join(str(problem).replace("%", "%25").splitlines())
            click.echo(f"::{level} {place}title={problem.code}::{text}")
    else:
        print_problems(problems, stream=sys.stdout)
    reasons = Counter(skipped.reason for skipped in fleet.skipped)
    for reason, count in sorted(reasons.items()):
        note(f"skipped {count}: {reason}")
    counted = (
        f"{len(fleet.templates)} templates, {len(fleet.propagation_policies)} propagation policies, "
        f"{len(fleet.override_policies)} override policies, {len(fleet.clusters)} clusters"
    )
    verdict = f"{errors} errors, {len(problems) - errors} warnings" if problems else "no problems"
    note_no_fleet(decision)
    colour = wants_colour()
    click.echo(f"{counted}: {paint(verdict, colour='red' if failed else 'green', on=colour, bold=True)}")
    return int(failed)


def _escaped(text: str) -> str:
    """A property of a GitHub workflow command: a path may hold what separates properties."""
    for char in "%:,\r\n":
        text = text.replace(char, f"%{ord(char):02X}")
    return text


def portability(decision: Decision) -> tuple[Problem, ...]:
    """Warnings of scalars that other YAML readers take for something else; said by `validate` alone."""
    skipped = {each.path for each in decision.fleet.skipped} | set(decision.fleet.unreadable)
    return tuple(
        problem
        for file in decision.source.files
        if file.path.endswith((".yaml", ".yml")) and file.path not in skipped
        for problem in portability_warnings(file.data, file.path)
    )
