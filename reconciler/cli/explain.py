"""`reconciler explain` (`why`): why a template is, or is not, on a cluster; with file and line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from reconciler.cli.fleetpath import (
    decide_at,
    machine_tip,
    output_option,
    parse_moment,
    path_option,
    plugins_option,
    prefix_option,
    require_repository,
    source_at,
)
from reconciler.cli.output import document, note, table
from reconciler.errors import SettingsError
from reconciler.loop.decide import Decision, Memory, decide, read_observation, read_render
from reconciler.loop.plugins import load_profiles
from reconciler.manifests.locate import locate
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest
from reconciler.overrides.outcome import rule_path
from reconciler.policy.precedence import Candidate
from reconciler.render.explain import Explained, explain
from reconciler.render.works import Work
from reconciler.scheduler.batch import PROFILES
from reconciler.scheduler.explain import ClusterVerdict, Explanation, Step
from reconciler.scheduler.registry import Profile
from reconciler.settings import BranchNames


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
    kind, separator, name = what.partition("/")
    if not separator:
        raise SettingsError(f"not KIND/NAME: {what!r}")
    wanted = kind.lower()
    found = [
        each.id
        for each in decision.fleet.templates
        if each.id.name == name
        and wanted in (each.id.kind.lower(), f"{each.id.kind.lower()}s", each.id.kind_group.lower())
        and (not namespace or each.id.namespace == namespace)
    ]
    if not found:
        raise SettingsError(
            f"the fleet has no template {what}" + (f" in namespace {namespace}" if namespace else "")
        )
    if len(found) > 1:
        raise SettingsError(
            f"{what} is in several namespaces: say -n {' or -n '.join(sorted(i.namespace for i in found))}"
        )
    return found[0]


def explained_text(found: Explained, cluster: str) -> Iterator[str]:
    """The explanation as lines; the first is the verdict."""
    template = found.template
    yield f"{template.id}: {_verdict(found, cluster)}"
    yield f"  template  {template.origin.location}"
    if found.never:
        yield f"  never propagated: {found.never}"
        return
    if found.claimed is not None:
        yield ""
        yield f"Policy: {found.claimed.claim or 'none'} ({found.claimed.rule.value})"
        for candidate in found.claimed.candidates:
            yield f"  {_candidate(candidate, is_winner=candidate.policy is found.claimed.policy)}"
    if found.held:
        yield f"  held as it was: {found.held}"
    for problem in found.problems:
        yield f"  {problem.code} {problem.message}"
    if found.decision is not None:
        yield ""
        trigger = found.decision.trigger
        yield f"Scheduling: {trigger.value if trigger else 'nothing calls for it, so the last result stands'}"
    for attempt in found.attempts:
        yield from _attempt(attempt, cluster)
    if found.needed_by:
        yield ""
        yield f"Follows: {', '.join(found.needed_by)}"
    yield from _overrides(found.works, cluster)


def _verdict(found: Explained, cluster: str) -> str:
    if found.binding is None:
        return "not placed"
    shares = {target.name: target.replicas for target in found.binding.clusters}
    names = [name for name in found.binding.target_names if not cluster or name == cluster]
    if not names:
        return f"not on {cluster}" if cluster else "on no cluster"
    if not found.binding.is_workload:
        return "on " + ", ".join(names)
    return ", ".join(f"{name} {shares.get(name, 0)}" for name in names)


def _candidate(candidate: Candidate, *, is_winner: bool) -> str:
    policy = candidate.policy
    where = f"  {policy.manifest.origin.location}" if policy.manifest else ""
    scope = f"{policy.namespace}/{policy.name}" if policy.namespace else policy.name
    return f"{'*' if is_winner else ' '} {policy.kind} {scope}: priority {policy.priority}, selects by {candidate.level.name.lower()}{where}"


def _attempt(attempt: Explanation, cluster: str) -> Iterator[str]:
    group = f" group {attempt.affinity_name}" if attempt.affinity_name else ""
    yield ""
    yield f"Clusters{group}:"
    rows = [_row(verdict) for verdict in attempt.clusters if not cluster or verdict.name == cluster]
    yield from (
        f"  {line}"
        for line in table(
            ["CLUSTER", "FITS", "SCORE", "AVAILABLE", "SELECTED", "REPLICAS", "WHY NOT"], rows
        ).splitlines()
    )
    for step in attempt.steps:
        yield from _step(step)
    if attempt.failure is not None:
        yield f"  {attempt.failure.kind.value}: {attempt.failure.message}"


def _row(verdict: ClusterVerdict) -> list[object]:
    reasons = "; ".join(f"{refusal.filter}: {refusal.reason}" for refusal in verdict.refusals)
    if verdict.is_deleting:
        reasons = "the cluster is being deleted"
    fits = not verdict.refusals and not verdict.is_deleting
    return [
        verdict.name,
        "yes" if fits else "no",
        verdict.score if fits else "",
        "" if verdict.available is None else _amount(verdict.available),
        "yes" if verdict.is_selected else "",
        "" if verdict.replicas is None else verdict.replicas,
        reasons,
    ]


def _amount(number: int) -> str:
    return "unlimited" if number >= 2**31 - 1 else str(number)


def _step(step: Step) -> Iterator[str]:
    votes = ", ".join(f"{name} {_amount(votes)}" for name, votes in sorted(step.votes.items()))
    base = ", ".join(f"{name} {count}" for name, count in sorted(step.base.items()))
    result = ", ".join(f"{name} {count}" for name, count in sorted(step.result.items()))
    yield f"  division by {step.mode.value}: {step.seats} replicas"
    if base:
        yield f"    kept      {base}"
    if votes:
        yield f"    weights   {votes}"
    yield f"    result    {result or 'none'}"


def _overrides(works: tuple[Work, ...], cluster: str) -> Iterator[str]:
    shown = [
        work
        for work in works
        if (work.applied or work.problems) and (not cluster or cluster in work.clusters)
    ]
    if not shown:
        return
    yield ""
    yield "Overrides, in order:"
    for work in shown:
        yield f"  on {cluster or ', '.join(work.clusters)}"
        for rule in work.applied:
            policy = rule.policy
            scope = f"{policy.namespace}/{policy.name}" if policy.namespace else policy.name
            yield f"    {policy.kind} {scope}{_rule_place(policy.manifest, rule_path(rule.rule))}"
        for problem in work.problems:
            yield f"    {problem.code} {problem.message}"


def _rule_place(manifest: Manifest | None, path: tuple[str | int, ...]) -> str:
    return f"  {locate(manifest.origin, path)}" if manifest is not None else ""


def explained_json(found: Explained, cluster: str) -> dict[str, Any]:
    """The `Explanation` answer."""
    claimed = found.claimed
    return {
        "object": {
            "group": found.template.id.group,
            "kind": found.template.id.kind,
            "namespace": found.template.id.namespace,
            "name": found.template.id.name,
        },
        "location": str(found.template.origin.location),
        "verdict": _verdict(found, cluster),
        **({"neverPropagated": found.never} if found.never else {}),
        "policy": {
            "winner": str(claimed.claim) if claimed and claimed.claim else None,
            "rule": claimed.rule.name if claimed else None,
            "candidates": [
                {
                    "kind": each.policy.kind,
                    "namespace": each.policy.namespace,
                    "name": each.policy.name,
                    "priority": each.policy.priority,
                    "selectsBy": each.level.name.lower(),
                    "location": str(each.policy.manifest.origin.location) if each.policy.manifest else "",
                }
                for each in (claimed.candidates if claimed else ())
            ],
        },
        "trigger": found.decision.trigger.name if found.decision and found.decision.trigger else None,
        "groups": [_attempt_json(attempt, cluster) for attempt in found.attempts],
        "neededBy": list(found.needed_by),
        "overrides": [
            {
                "clusters": list(work.clusters),
                "rules": [
                    {"policy": rule.policy.name, "kind": rule.policy.kind, "rule": rule.rule.index}
                    for rule in work.applied
                ],
            }
            for work in found.works
            if not cluster or cluster in work.clusters
        ],
    }


def _attempt_json(attempt: Explanation, cluster: str) -> dict[str, Any]:
    return {
        "affinityName": attempt.affinity_name,
        "clusters": [
            {
                "name": verdict.name,
                "refusals": [{"filter": r.filter, "reason": r.reason} for r in verdict.refusals],
                "deleting": verdict.is_deleting,
                "score": verdict.score,
                "available": verdict.available,
                "selected": verdict.is_selected,
                "replicas": verdict.replicas,
            }
            for verdict in attempt.clusters
            if not cluster or verdict.name == cluster
        ],
        "divisions": [
            {
                "mode": step.mode.value,
                "seats": step.seats,
                "votes": dict(step.votes),
                "base": dict(step.base),
                "result": dict(step.result),
            }
            for step in attempt.steps
        ],
        **(
            {"failure": {"kind": attempt.failure.kind.value, "message": attempt.failure.message}}
            if attempt.failure
            else {}
        ),
    }
