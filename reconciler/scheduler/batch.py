"""All bindings of one pass, in one fixed order, each seeing what the ones before it took (spec scheduling §3.7, §4.8, §8).

Where Karmada's workers race, the order decides: priority, then namespace, then name. `Options.independent` gives Karmada's
own behaviour, in which every binding sees the observed capacity whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from reconciler.model.binding import Binding, ReplicaRequirements, TargetCluster
from reconciler.model.cluster import Cluster
from reconciler.model.identity import ObjectId
from reconciler.scheduler.explain import Explanation, explain
from reconciler.scheduler.outcome import Decision
from reconciler.scheduler.plugin import Peers
from reconciler.scheduler.registry import DEFAULT_SCHEDULER, Profile
from reconciler.scheduler.schedule import contexts, schedule_binding
from reconciler.scheduler.state import Options, State, new_state

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType({DEFAULT_SCHEDULER: Profile()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Replicas that a cluster holds, or will, and that its observation does not show yet."""

    cluster: str
    requirements: ReplicaRequirements | None
    replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """What a pass decided: one decision a binding, and the explanations that were asked for, one a group tried."""

    decisions: Mapping[ObjectId, Decision]
    explanations: Mapping[ObjectId, tuple[Explanation, ...]] = field(default_factory=dict)


def schedule_all(
    bindings: Iterable[Binding],
    clusters: Iterable[Cluster],
    now: datetime,
    *,
    profiles: Mapping[str, Profile] = PROFILES,
    options: Options | None = None,
    placed: Iterable[Placed] = (),
    others: Iterable[Binding] = (),
    explained: Collection[ObjectId] = (),
) -> Scheduled:
    """Schedules what takes part; any other binding is decided upon as it is, without a trigger.

    `placed` is deducted from the observed capacity before anything else (see `placed_since`); not if scheduling is independent. `others` are
    bindings that stand as they are, and count as peers of workload groups alone. The order of the arguments does not matter.
    """
    state = new_state(clusters, options)
    is_independent = state.options.independent
    if not is_independent:
        for item in placed:
            position = state.table.position_by_name.get(item.cluster)
            if position is not None:
                state.capacity.place(item.requirements, {position: item.replicas})
    ordered = sorted(bindings, key=order_of)
    groups = _Groups((*ordered, *others))
    decisions: dict[ObjectId, Decision] = {}
    explanations: dict[ObjectId, tuple[Explanation, ...]] = {}
    for binding in ordered:
        profile = profiles.get(binding.scheduler_name)
        if profile is None or not takes_part(binding):
            decisions[binding.resource] = Decision(binding=binding)
            continue
        peers = groups.peers(binding)
        if binding.resource in explained:
            explanations[binding.resource] = _explained(binding, profile, state, peers)
        decision = schedule_binding(binding, profile, state, now, peers)
        decisions[binding.resource] = decision
        if decision.is_renewed:
            groups.settle(decision.binding)
            if not is_independent:
                _deduct(state, binding.clusters, decision.binding)
    return Scheduled(decisions=decisions, explanations=explanations)


def _explained(binding: Binding, profile: Profile, state: State, peers: Peers) -> tuple[Explanation, ...]:
    """The groups in the order they are tried, up to the one that works."""
    result: list[Explanation] = []
    for context in contexts(binding, peers):
        result.append(explain(context, profile, state))
        failure = result[-1].failure
        if failure is None or failure.plugin:
            break
    return tuple(result)


def takes_part(binding: Binding) -> bool:
    """Whether a scheduler looks at the binding at all (§4.2): it is owned, and its scheduling is not suspended."""
    is_suspended = binding.suspension is not None and binding.suspension.scheduling
    return not is_suspended and (binding.claim is not None or bool(binding.managed_by))


def order_of(binding: Binding) -> tuple[int, str, str, ObjectId]:
    """The place of a binding in the pass: greater priority first, then by namespace and name."""
    return (-binding.schedule_priority, binding.namespace, binding.name, binding.resource)


def placed_since(
    bindings: Mapping[ObjectId, Binding], seen: Mapping[str, Mapping[ObjectId, Binding]]
) -> tuple[Placed, ...]:
    """What `bindings` place on each cluster beyond what its observation saw.

    `seen` is cluster to the bindings of the rendered commit that its observation names; a cluster that is missing there saw
    nothing of ours. What was taken away since is not given back: it may still be running.
    """
    result = []
    for id_, binding in sorted(bindings.items()):
        for target in binding.clusters if binding.is_workload else ():
            before = seen.get(target.name, {}).get(id_)
            held = 0 if before is None else _replicas_on(before, target.name)
            if target.replicas > held:
                result.append(
                    Placed(
                        cluster=target.name,
                        requirements=binding.requirements,
                        replicas=target.replicas - held,
                    )
                )
    return tuple(result)


def _replicas_on(binding: Binding, cluster: str) -> int:
    return next((target.replicas for target in binding.clusters if target.name == cluster), 0)


def _deduct(state: State, before: tuple[TargetCluster, ...], after: Binding) -> None:
    """Only what is new: what the binding held before is in the observation, or among `placed`."""
    held = {target.name: target.replicas for target in before}
    position_by_name = state.table.position_by_name
    added = {
        position_by_name[target.name]: more
        for target in after.clusters
        if (more := target.replicas - held.get(target.name, 0)) > 0 and target.name in position_by_name
    }
    if added:
        state.capacity.place(after.requirements, added)


class _Groups:
    """Where the members of workload groups run, as far as is known by now (§3.7): (namespace, group) to binding to clusters."""

    def __init__(self, bindings: Iterable[Binding]) -> None:
        self._affinity: dict[tuple[str, str], dict[ObjectId, frozenset[str]]] = {}
        self._anti_affinity: dict[tuple[str, str], dict[ObjectId, frozenset[str]]] = {}
        for binding in bindings:
            self.settle(binding)

    def settle(self, binding: Binding) -> None:
        """Takes a binding's result to be the newest one known."""
        names = frozenset(target.name for target in binding.clusters)
        for groups, group in (
            (self._affinity, binding.workload_affinity_group),
            (self._anti_affinity, binding.workload_anti_affinity_group),
        ):
            if group:
                groups.setdefault((binding.namespace, group), {})[binding.resource] = names

    def peers(self, binding: Binding) -> Peers:
        """The others of the binding's groups, those that run nowhere left out."""
        return Peers(
            affinity=self._others(self._affinity, binding, binding.workload_affinity_group),
            anti_affinity=self._others(self._anti_affinity, binding, binding.workload_anti_affinity_group),
        )

    @staticmethod
    def _others(
        groups: Mapping[tuple[str, str], Mapping[ObjectId, frozenset[str]]], binding: Binding, group: str
    ) -> tuple[frozenset[str], ...]:
        members = groups.get((binding.namespace, group), {}) if group else {}
        return tuple(names for id_, names in sorted(members.items()) if names and id_ != binding.resource)
