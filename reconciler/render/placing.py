"""Asking the scheduler: CustomResourceDefinitions first, so that what they define can be placed in the same render.

Pure. Every rule of placement is the scheduler's; here is only who is asked, and what is known by then. A binding whose
result cannot depend on what others take is not asked again while nothing that concerns it has changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.errors import Problem
from reconciler.model.binding import Binding
from reconciler.model.cluster import Cluster
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest
from reconciler.model.policy import PropagationPolicy
from reconciler.policy.precedence import PolicyIndex
from reconciler.render import messages
from reconciler.render.facts import is_definition, with_apis
from reconciler.render.memo import Memo
from reconciler.render.standing import Standing
from reconciler.scheduler.batch import Placed, schedule_all, takes_part
from reconciler.scheduler.due import is_reschedule_required
from reconciler.scheduler.outcome import Decision, FailureKind, Trigger
from reconciler.scheduler.registry import Profile
from reconciler.scheduler.state import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduling:
    """What the scheduler is given besides bindings and clusters. `placed`: replicas that no observation shows yet."""

    policies: PolicyIndex
    profiles: Mapping[str, Profile]
    options: Options
    placed: tuple[Placed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Every binding after the pass. `renewed`: the scheduler looked at it and did not fail.

    `kept`: the pass failed and left the result as it was, so that part of the tree is not what was asked for.
    """

    bindings: Mapping[ObjectId, Binding]
    renewed: frozenset[ObjectId] = frozenset()
    kept: frozenset[ObjectId] = frozenset()
    problems: tuple[Problem, ...] = field(default=())


def place(
    standings: Sequence[Standing],
    clusters: tuple[Cluster, ...],
    scheduling: Scheduling,
    now: datetime,
    memo: Memo,
) -> Placement:
    """Schedules what stands to be scheduled; all other bindings are as their standings say."""
    asked = [
        (each.template, each.binding) for each in standings if each.is_scheduled and each.binding is not None
    ]
    standing = {each.template.id: each.binding for each in standings if each.binding is not None}
    others = [each.binding for each in standings if not each.is_scheduled and each.binding is not None]
    definitions = [binding for template, binding in asked if is_definition(template)]
    decisions = _decisions(definitions, others, clusters, scheduling, now, memo)
    standing |= {id_: decision.binding for id_, decision in decisions.items()}
    defined = _definitions_by_cluster(standings, standing)
    served = memo.remember("served", (), (clusters, defined), lambda: with_apis(clusters, dict(defined)))
    rest = [binding for template, binding in asked if not is_definition(template)]
    decisions |= _decisions(rest, others, served, scheduling, now, memo)
    standing |= {id_: decision.binding for id_, decision in decisions.items()}
    problems = (_problem(template, decisions[template.id], scheduling) for template, _ in asked)
    return Placement(
        bindings=standing,
        renewed=frozenset(id_ for id_, decision in decisions.items() if _is_renewed(decision, scheduling)),
        kept=frozenset(id_ for id_, d in decisions.items() if _is_kept(d, scheduling)),
        problems=tuple(problem for problem in problems if problem is not None),
    )


def _decisions(
    bindings: Sequence[Binding],
    others: Sequence[Binding],
    clusters: tuple[Cluster, ...],
    scheduling: Scheduling,
    now: datetime,
    memo: Memo,
) -> dict[ObjectId, Decision]:
    decisions: dict[ObjectId, Decision] = {}
    open_: list[Binding] = []
    for binding in bindings:
        inputs = (binding, clusters, _profile_of(binding, scheduling), scheduling.options)
        known = memo.recall("scheduled", binding.resource, inputs)
        if known is None:
            open_.append(binding)
        else:
            decisions[binding.resource] = known[0]
    if not open_:
        return decisions
    found = schedule_all(
        open_,
        clusters,
        now,
        profiles=scheduling.profiles,
        options=scheduling.options,
        placed=scheduling.placed,
        others=(*others, *(decision.binding for decision in decisions.values())),
    ).decisions
    for binding in open_:
        decision = found[binding.resource]
        profile = _profile_of(binding, scheduling)
        if _is_steady(binding, decision, profile):
            memo.keep(
                "scheduled", binding.resource, (binding, clusters, profile, scheduling.options), decision
            )
    return decisions | dict(found)


def _is_steady(before: Binding, decision: Decision, profile: Profile | None) -> bool:
    """Whether the decision takes nothing from anybody, and would be the same whatever others take, and whenever.

    True where nothing called for scheduling; and where all fitting clusters are chosen anyway, and are those chosen before.
    """
    if before.workload_affinity_group or before.workload_anti_affinity_group:
        return False
    if decision.trigger is None:
        return True
    placement = before.placement
    after = decision.binding
    return (
        decision.trigger is Trigger.ALWAYS
        and decision.failure is None
        and profile is not None
        and profile.scheduler is None
        and placement is not None
        and not placement.spread_constraints
        and not placement.cluster_affinities
        and not is_reschedule_required(before)
        and (after.clusters, after.scheduled, after.applied_placement, after.observed_affinity)
        == (before.clusters, before.scheduled, before.applied_placement, before.observed_affinity)
    )


def _definitions_by_cluster(
    standings: Sequence[Standing], bindings: Mapping[ObjectId, Binding]
) -> tuple[tuple[str, tuple[Manifest, ...]], ...]:
    """(cluster, the CustomResourceDefinitions that this render puts there), by name."""
    found: dict[str, list[Manifest]] = {}
    for each in standings:
        if is_definition(each.template) and each.template.id in bindings:
            for name in bindings[each.template.id].target_names:
                found.setdefault(name, []).append(each.template)
    return tuple((name, tuple(found[name])) for name in sorted(found))


def _problem(template: Manifest, decision: Decision, scheduling: Scheduling) -> Problem | None:
    policy = _policy(decision.binding, scheduling.policies)
    if _profile(decision, scheduling) is None:
        return messages.no_scheduler(template, policy, decision.binding.scheduler_name)
    return None if decision.failure is None else messages.unscheduled(template, policy, decision.failure)


def _is_renewed(decision: Decision, scheduling: Scheduling) -> bool:
    return (
        decision.failure is None
        and _profile(decision, scheduling) is not None
        and takes_part(decision.binding)
    )


def _is_kept(decision: Decision, scheduling: Scheduling) -> bool:
    if _profile(decision, scheduling) is None:
        return True
    return decision.failure is not None and decision.failure.kind is not FailureKind.FIT


def _profile(decision: Decision, scheduling: Scheduling) -> Profile | None:
    return _profile_of(decision.binding, scheduling)


def _profile_of(binding: Binding, scheduling: Scheduling) -> Profile | None:
    return scheduling.profiles.get(binding.scheduler_name)


def _policy(binding: Binding, policies: PolicyIndex) -> PropagationPolicy | None:
    return policies.by_claim.get(binding.claim) if binding.claim is not None else None
