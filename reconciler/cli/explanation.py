"""An explanation as people and as machines read it: each decision with its rule, its file and its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.cli.output import table
from reconciler.errors import Location
from reconciler.manifests.locate import locate
from reconciler.model.manifest import Manifest
from reconciler.overrides.outcome import rule_path
from reconciler.policy.claim import Claimed, Rule
from reconciler.policy.precedence import Candidate, loses_by
from reconciler.render.explain import Explained
from reconciler.render.works import Work
from reconciler.scheduler.explain import ClusterVerdict, Explanation, Step

_SPARED = "not asked: the cluster holds the object already"


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
            yield f"  {_candidate(candidate, found.claimed)}"
    if found.held:
        yield f"  held as it was: {found.held}"
    for problem in found.problems:
        yield f"  {problem.code} {problem.message}"
    if found.decision is not None:
        yield ""
        trigger = found.decision.trigger
        stands = f"{found.waits or 'nothing calls for it'}, so the last result stands"
        yield f"Scheduling: {trigger.value if trigger else stands}"
    if found.groups:
        yield ""
        yield "Groups, in order:"
        for group in found.groups:
            yield f"  {group.name}: {group.outcome.value}{_at(group.location)}"
    for attempt in found.attempts:
        yield from _attempt(attempt, found, cluster)
    if found.needed_by:
        yield ""
        yield f"Follows: {', '.join(found.needed_by)}"
    yield from _overrides(found.works, cluster)


def _at(location: Location | None) -> str:
    return f"  {location}" if location is not None else ""


def _within(location: Location | None) -> str:
    return f" ({location})" if location is not None else ""


def _verdict(found: Explained, cluster: str) -> str:
    if found.everywhere:
        return f"on {cluster or 'every cluster'}: a Namespace needs no policy"
    if found.binding is None:
        return "not placed"
    shares = {target.name: target.replicas for target in found.binding.clusters}
    names = [name for name in found.binding.target_names if not cluster or name == cluster]
    if not names:
        return f"not on {cluster}" if cluster else "on no cluster"
    if not found.binding.is_workload:
        return "on " + ", ".join(names)
    return ", ".join(_share(name, shares.get(name, 0), found.delivered.get(name)) for name in names)


def _share(name: str, scheduled: int, delivered: int | None) -> str:
    return f"{name} {scheduled}" if delivered is None else f"{name} {scheduled} (override: {delivered})"


def _candidate(candidate: Candidate, claimed: Claimed) -> str:
    policy = candidate.policy
    scope = f"{policy.namespace}/{policy.name}" if policy.namespace else policy.name
    lost = _lost(candidate, claimed)
    return (
        f"{' ' if lost else '*'} {policy.kind} {scope}: priority {policy.priority}, selects by {candidate.level.name.lower()}"
        f"{_at(policy.manifest.origin.location if policy.manifest else None)}{f'; lost: {lost}' if lost else ''}"
    )


def _lost(candidate: Candidate, claimed: Claimed) -> str:
    """Why a policy did not win; empty for the winner."""
    winner = next((each for each in claimed.candidates if each.policy is claimed.policy), None)
    if winner is None:
        return claimed.rule.value
    if candidate.policy is winner.policy:
        return ""
    if claimed.rule is Rule.PREEMPTED and candidate.policy.preemption != "Always":
        return "the winner preempts, with preemption: Always"
    return loses_by(candidate, winner) or f"the claim is kept: {Rule.KEPT.value}"


def _attempt(attempt: Explanation, found: Explained, cluster: str) -> Iterator[str]:
    group = f" group {attempt.affinity_name}" if attempt.affinity_name else ""
    yield ""
    yield f"Clusters{group}{', if it were scheduled now' if found.is_hypothetical else ''}:"
    shown = [verdict for verdict in attempt.clusters if not cluster or verdict.name == cluster]
    header = ["CLUSTER", "FITS", "SCORE", "AVAILABLE", "HELD", "SELECTED", "REPLICAS", "WHY NOT"]
    yield from (f"  {line}" for line in table(header, [_row(each, found) for each in shown]).splitlines())
    if cluster:
        yield from (line for verdict in shown for line in _filters(verdict, found))
    if attempt.regions:
        yield f"  regions, of which the heaviest combination within the limits is taken{_at(found.place('spreadConstraints'))}"
        rows = [[r.name, r.clusters, r.weight, "yes" if r.is_chosen else ""] for r in attempt.regions]
        yield from (
            f"    {line}" for line in table(["REGION", "CLUSTERS", "WEIGHT", "CHOSEN"], rows).splitlines()
        )
    for step in attempt.steps:
        yield from _step(step, attempt, found)
    if attempt.failure is not None:
        yield f"  {attempt.failure.kind.value}: {attempt.failure.message}"


def _row(verdict: ClusterVerdict, found: Explained) -> list[object]:
    reasons = "; ".join(
        f"{refusal.filter}: {refusal.reason}{_within(found.place_of(verdict.name, refusal))}"
        for refusal in verdict.refusals
    )
    if verdict.is_deleting:
        reasons = "the cluster is being deleted"
    fits = not verdict.refusals and not verdict.is_deleting
    is_workload = found.binding is not None and found.binding.is_workload
    scores = ", ".join(f"{name} {points}" for name, points in verdict.scores.items())
    return [
        verdict.name,
        "yes" if fits else "no",
        (scores or verdict.score) if fits else "",
        "" if verdict.available is None else _amount(verdict.available),
        _held(verdict) or "",
        "yes" if verdict.is_selected else "",
        "" if verdict.replicas is None or not is_workload else verdict.replicas,
        reasons,
    ]


def _held(verdict: ClusterVerdict) -> int:
    if verdict.available is None or verdict.allocatable is None:
        return 0
    return verdict.available - verdict.allocatable


def _filters(verdict: ClusterVerdict, found: Explained) -> Iterator[str]:
    """Every filter's verdict on one cluster."""
    rows = [[r.filter, f"{r.reason}{_within(found.place_of(verdict.name, r))}"] for r in verdict.refusals]
    rows += [[name, "fits"] for name in verdict.passed] + [[name, _SPARED] for name in verdict.spared]
    if rows:
        yield f"  filters on {verdict.name}:"
        yield from (f"    {line}" for line in table(["FILTER", "VERDICT"], rows).splitlines())


def _amount(number: int) -> str:
    return "unlimited" if number >= 2**31 - 1 else str(number)


def _step(step: Step, attempt: Explanation, found: Explained) -> Iterator[str]:
    yield f"  division by {step.mode.value}: {step.seats} replicas{_at(found.place('replicaScheduling'))}"
    if step.base:
        yield f"    kept      {_listed(step.base)}"
    if step.votes:
        total = sum(step.votes.values())
        exact = (
            {name: f"{step.seats * votes / total:.2f}" for name, votes in step.votes.items()} if total else {}
        )
        yield f"    weights   {', '.join(f'{name} {_amount(votes)}' for name, votes in sorted(step.votes.items()))}"
        yield f"    exactly   {', '.join(f'{name} {share}' for name, share in sorted(exact.items())) or 'none'}"
        yield f"    ties      go to the {'greater' if attempt.ties_descend else 'smaller'} name"
    yield f"    result    {_listed(step.result) or 'none'}"


def _listed(replicas: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(replicas.items()))


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
            yield f"    {policy.kind} {scope}{_at(_rule_place(policy.manifest, rule_path(rule.rule)))}"
        for problem in work.problems:
            yield f"    {problem.code} {problem.message}"


def _rule_place(manifest: Manifest | None, path: tuple[str | int, ...]) -> Location | None:
    return locate(manifest.origin, path) if manifest is not None else None


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
        **({"held": found.held} if found.held else {}),
        **({"waits": found.waits} if found.waits else {}),
        **({"everywhere": True} if found.everywhere else {}),
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
                    "lostBy": _lost(each, claimed),
                }
                for each in (claimed.candidates if claimed else ())
                if claimed is not None
            ],
        },
        "trigger": found.decision.trigger.name if found.decision and found.decision.trigger else None,
        "affinityGroups": [
            {
                "name": g.name,
                "outcome": g.outcome.name,
                "reason": g.outcome.value,
                "location": _text(g.location),
            }
            for g in found.groups
        ],
        "groups": [_attempt_json(attempt, found, cluster) for attempt in found.attempts],
        "neededBy": list(found.needed_by),
        "overrides": [
            {
                "clusters": list(work.clusters),
                "rules": [
                    {
                        "policy": rule.policy.name,
                        "kind": rule.policy.kind,
                        "rule": rule.rule.index,
                        "location": _text(_rule_place(rule.policy.manifest, rule_path(rule.rule))),
                    }
                    for rule in work.applied
                ],
            }
            for work in found.works
            if not cluster or cluster in work.clusters
        ],
    }


def _text(location: Location | None) -> str:
    return "" if location is None else str(location)


def _attempt_json(attempt: Explanation, found: Explained, cluster: str) -> dict[str, Any]:
    return {
        "affinityName": attempt.affinity_name,
        "hypothetical": found.is_hypothetical,
        "clusters": [
            _cluster_json(verdict, found)
            for verdict in attempt.clusters
            if not cluster or verdict.name == cluster
        ],
        "regions": [
            {"name": r.name, "clusters": r.clusters, "weight": r.weight, "chosen": r.is_chosen}
            for r in attempt.regions
        ],
        "divisions": [
            {
                "mode": step.mode.value,
                "seats": step.seats,
                "votes": dict(step.votes),
                "base": dict(step.base),
                "result": dict(step.result),
                "ties": "descending" if attempt.ties_descend else "ascending",
                "location": _text(found.place("replicaScheduling")),
            }
            for step in attempt.steps
        ],
        **(
            {"failure": {"kind": attempt.failure.kind.value, "message": attempt.failure.message}}
            if attempt.failure
            else {}
        ),
    }


def _cluster_json(verdict: ClusterVerdict, found: Explained) -> dict[str, Any]:
    return {
        "name": verdict.name,
        "refusals": [
            {"filter": r.filter, "reason": r.reason, "location": _text(found.place_of(verdict.name, r))}
            for r in verdict.refusals
        ],
        "passed": list(verdict.passed),
        "notAsked": list(verdict.spared),
        "deleting": verdict.is_deleting,
        "held": _held(verdict),
        "overflow": verdict.overflow,
        "score": verdict.score,
        "scores": dict(verdict.scores),
        "available": verdict.available,
        "selected": verdict.is_selected,
        "replicas": verdict.replicas,
    }
