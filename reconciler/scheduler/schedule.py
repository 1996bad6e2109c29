"""One binding: filter, score, select, assign; and the walk over affinity groups around that (spec scheduling §3.3, §4.1).

Pure: the capacity in `State` is read here and deducted from by whoever decides what counts as placed (`batch`).
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.model.binding import Binding, TargetCluster
from reconciler.model.cluster import Condition
from reconciler.model.policy import DivisionStrategy, Placement, ReplicaScheduling, SpreadConstraint
from reconciler.scheduler.due import is_reschedule_required, trigger_of
from reconciler.scheduler.guarded import PluginFailed
from reconciler.scheduler.outcome import (
    SUCCESS_MESSAGE,
    Attempt,
    Decision,
    Failure,
    FailureKind,
    Shares,
    fit_failure,
    summary,
)
from reconciler.scheduler.plugin import Context, Peers
from reconciler.scheduler.registry import Profile
from reconciler.scheduler.replicas.divide import Division, strategy_of
from reconciler.scheduler.replicas.webster import is_descending
from reconciler.scheduler.spread import by_cluster, by_region
from reconciler.scheduler.spread.group import Candidates, in_order, refusal
from reconciler.scheduler.state import State, first_reason


def schedule(context: Context, profile: Profile, state: State) -> Attempt:
    """One attempt for one affinity group. A plugin that fails fails it: nothing is decided without one."""
    try:
        return _scheduled(context, profile, state)
    except PluginFailed as error:
        return _attempt(context, state, failure=error.failure)


def _scheduled(context: Context, profile: Profile, state: State) -> Attempt:
    if profile.scheduler is not None:
        living = [state.table.clusters[position] for position in state.table.living]
        answer = profile.scheduler(context, living)
        if isinstance(answer, Failure):
            return _attempt(context, state, failure=answer)
        return _attempt(context, state, clusters=answer)
    fitting = find_fitting(context, profile, state)
    if not fitting.positions:
        failure = fit_failure(len(state.table.clusters), fitting.refused)
        return _attempt(context, state, fitting, failure=failure)
    candidates = rank(context, profile, state, fitting.positions)
    selected = select(context, state, candidates)
    if isinstance(selected, Failure):
        return _attempt(context, state, fitting, failure=selected.within("failed to select clusters"))
    shares = assign(context, state, candidates, selected)
    if isinstance(shares, Failure):
        failure = shares.within("failed to assign replicas")
        return _attempt(context, state, fitting, failure=failure, selected=selected)
    return _attempt(context, state, fitting, selected=selected, shares=shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """Positions of the clusters that pass all filters, by name, and the first reasons against the others, folded."""

    positions: Sequence[int]
    refused: Mapping[str, int]


def find_fitting(context: Context, profile: Profile, state: State) -> Fitting:
    """Step 1, filter. Most clusters are answered for by the screen; asked again are those that this binding treats apart."""
    screen = state.screen(context, profile)
    apart = _apart(context, profile, state)
    if not apart:
        return Fitting(positions=screen.passing, refused=screen.counts)
    counts = Counter(screen.counts)
    counts.subtract(screen.refused[position] for position in apart if position in screen.refused)
    positions = [position for position in screen.passing if position not in apart]
    for position in sorted(apart):
        reason = first_reason(context, profile, screen, position, state.table.clusters[position])
        if reason:
            counts[reason] += 1
        else:
            insort(positions, position)
    return Fitting(positions=positions, refused={why: n for why, n in sorted(counts.items()) if n})


def _apart(context: Context, profile: Profile, state: State) -> set[int]:
    """Living positions whose verdict the screen does not settle: previous clusters, and those other filters look at."""
    names = list(context.previous)
    for filter_ in profile.filters:
        if filter_.depends_on is not None:
            continue
        concerned = filter_.concerns(context) if filter_.concerns is not None else None
        if concerned is None:
            return set(state.table.living)
        names.extend(concerned)
    clusters = state.table.clusters
    return {p for p in state.table.positions(names) if clusters[p].deletion_timestamp is None}


def rank(context: Context, profile: Profile, state: State, fitting: Sequence[int]) -> Candidates:
    """Step 2, score: the fitting clusters with what they can take, best first where an order is needed."""
    scores = _scores(context, profile, state, fitting)
    overflow = state.overflow(context)
    allocatable = state.allocatable(context)
    available = allocatable
    if context.previous:
        available = list(allocatable)
        for name, held in context.previous.items():
            if name in state.table.position_by_name:
                available[state.table.position_by_name[name]] += held
    order = fitting if _is_order_moot(context) else in_order(fitting, available, scores, overflow)
    return Candidates(
        order=order, allocatable=allocatable, available=available, scores=scores, overflow=overflow
    )


def _scores(context: Context, profile: Profile, state: State, fitting: Sequence[int]) -> dict[int, int]:
    """Position to the sum of all scores, for those that have any."""
    totals: dict[int, int] = {}
    clusters = state.table.clusters
    for score in profile.scores:
        concerned = score.concerns(context) if score.concerns is not None else None
        for position in fitting if concerned is None else state.table.positions(concerned):
            points = score.grade(context, clusters[position])
            if points:
                totals[position] = totals.get(position, 0) + points
    return totals


def _is_order_moot(context: Context) -> bool:
    """Whether every fitting cluster is selected and weights alone decide: then sorting thousands is for nothing."""
    if _is_selecting(context.placement) or not _is_divided_work(context.binding):
        return False
    strategy = strategy_of(context.placement.replica_scheduling)
    return strategy in (DivisionStrategy.STATIC_WEIGHT, DivisionStrategy.DYNAMIC_WEIGHT)


def select(context: Context, state: State, candidates: Candidates) -> Sequence[int] | Failure:
    """Step 3, select: the clusters that the spread constraints ask for (§3.5)."""
    placement = context.placement
    if not _is_selecting(placement):
        return candidates.order
    need = _need(context)
    limits = _limits(placement)
    clusters = limits.get("cluster")
    if "region" in limits:
        replicas = context.binding.replicas
        return by_region.select(candidates, state.table.regions, limits["region"], clusters, need, replicas)
    if clusters is not None:
        return by_cluster.select(candidates, clusters.min_groups, clusters.max_groups, need)
    return refusal("just support cluster and region spread constraint")


def regions(context: Context, state: State, candidates: Candidates) -> list[by_region.Region]:
    """The regions that `select` chooses from; none where it does not choose regions."""
    limits = _limits(context.placement)
    if not _is_selecting(context.placement) or "region" not in limits:
        return []
    return by_region.weighed(
        candidates,
        by_region.members_of(candidates, state.table.regions),
        limits["region"],
        limits.get("cluster"),
        _need(context),
        context.binding.replicas,
    )


def _limits(placement: Placement) -> dict[str, SpreadConstraint]:
    return {constraint.spread_by_field: constraint for constraint in placement.spread_constraints}


def _need(context: Context) -> int | None:
    """Replicas that the selected clusters must be able to take; None where that does not matter."""
    if strategy_of(context.placement.replica_scheduling) is DivisionStrategy.DUPLICATED:
        return None
    return context.binding.replicas


def _is_selecting(placement: Placement) -> bool:
    # Karmada: static weights make spread constraints moot.
    return bool(placement.spread_constraints) and not _ignores_spread(placement.replica_scheduling)


def _ignores_spread(scheduling: ReplicaScheduling | None) -> bool:
    if scheduling is None or (scheduling.type, scheduling.division_preference) != ("Divided", "Weighted"):
        return False
    preference = scheduling.weight_preference
    return preference is None or (bool(preference.static_weight_list) and not preference.dynamic_weight)


def assign(
    context: Context, state: State, candidates: Candidates, selected: Sequence[int]
) -> tuple[Shares, ...] | Failure | None:
    """Step 4, assign: the divisions of the replicas, one a tier; None where the template has no replicas to divide."""
    if not selected:
        return Failure(kind=FailureKind.ERROR, message="no clusters available to schedule")
    binding = context.binding
    if not _is_divided_work(binding):
        return None
    strategy = strategy_of(context.placement.replica_scheduling)
    if isinstance(strategy, Failure):
        return strategy
    is_static = strategy is DivisionStrategy.STATIC_WEIGHT
    position_by_name = state.table.position_by_name
    previous = {position_by_name[n]: held for n, held in context.previous.items() if n in position_by_name}
    division = Division(
        strategy=strategy,
        allocatable=candidates.allocatable,
        previous=previous,
        weights=state.static_weights(context.placement) if is_static else (),
        is_fresh=context.is_fresh,
        descending=is_descending(binding.uid),
    )
    term = context.term
    if term is not None and term.overflow_affinities:
        return _by_tier(division, candidates, selected, binding.replicas)
    shares = division.divide(selected, binding.replicas)
    return shares if isinstance(shares, Failure) else (shares,)


def _by_tier(
    division: Division, candidates: Candidates, selected: Sequence[int], replicas: int
) -> tuple[Shares, ...] | Failure:
    """Overflow (§4.7): each tier takes what it can before the next one is asked."""
    tiers: dict[int, list[int]] = {}
    for position in selected:
        tiers.setdefault(candidates.overflow.get(position, 0), []).append(position)
    result: list[Shares] = []
    for _, members in sorted(tiers.items()):
        if replicas <= 0:
            break
        quota = min(replicas, sum(candidates.available[position] for position in members))
        shares = division.divide(members, quota)
        if isinstance(shares, Failure):
            return shares
        result.append(shares)
        replicas -= quota
    if replicas > 0:
        message = "Clusters available replicas are not enough to schedule."
        return Failure(kind=FailureKind.UNSCHEDULABLE, message=message)
    return tuple(result)


def _is_divided_work(binding: Binding) -> bool:
    has_replicas = binding.replicas > 0 or binding.requirements is not None
    return has_replicas and len(binding.components) <= 1


def _attempt(
    context: Context,
    state: State,
    fitting: Fitting | None = None,
    *,
    failure: Failure | None = None,
    clusters: tuple[TargetCluster, ...] = (),
    selected: Sequence[int] = (),
    shares: tuple[Shares, ...] | None = (),
) -> Attempt:
    if failure is None and fitting is not None:
        if shares is None:
            clusters = tuple(state.target(position, 0) for position in selected)
        else:
            given = {position: count for share in shares for position, count in share.result.items()}
            if state.options.empty_workload_propagation:
                given.update((position, 0) for position in selected if position not in given)
            clusters = tuple(state.target(position, count) for position, count in given.items())
    return Attempt(
        affinity_name=context.affinity_name,
        clusters=clusters,
        failure=failure,
        total=len(state.table.clusters),
        refused=fitting.refused if fitting is not None else {},
        fitting=len(fitting.positions) if fitting is not None else 0,
        selected=selected,
        shares=shares or (),
    )


def schedule_binding(
    binding: Binding, profile: Profile, state: State, now: datetime, peers: Peers | None = None
) -> Decision:
    """What this pass makes of a binding: whether it is due, the groups tried, and the binding afterwards (§4.9)."""
    trigger = trigger_of(binding, state.table)
    if trigger is None:
        return Decision(binding=replace(binding, observed_generation=binding.generation))
    attempts: list[Attempt] = []
    for context in contexts(binding, peers):
        attempt = schedule(context, profile, state)
        attempts.append(attempt)
        if attempt.failure is None:
            done = _succeeded(binding, attempt, now)
            return Decision(binding=done, trigger=trigger, attempts=tuple(attempts), is_renewed=True)
        if attempt.failure.plugin:
            break
    # The first failure is the one that is told and acted on, whatever later groups met. But where a plugin failed nobody
    # knows whether that group could have taken it: no later one is tried, and no earlier one's refusal empties the result.
    failure = attempts[-1].failure
    if failure is None or not failure.plugin:
        failure = attempts[0].failure
    if failure is None:
        raise AssertionError("a binding without an attempt")
    after = _failed(binding, failure, now)
    return Decision(binding=after, trigger=trigger, attempts=tuple(attempts), failure=failure)


def contexts(binding: Binding, peers: Peers | None = None) -> list[Context]:
    """One for each affinity group from the current one on; groups before it are tried on a reschedule alone (§3.3)."""
    placement = binding.placement or Placement()
    fresh = is_reschedule_required(binding)
    names = [term.affinity_name for term in placement.cluster_affinities] or [""]
    start = 0
    if binding.observed_affinity and binding.observed_affinity in names and not fresh:
        start = names.index(binding.observed_affinity)
    previous = {target.name: target.replicas for target in binding.clusters}
    return [
        Context(
            binding=binding,
            placement=placement,
            affinity_name=name,
            previous=previous,
            is_fresh=fresh,
            peers=peers or Peers(),
        )
        for name in names[start:]
    ]


def _succeeded(binding: Binding, attempt: Attempt, now: datetime) -> Binding:
    clusters, reasons = attempt.clusters, summary(attempt)
    if _same(clusters, binding.clusters):
        # The same result in another order is no news: what is committed does not move.
        clusters, reasons = binding.clusters, binding.reasons or reasons
    has_groups = binding.placement is not None and bool(binding.placement.cluster_affinities)
    return replace(
        binding,
        clusters=clusters,
        observed_affinity=attempt.affinity_name if has_groups else binding.observed_affinity,
        observed_generation=binding.generation,
        last_scheduled_time=now,
        applied_placement=binding.placement or Placement(),
        scheduled=_condition(binding, "True", "Success", SUCCESS_MESSAGE, now),
        reasons=reasons,
    )


def _failed(binding: Binding, failure: Failure, now: datetime) -> Binding:
    condition = _condition(binding, "False", failure.kind.value, failure.message, now)
    if failure.kind is FailureKind.FIT:
        placement = binding.placement or Placement()
        return replace(binding, clusters=(), applied_placement=placement, scheduled=condition, reasons="")
    return replace(binding, scheduled=condition)


def _condition(binding: Binding, status: str, reason: str, message: str, now: datetime) -> Condition:
    before = binding.scheduled
    since = before.last_transition_time if before is not None and before.status == status else now
    return Condition(
        type="Scheduled", status=status, reason=reason, message=message, last_transition_time=since
    )


def _same(one: Sequence[TargetCluster], other: Sequence[TargetCluster]) -> bool:
    if len(one) != len(other):
        return False
    return one == other or {t.name: t.replicas for t in one} == {t.name: t.replicas for t in other}
