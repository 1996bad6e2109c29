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
from reconciler.policy.precedence import PolicyIndex
from reconciler.render import messages
from reconciler.render.facts import is_definition, with_apis
from reconciler.render.memo import Memo
from reconciler.render.standing import Track
from reconciler.scheduler.batch import Placed, schedule_all, takes_part
from reconciler.scheduler.due import is_reschedule_required
from reconciler.scheduler.explain import Explanation
from reconciler.scheduler.outcome import Decision, FailureKind, Trigger
from reconciler.scheduler.registry import Profile
from reconciler.scheduler.state import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduling:
    """What the scheduler is given besides bindings and clusters.

    `placed`: replicas that no observation shows yet. `kept`: bindings of templates that no file of an incomplete fleet holds.
    `explained`: what it is to give an account of.
    """

    policies: PolicyIndex
    profiles: Mapping[str, Profile]
    options: Options
    placed: tuple[Placed, ...] = ()
    kept: tuple[Binding, ...] = ()
    explained: frozenset[ObjectId] = frozenset()


@dataclass(slots=True, kw_only=True)
class Placing:
    """What came of asking the scheduler, beside the tracks: problems, and the accounts that were asked for."""

    problems: list[Problem] = field(default_factory=list)
    decisions: dict[ObjectId, Decision] = field(default_factory=dict)
    explanations: dict[ObjectId, tuple[Explanation, ...]] = field(default_factory=dict)


def place(
    tracks: Sequence[Track], clusters: tuple[Cluster, ...], scheduling: Scheduling, now: datetime, memo: Memo
) -> Placing:
    """Schedules what stands to be scheduled, and says on each track what came of it; all other bindings stay as they are."""
    asked = [track for track in tracks if track.standing.is_scheduled and track.binding is not None]
    definitions = [track for track in asked if is_definition(track.standing.template)]
    placing = Placing()
    _schedule(definitions, tracks, clusters, scheduling, now, placing)
    defined = _definitions_by_cluster(tracks)
    served = memo.fleet.remember("served", (clusters, defined), lambda: with_apis(clusters, dict(defined)))
    rest = asked if not definitions else [t for t in asked if not is_definition(t.standing.template)]
    _schedule(rest, tracks, served, scheduling, now, placing)
    return placing


def _schedule(
    asked: Sequence[Track],
    tracks: Sequence[Track],
    clusters: tuple[Cluster, ...],
    scheduling: Scheduling,
    now: datetime,
    placing: Placing,
) -> None:
    open_: dict[ObjectId, tuple[Track, Binding]] = {}
    for track in asked:
        binding = track.binding
        if binding is None:
            continue
        profile = scheduling.profiles.get(binding.scheduler_name)
        known = track.lane.recall("scheduled", (binding, clusters, profile, scheduling.options))
        if known is None:
            open_[track.id] = (track, binding)
        else:
            track.binding, track.is_renewed = known[0]
    if not open_:
        return
    scheduled = schedule_all(
        (binding for _, binding in open_.values()),
        clusters,
        now,
        profiles=scheduling.profiles,
        options=scheduling.options,
        placed=scheduling.placed,
        others=[
            *(t.binding for t in tracks if t.binding and _is_grouped(t.binding) and t.id not in open_),
            *filter(_is_grouped, scheduling.kept),
        ],
        explained=scheduling.explained,
    )
    placing.explanations |= scheduled.explanations
    placing.decisions |= {id_: scheduled.decisions[id_] for id_ in scheduling.explained & open_.keys()}
    for track, binding in open_.values():
        decision = scheduled.decisions[track.id]
        profile = scheduling.profiles.get(binding.scheduler_name)
        track.binding = decision.binding
        track.is_renewed = decision.failure is None and profile is not None and takes_part(decision.binding)
        problem = _problem(track.standing.template, decision, profile, scheduling.policies)
        if problem is not None:
            placing.problems.append(problem)
            track.is_kept = decision.failure is None or decision.failure.kind is not FailureKind.FIT
        elif _is_steady(binding, decision, profile):
            inputs = (binding, clusters, profile, scheduling.options)
            track.lane.keep("scheduled", inputs, (track.binding, track.is_renewed))


def _is_grouped(binding: Binding) -> bool:
    return bool(binding.workload_affinity_group or binding.workload_anti_affinity_group)


def _is_steady(before: Binding, decision: Decision, profile: Profile | None) -> bool:
    """Whether the decision takes nothing from anybody, and would be the same whatever others take, and whenever.

    True where nothing called for scheduling; and where all fitting clusters are chosen anyway, and are those chosen before.
    """
    if _is_grouped(before):
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


def _definitions_by_cluster(tracks: Sequence[Track]) -> tuple[tuple[str, tuple[Manifest, ...]], ...]:
    """(cluster, the CustomResourceDefinitions that this render puts there), by name."""
    found: dict[str, list[Manifest]] = {}
    for track in tracks:
        if is_definition(track.standing.template) and track.binding is not None:
            for name in track.binding.target_names:
                found.setdefault(name, []).append(track.standing.template)
    return tuple((name, tuple(found[name])) for name in sorted(found))


def _problem(
    template: Manifest, decision: Decision, profile: Profile | None, policies: PolicyIndex
) -> Problem | None:
    if profile is not None and decision.failure is None:
        return None
    claim = decision.binding.claim
    policy = policies.by_claim.get(claim) if claim is not None else None
    if profile is None:
        return messages.no_scheduler(template, policy, decision.binding.scheduler_name)
    return None if decision.failure is None else messages.unscheduled(template, policy, decision.failure)
