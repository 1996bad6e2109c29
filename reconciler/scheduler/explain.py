"""Everything about one attempt that people may ask: every reason against every cluster, scores, capacity and shares.

Recomputed on demand from the same functions that schedule; the pass itself keeps only counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.binding import TargetCluster
from reconciler.scheduler.outcome import Attempt, Failure, Mode, Replicas
from reconciler.scheduler.plugin import Context
from reconciler.scheduler.registry import Profile
from reconciler.scheduler.schedule import rank, schedule
from reconciler.scheduler.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One filter's reason against a cluster."""

    filter: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterVerdict:
    """One cluster in one attempt. `allocatable` and `available` are None where no filter let it pass.

    `overflow` is the index of the overflow group, 0 for the group itself. `is_deleting` clusters are never asked about.
    """

    name: str
    refusals: tuple[Refusal, ...] = ()
    is_deleting: bool = False
    was_target: bool = False
    score: int = 0
    overflow: int = 0
    allocatable: int | None = None
    available: int | None = None
    is_selected: bool = False
    replicas: int | None = None


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
    """One attempt in full; clusters by name."""

    affinity_name: str
    clusters: tuple[ClusterVerdict, ...]
    steps: tuple[Step, ...]
    result: tuple[TargetCluster, ...]
    failure: Failure | None = None


def refusals(context: Context, profile: Profile, state: State) -> dict[str, tuple[Refusal, ...]]:
    """All reasons of all filters, for each living cluster that some filter refuses."""
    result = {}
    for position in state.table.living:
        cluster = state.table.clusters[position]
        asked = (f for f in profile.filters if not (f.spares_previous and cluster.name in context.previous))
        verdicts = ((filter_.name, filter_.check(context, cluster)) for filter_ in asked)
        found = tuple(Refusal(filter=name, reason=v.reason) for name, v in verdicts if not v.fits)
        if found:
            result[cluster.name] = found
    return result


def explain(context: Context, profile: Profile, state: State) -> Explanation:
    """The attempt for one affinity group, with all that led to it. Call it before the result is deducted from capacity."""
    attempt = schedule(context, profile, state)
    refused = refusals(context, profile, state)
    table = state.table
    fitting = [position for position in table.living if table.names[position] not in refused]
    candidates = rank(context, profile, state, fitting)
    selected = set(attempt.selected)
    replicas = {target.name: target.replicas for target in attempt.clusters}
    verdicts = []
    for position, name in enumerate(table.names):
        fits = name not in refused and position in selected.union(fitting)
        verdicts.append(
            ClusterVerdict(
                name=name,
                refusals=refused.get(name, ()),
                is_deleting=table.clusters[position].deletion_timestamp is not None,
                was_target=name in context.previous,
                score=candidates.scores.get(position, 0),
                overflow=candidates.overflow.get(position, 0),
                allocatable=candidates.allocatable[position] if fits else None,
                available=candidates.available[position] if fits else None,
                is_selected=position in selected,
                replicas=replicas.get(name),
            )
        )
    return Explanation(
        affinity_name=context.affinity_name,
        clusters=tuple(verdicts),
        steps=_steps(attempt, state),
        result=attempt.clusters,
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
