"""Asking the scheduler: CustomResourceDefinitions first, so that what they define can be placed in the same render.

Pure. Every rule of placement is the scheduler's; here is only who is asked, in which order, and what is known by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from reconciler.render.standing import Standing
from reconciler.scheduler.outcome import Decision, FailureKind
from reconciler.scheduler.registry import DEFAULT_SCHEDULER, Profile
from reconciler.scheduler.schedule import schedule_binding
from reconciler.scheduler.state import new_state


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Every binding after the pass. `renewed`: the scheduler looked at it and did not fail.

    `kept`: the pass failed and left the result as it was, so that part of the tree is not what was asked for.
    """

    bindings: Mapping[ObjectId, Binding]
    renewed: frozenset[ObjectId] = frozenset()
    kept: frozenset[ObjectId] = frozenset()
    problems: tuple[Problem, ...] = field(default=())


def place(
    standings: Sequence[Standing],
    clusters: Iterable[Cluster],
    policies: PolicyIndex,
    profiles: Mapping[str, Profile],
    now: datetime,
) -> Placed:
    """Schedules what stands to be scheduled; all other bindings are as their standings say."""
    clusters = tuple(clusters)
    asked = [each for each in standings if each.is_scheduled and each.binding is not None]
    others = {each.template.id: each.binding for each in standings if each.binding is not None}
    first = _decisions([each for each in asked if is_definition(each.template)], clusters, profiles, now)
    settled = others | {id_: decision.binding for id_, decision in first.items()}
    served = with_apis(clusters, _definitions_by_cluster(standings, settled))
    rest = _decisions([each for each in asked if not is_definition(each.template)], served, profiles, now)
    decisions = first | rest
    problems = []
    for each in asked:
        if each.template.id in decisions:
            problem = _problem(each.template, decisions[each.template.id], policies)
        else:
            problem = messages.no_scheduler(
                each.template, _policy(each.binding, policies), _scheduler(each.binding)
            )
        problems += [problem] if problem is not None else []
    return Placed(
        bindings=settled | {id_: decision.binding for id_, decision in rest.items()},
        renewed=frozenset(id_ for id_, decision in decisions.items() if decision.failure is None),
        kept=frozenset(
            each.template.id
            for each in asked
            if (decision := decisions.get(each.template.id)) is None
            or (decision.failure is not None and decision.failure.kind is not FailureKind.FIT)
        ),
        problems=tuple(problems),
    )


def _decisions(
    standings: Sequence[Standing],
    clusters: tuple[Cluster, ...],
    profiles: Mapping[str, Profile],
    now: datetime,
) -> dict[ObjectId, Decision]:
    state = new_state(clusters)
    decisions = {}
    for each in standings:
        binding = each.binding
        if binding is None or _scheduler(binding) not in profiles:
            continue
        decisions[each.template.id] = schedule_binding(binding, profiles[_scheduler(binding)], state, now)
    return decisions


def _definitions_by_cluster(
    standings: Sequence[Standing], bindings: Mapping[ObjectId, Binding]
) -> dict[str, tuple[Manifest, ...]]:
    definitions: dict[str, tuple[Manifest, ...]] = {}
    for each in standings:
        binding = bindings.get(each.template.id)
        if binding is not None and is_definition(each.template):
            for name in binding.target_names:
                definitions[name] = (*definitions.get(name, ()), each.template)
    return definitions


def _problem(template: Manifest, decision: Decision, policies: PolicyIndex) -> Problem | None:
    if decision.failure is None:
        return None
    return messages.unscheduled(template, _policy(decision.binding, policies), decision.failure)


def _policy(binding: Binding | None, policies: PolicyIndex) -> PropagationPolicy | None:
    claim = binding.claim if binding is not None else None
    return policies.by_claim.get(claim) if claim is not None else None


def _scheduler(binding: Binding | None) -> str:
    return binding.scheduler_name if binding is not None else DEFAULT_SCHEDULER
