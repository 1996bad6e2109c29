"""`reconciler explain` (`why`): why a template is, or is not, on a cluster; with file and line."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import click

from reconciler.cli.explanation import explained_json, explained_text
from reconciler.cli.fleetpath import (
    decide_at,
    machine_tip,
    note_faults,
    output_option,
    parse_moment,
    path_option,
    plugins_option,
    prefix_option,
    require_repository,
    source_at,
)
from reconciler.cli.kindnames import names_object
from reconciler.cli.output import document, note
from reconciler.errors import FleetError, ReconcilerError, SettingsError
from reconciler.loop.decide import Decision, Memory, decide, read_observation, read_render
from reconciler.loop.plugins import load_profiles
from reconciler.model.fleet import Fleet
from reconciler.model.identity import ObjectId
from reconciler.render.explain import explain
from reconciler.scheduler.batch import PROFILES
from reconciler.scheduler.registry import Profile
from reconciler.settings import BranchNames

_NAMED: Final = 5


@click.command("explain")
@click.argument("what", metavar="KIND/NAME")
@path_option
@click.option("-n", "--namespace", default="", help="The template's namespace, where several have the name.")
@click.option("--cluster", default="", help="Tell of this cluster alone.")
@click.option("--revision", "-r", help="Explain this commit instead of the work tree.")
@click.option(
    "--at", "rendered", metavar="COMMIT", help="Explain a past render: a commit of the rendered branch."
)
@click.option("--now", "moment", help="The moment to decide for (RFC 3339).")
@plugins_option
@prefix_option
@output_option("text", "json", "markdown")
def command(what: str, path: Path, **options: Any) -> int:
    """Say why a template is where it is: the policy that won and those that lost, every filter on every cluster, the division, the overrides.

    Recomputed from files and facts, so that it also explains history: --at takes any commit of reconciler/rendered.

    \b
    Example:
      reconciler explain deployment/web
      reconciler why deployment/api -n shop --cluster paris
      reconciler explain deployment/web --at reconciler/rendered~3
    """
    branches = BranchNames(prefix=options["branch_prefix"])
    profiles = load_profiles(options["plugins"])
    decision = (
        decision_at_render(path, options["rendered"], branches, profiles)
        if options["rendered"]
        else decide_at(
            path, options["revision"], branches, now=parse_moment(options["moment"]), profiles=profiles
        )
    )
    id_ = find(decision, what, options["namespace"])
    found = explain(
        decision.fleet,
        decision.observation,
        decision.previous,
        decision.now,
        id_,
        interpreters=decision.interpreters,
        plugins=decision.profiles,
        assume_unreported=not options["rendered"],
    )
    if found is None:
        raise SettingsError(f"the fleet has no template {what}")
    cluster: str = options["cluster"]
    if cluster and cluster not in {each.name for each in decision.fleet.clusters}:
        raise SettingsError(
            f"no such cluster: {cluster}; there are {', '.join(c.name for c in decision.fleet.clusters)}"
        )
    if options["output"] == "json":
        click.echo(document("Explanation", explained_json(found, cluster)))
        return 0
    lines = list(explained_text(found, cluster))
    if options["output"] == "markdown":
        click.echo(f"### {lines[0]}\n\n```text\n" + "\n".join(lines[1:]).replace("```", "'''") + "\n```")
    else:
        click.echo("\n".join(lines))
    note_faults(decision)
    assumed = decision.rendered.assumed_clusters
    if assumed:
        note(f"assumed ready, never reported: {', '.join(assumed)}")
    return 0


def decision_at_render(
    path: Path, revision: str, branches: BranchNames, profiles: Mapping[str, Profile] = PROFILES
) -> Decision:
    """The decision that a rendered commit came from, from the commits that its trailers name."""
    from reconciler.git.checkout import resolve  # noqa: PLC0415
    from reconciler.git.commits import read_commit  # noqa: PLC0415
    from reconciler.git.trailers import EVALUATED_AT, SOURCE_COMMIT, STATUS_COMMIT  # noqa: PLC0415

    repository = require_repository(path)
    machine_tip(repository, branches.rendered)
    commit = read_commit(repository, resolve(repository.handle, revision))
    if SOURCE_COMMIT not in commit.trailers:
        raise SettingsError(f"{revision} is not a rendered commit: it names no Source-Commit")
    memory = Memory()
    now = parse_moment(commit.trailers.get(EVALUATED_AT)) or commit.committer_time
    status = commit.trailers.get(STATUS_COMMIT, "")
    return decide(
        source_at(path, commit.trailers[SOURCE_COMMIT]),
        read_observation(repository, status, memory),
        read_render(repository, commit.parents[0] if commit.parents else "", memory),
        now=now,
        assume_unreported=not status,
        memory=memory,
        profiles=profiles,
    )


def find(decision: Decision, what: str, namespace: str) -> ObjectId:
    """The template that `KIND/NAME` means, as kubectl would read it. Raises SettingsError."""
    if "/" not in what:
        called = sorted(
            {
                f"{each.id.kind.lower()}/{each.id.name}"
                for each in decision.fleet.templates
                if each.id.name == what
            }
        )
        near = f"; did you mean {' or '.join(called[:_NAMED])}?" if called else ""
        raise SettingsError(f"not KIND/NAME: {what!r}{near}")
    found = [
        each.id
        for each in decision.fleet.templates
        if names_object(what, each.id) and (not namespace or each.id.namespace == namespace)
    ]
    if not found:
        raise missing(decision.fleet, what, namespace)
    if len(found) > 1:
        raise SettingsError(
            f"{what} is in several namespaces: say -n {' or -n '.join(sorted(i.namespace for i in found))}"
        )
    return found[0]


def missing(fleet: Fleet, what: str, namespace: str) -> ReconcilerError:
    """Why there is no such template: it is refused, its file may be one that cannot be read, or nobody wrote it."""
    where = f" in namespace {namespace}" if namespace else ""
    for each in fleet.refused:
        if names_object(what, each.id) and namespace in ("", each.id.namespace):
            said = tuple(p for p in fleet.problems if p.location and p.location.path == each.origin.path)
            return FleetError(f"{each.id} is refused, so it stays as it was", said)
    words = f"the fleet has no template {what}{where}"
    elsewhere = sorted(
        {
            f"in namespace {each.id.namespace}" if each.id.namespace else "without a namespace"
            for each in fleet.templates
            if names_object(what, each.id)
        }
    )
    near = get_close_matches(what.lower(), [f"{t.id.kind.lower()}/{t.id.name}" for t in fleet.templates], n=1)
    if elsewhere:
        words += f"; there is one {' and one '.join(elsewhere[:_NAMED])}"
    elif near:
        words += f"; did you mean {near[0]}?"
    if fleet.unreadable:
        said = tuple(p for p in fleet.problems if p.location and p.location.path in fleet.unreadable)
        return FleetError(f"{words}; it may stand in a file that cannot be read", said)
    return SettingsError(words)
