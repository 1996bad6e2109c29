"""Everything about one attempt that people may ask: every verdict on every cluster, scores, regions, capacity and shares.

Recomputed on demand from the same functions that schedule; the pass itself keeps only counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.model.binding import TargetCluster
from reconciler.scheduler.guarded import PluginFailed
from reconciler.scheduler.outcome import Attempt, Failure, Mode, Replicas
from reconciler.scheduler.plugin import Context, FieldPath
from reconciler.scheduler.registry import Profile
from reconciler.scheduler.replicas.webster import is_descending
from reconciler.scheduler.schedule import rank, regions, schedule
from reconciler.scheduler.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One filter's reason against a cluster, and the field of the policy or of the Cluster that it is about."""

    filter: str
    reason: str
    policy_field: FieldPath = ()
    cluster_field: FieldPath = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterVerdict:
    """One cluster in one attempt. `allocatable` and `available` are None where no filter let it pass.

    `passed` and `spared` are filters: those that have nothing against the cluster, and those that are not asked because it holds
    the template already. `scores` are by plugin, without those of nothing. `overflow` is the index of the overflow group, 0 for
    the group itself. `is_deleting` clusters are never asked about.
    """

    name: str
    refusals: tuple[Refusal, ...] = ()
    passed: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    is_deleting: bool = False
    was_target: bool = False
    score: int = 0
    scores: Mapping[str, int] = field(default_factory=dict)
    overflow: int = 0
    allocatable: int | None = None
    available: int | None = None
    is_selected: bool = False
    replicas: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionVerdict:
    """A region to choose (spec scheduling §3.5.3): its fitting clusters, its weight, and whether it was chosen."""

    name: str
    clusters: int
    weight: int
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One division in words people can check: `seats` by `votes` on top of `base` gives `result`. Clusters by name."""

    mode: Mode
    seats: int
    votes: Mapping[str, int]
    base: Mapping[str, int]
    result: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One attempt in full; clusters and regions by name. `ties_descend`: seats of equal claim go to greater names first.

    Without filters asked (a scheduler of its own) nobody refused, and nobody let pass.
    """

    affinity_name: str
    clusters: tuple[ClusterVerdict, ...]
    steps: tuple[Step, ...]
    result: tuple[TargetCluster, ...]
    regions: tuple[RegionVerdict, ...] = ()
    ties_descend: bool = False
    failure: Failure | None = None


def refusals(context: Context, profile: Profile, state: State) -> dict[str, tuple[Refusal, ...]]:
    """All reasons of all filters, for each living cluster that some filter refuses."""
    asked = _asked(context, profile, state)
    return {verdict.name: verdict.refusals for verdict in asked if verdict.refusals}


def explain(context: Context, profile: Profile, state: State) -> Explanation:
    """The attempt for one affinity group, with all that led to it. Call it before the result is deducted from capacity."""
    attempt = schedule(context, profile, state)
    replicas = {target.name: target.replicas for target in attempt.clusters}
    if profile.scheduler is not None:
        verdicts = [
            ClusterVerdict(
                name=cluster.name,
                is_deleting=cluster.deletion_timestamp is not None,
                was_target=cluster.name in context.previous,
                is_selected=cluster.name in replicas,
                replicas=replicas.get(cluster.name),
            )
            for cluster in state.table.clusters
        ]
        return _explanation(context, attempt, verdicts, state)
    asked = _asked(context, profile, state)
    if attempt.failure is not None and attempt.failure.plugin:
        return _explanation(context, attempt, asked, state)
    position_by_name = state.table.position_by_name
    fitting = [
        position_by_name[verdict.name]
        for verdict in asked
        if not verdict.refusals and not verdict.is_deleting
    ]
    candidates = rank(context, profile, state, fitting)
    fits, selected = set(fitting), set(attempt.selected)
    verdicts = []
    for position, verdict in enumerate(asked):
        is_fitting = position in fits
        verdicts.append(
            ClusterVerdict(
                name=verdict.name,
                refusals=verdict.refusals,
                passed=verdict.passed,
                spared=verdict.spared,
                is_deleting=verdict.is_deleting,
                was_target=verdict.was_target,
                score=candidates.scores.get(position, 0) if is_fitting else 0,
                scores=_scores(context, profile, state, position) if is_fitting else {},
                overflow=candidates.overflow.get(position, 0),
                allocatable=candidates.allocatable[position] if is_fitting else None,
                available=candidates.available[position] if is_fitting else None,
                is_selected=position in selected,
                replicas=replicas.get(verdict.name),
            )
        )
    chosen = {state.table.regions[position] for position in selected}
    choice = tuple(
        RegionVerdict(
            name=region.name,
            clusters=region.value,
            weight=region.weight,
            is_chosen=region.name in chosen,
        )
        for region in sorted(regions(context, state, candidates), key=lambda each: each.name)
    )
    return _explanation(context, attempt, verdicts, state, choice)


def _asked(context: Context, profile: Profile, state: State) -> list[ClusterVerdict]:
    """What every filter says of every cluster, in the order of the table."""
    result = []
    for cluster in state.table.clusters:
        was_target = cluster.name in context.previous
        if cluster.deletion_timestamp is not None:
            result.append(ClusterVerdict(name=cluster.name, is_deleting=True, was_target=was_target))
            continue
        spared = tuple(f.name for f in profile.filters if f.spares_previous and was_target)
        found, passed = [], []
        for filter_ in profile.filters:
            if filter_.name in spared:
                continue
            try:
                verdict = filter_.check(context, cluster)
            except PluginFailed:
                found.append(Refusal(filter=filter_.name, reason="the plugin failed"))
                continue
            if verdict.fits:
                passed.append(filter_.name)
                continue
            found.append(
                Refusal(
                    filter=filter_.name,
                    reason=verdict.reason,
                    policy_field=verdict.policy_field,
                    cluster_field=verdict.cluster_field,
                )
            )
        result.append(
            ClusterVerdict(
                name=cluster.name,
                refusals=tuple(found),
                passed=tuple(passed),
                spared=spared,
                was_target=was_target,
            )
        )
    return result


def _scores(context: Context, profile: Profile, state: State, position: int) -> dict[str, int]:
    cluster = state.table.clusters[position]
    points = {score.name: score.grade(context, cluster) for score in profile.scores}
    return {name: count for name, count in points.items() if count}


def _explanation(
    context: Context,
    attempt: Attempt,
    verdicts: Sequence[ClusterVerdict],
    state: State,
    choice: tuple[RegionVerdict, ...] = (),
) -> Explanation:
    return Explanation(
        affinity_name=context.affinity_name,
        clusters=tuple(verdicts),
        steps=_steps(attempt, state),
        result=attempt.clusters,
        regions=choice,
        ties_descend=is_descending(context.binding.uid),
        failure=attempt.failure,
    )


def _steps(attempt: Attempt, state: State) -> tuple[Step, ...]:
    def named(replicas: Replicas) -> dict[str, int]:
        return {state.table.names[position]: count for position, count in replicas.items()}

    return tuple(
        Step(
            mode=share.mode,
            seats=share.seats,
            votes=named(share.votes),
            base=named(share.base),
            result=named(share.result),
        )
        for share in attempt.shares
    )
