"""Which fleet a verb is about: a work tree, or a commit of the repository around it. Options that verbs share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from reconciler.cli.output import errors_in, note
from reconciler.errors import GitError, SettingsError
from reconciler.git.checkout import read_commit, read_work_tree
from reconciler.git.checkout import resolve as resolve_revision
from reconciler.git.references import full_name, resolve
from reconciler.git.repository import Repository, open_repository
from reconciler.loop.decide import Decision, Memory, decide, moment, read_observation, read_render, with_seen
from reconciler.model.fleet import Source
from reconciler.model.observation import Observation
from reconciler.model.tree import PreviousRender
from reconciler.render.hold import CONFIG_FILE
from reconciler.scheduler.batch import PROFILES
from reconciler.scheduler.registry import Profile
from reconciler.settings import BranchNames

F = TypeVar("F", bound=Callable[..., Any])


def fleet_root(path: Path, *, is_named: bool) -> Path:
    """Where the fleet begins that `path` is in: the nearest directory with settings, up to the top of its work tree.

    As git, from any directory below: what Git remembers is of the whole fleet, and a part of it is none. Where nobody wrote settings it is
    the top, or the directory that was named.
    """
    start = path.resolve()
    folders = (start, *start.parents)
    tops = [index for index, folder in enumerate(folders) if (folder / ".git").exists()]
    if not tops:
        return path
    inside = folders[: tops[0] + 1]
    top = start if is_named else inside[-1]
    root = next((folder for folder in inside if (folder / CONFIG_FILE).is_file()), top)
    if root == start:
        return path
    note(f"the fleet is at {root}")
    return root


def _rooted(context: click.Context, option: click.Parameter, path: Path) -> Path:
    said = context.get_parameter_source(str(option.name))
    return fleet_root(path, is_named=said is not ParameterSource.DEFAULT)


def path_argument(function: F) -> F:
    """The fleet repository's directory; the current one by default."""
    return click.argument(
        "path",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=Path(),
        callback=_rooted,
    )(function)


def path_option(function: F) -> F:
    """`-C`: the fleet repository's directory, where the argument is something else."""
    return click.option(
        "-C",
        "--path",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=Path(),
        callback=_rooted,
        help="The fleet repository (default: here).",
    )(function)


def prefix_option(function: F) -> F:
    """The prefix of the machine branches."""
    return click.option(
        "--branch-prefix",
        default="reconciler",
        show_default=True,
        envvar="RECONCILER_BRANCH_PREFIX",
        help="Prefix of the machine branches.",
    )(function)


def plugins_option(function: F) -> F:
    """Which scheduler plugins take part; the same words mean the same to every verb."""
    return click.option(
        "--plugins",
        default="*",
        show_default=True,
        envvar="RECONCILER_PLUGINS",
        metavar="NAME,-NAME,…",
        help="Scheduler plugins: * is all, NAME one, -NAME all but that one (--plugins=*,-TaintToleration).",
    )(function)


def output_option(*choices: str) -> Callable[[F], F]:
    """`-o`, with the forms that a verb can print."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help="What to print.",
    )


def repository_at(path: Path) -> Repository | None:
    """The repository that `path` is the top or a part of; None where there is none."""
    import pygit2  # noqa: PLC0415 - 70 ms that `--help` need not pay

    found = pygit2.discover_repository(str(path.resolve()))
    return open_repository(found) if found else None


def require_repository(path: Path) -> Repository:
    """The same, or a SettingsError that says what to do."""
    repository = repository_at(path)
    if repository is None:
        raise SettingsError(
            f"{path.resolve()} is not in a Git repository: run `git init` there, or name another PATH"
        )
    return repository


def machine_tip(repository: Repository, branch: str) -> str:
    """Where a machine branch is: the local branch, else the one that was fetched from `origin`; empty for neither."""
    return resolve(repository, full_name(branch)) or resolve(repository, f"refs/remotes/origin/{branch}")


def source_at(path: Path, revision: str | None) -> Source:
    """The fleet as files: of the work tree at `path`, or of a revision of its repository."""
    if revision is None:
        if _is_inside_git(path):
            raise SettingsError(
                f"{path.resolve()} is a repository without a work tree: name a commit (--revision; for a diff, BASE...HEAD)"
            )
        return read_work_tree(path)
    repository = require_repository(path)
    return read_commit(repository.handle, resolve_revision(repository.handle, revision))


def _is_inside_git(path: Path) -> bool:
    """Whether `path` is, or lies in, what Git keeps a repository in: a bare one, or a `.git`."""
    repository = repository_at(path)
    if repository is None:
        return False
    return path.resolve().is_relative_to(Path(repository.handle.path).resolve())


def facts_of(
    repository: Repository | None, branches: BranchNames, memory: Memory
) -> tuple[Observation, PreviousRender]:
    """What the machine branches say, as far as this clone has them."""
    if repository is None:
        return Observation(), PreviousRender()
    observation = read_observation(repository, machine_tip(repository, branches.status), memory)
    previous = read_render(repository, machine_tip(repository, branches.rendered), memory)
    return observation, with_seen(repository, previous, observation, memory)


def decide_at(
    path: Path,
    revision: str | None,
    branches: BranchNames,
    *,
    now: datetime | None = None,
    memory: Memory | None = None,
    profiles: Mapping[str, Profile] = PROFILES,
) -> Decision:
    """What a fleet comes to, offline: the observation and the previous render are those that this clone has."""
    memory = memory or Memory()
    source = source_at(path, revision)
    observation, previous = facts_of(repository_at(path), branches, memory)
    return decide(
        source,
        observation,
        previous,
        now=now or moment(source, observation, previous, None),
        assume_unreported=True,
        memory=memory,
        profiles=profiles,
        clock=datetime.now(UTC),
    )


def note_faults(decision: Decision) -> None:
    """One line where the fleet has errors: what they touch stays as it was, in this answer too."""
    errors = errors_in(decision.problems)
    if errors:
        note(
            f"the fleet has {errors} errors, and what they touch stays as it was: `reconciler validate` lists them"
        )


def note_no_fleet(decision: Decision) -> None:
    """One line where nothing at all is read, which is seldom what somebody meant."""
    fleet = decision.fleet
    if not (fleet.templates or fleet.clusters or fleet.propagation_policies or decision.problems):
        note("no fleet is here: `reconciler init` writes a small one")


def parse_moment(text: str | None) -> datetime | None:
    """A moment given on the command line: RFC 3339, or a date."""
    if text is None:
        return None
    try:
        moment_ = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"not a time: {text!r}; write 2026-05-01T12:00:00Z") from error
    try:
        return moment_.astimezone(UTC) if moment_.tzinfo else moment_.replace(tzinfo=UTC)
    except OverflowError as error:
        raise SettingsError(f"no such time in UTC: {text!r}") from error


def fetch_hint(branch: str, repository: Repository) -> str:
    """The exact command that brings a missing machine branch (DESIGN §7); or why there is none."""
    remotes = [str(remote.name) for remote in repository.handle.remotes]
    if not remotes:
        return "it has no remote to fetch one from"
    remote = "origin" if "origin" in remotes else remotes[0]
    return f"git fetch {remote} '+refs/heads/{branch}:refs/remotes/origin/{branch}'"


def merge_base(handle: Any, base: str, head: str) -> str:
    """The commit that two revisions grew from, as `git merge-base` says. Raises GitError when there is none."""
    one, other = resolve_revision(handle, base), resolve_revision(handle, head)
    found = handle.merge_base(one, other)
    if found is None:
        raise GitError(
            f"{base} and {head} have no common ancestor in this clone; fetch more history: git fetch --unshallow origin"
        )
    return str(found)
