"""Dividing replicas over the selected clusters (spec scheduling §4.6).

Clusters are positions in the table, whose order is that of their names. Every result leaves out clusters with nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.model.policy import DivisionStrategy, ReplicaScheduling
from reconciler.scheduler.outcome import Failure, FailureKind, Mode, Replicas, Shares
from reconciler.scheduler.replicas.webster import webster


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """What to divide, by the binding: its strategy, the previous result in its order, and how ties are settled.

    `allocatable` and `weights` (static) are columns over all positions.
    """

    strategy: DivisionStrategy
    allocatable: Sequence[int]
    previous: Replicas
    weights: Sequence[int] = ()
    is_fresh: bool = False
    descending: bool = False

    def divide(self, candidates: Sequence[int], replicas: int) -> Shares | Failure:
        """The shares of `candidates`, which come in the order of their selection."""
        match self.strategy:
            case DivisionStrategy.DUPLICATED:
                result = dict.fromkeys(candidates, replicas) if replicas > 0 else {}
                return Shares(mode=Mode.DUPLICATED, seats=replicas, result=result)
            case DivisionStrategy.STATIC_WEIGHT:
                return self._by_static_weight(candidates, replicas)
            case _:
                return self._by_capacity(candidates, replicas)

    def _by_static_weight(self, candidates: Sequence[int], replicas: int) -> Shares:
        votes = {position: self.weights[position] for position in candidates if self.weights[position] > 0}
        if not votes:
            # Karmada: weights that match no cluster mean equal weights.
            votes = dict.fromkeys(candidates, 1)
        result = webster(replicas, votes, descending=self.descending)
        return Shares(mode=Mode.STATIC, seats=replicas, votes=votes, result=result)

    def _by_capacity(self, candidates: Sequence[int], replicas: int) -> Shares | Failure:
        members = set(candidates)
        scheduled = {position: held for position, held in self.previous.items() if position in members}
        assigned = sum(scheduled.values())
        base: Replicas = {}
        votes: Replicas
        if self.is_fresh:
            mode, seats = Mode.FRESH, replicas
            votes = {p: self.allocatable[p] + scheduled.get(p, 0) for p in candidates}
        elif assigned > replicas:
            mode, seats, votes = Mode.SCALE_DOWN, replicas, scheduled
        elif assigned < replicas:
            mode, seats, base = Mode.SCALE_UP, replicas - assigned, scheduled
            votes = {position: self.allocatable[position] for position in candidates}
        else:
            return Shares(mode=Mode.STEADY, seats=0, base=scheduled, result=_without_zero(scheduled))
        total = sum(votes.values())
        if total < seats:
            message = (
                f"failed to {_WORDS[mode]}: Clusters available replicas {total} are not enough to schedule."
            )
            return Failure(kind=FailureKind.UNSCHEDULABLE, message=message)
        if self.strategy is DivisionStrategy.AGGREGATED:
            votes = _fewest(votes, seats, base)
        given = webster(seats, votes, descending=self.descending)
        merged = {position: count + base.get(position, 0) for position, count in given.items()}
        # Karmada appends those that get nothing new in the order of a hash map; here it is that of names.
        merged.update((position, base[position]) for position in sorted(base) if position not in given)
        return Shares(mode=mode, seats=seats, votes=votes, base=base, result=_without_zero(merged))


_WORDS = {Mode.FRESH: "do fresh scale", Mode.SCALE_DOWN: "scale down", Mode.SCALE_UP: "scale up"}


def strategy_of(scheduling: ReplicaScheduling | None) -> DivisionStrategy | Failure:
    """What `replicaScheduling` comes to (§3.6); absent means Duplicated."""
    if scheduling is None or scheduling.type == "Duplicated":
        return DivisionStrategy.DUPLICATED
    match scheduling.type, scheduling.division_preference:
        case "Divided", "Aggregated":
            return DivisionStrategy.AGGREGATED
        case "Divided", "Weighted":
            preference = scheduling.weight_preference
            dynamic = preference is not None and preference.dynamic_weight
            return DivisionStrategy.DYNAMIC_WEIGHT if dynamic else DivisionStrategy.STATIC_WEIGHT
    message = (
        "unsupported replica scheduling strategy, replicaSchedulingType: "
        f"{scheduling.type}, replicaDivisionPreference: {scheduling.division_preference}"
    )
    return Failure(kind=FailureKind.ERROR, message=message)


def _fewest(votes: Replicas, seats: int, base: Replicas) -> Replicas:
    """The fewest clusters that hold all seats: those that have replicas first, then the largest."""
    largest = sorted(votes, key=votes.__getitem__, reverse=True)
    holding = [position for position in largest if base.get(position, 0) > 0]
    others = [position for position in largest if base.get(position, 0) <= 0]
    chosen: dict[int, int] = {}
    total = 0
    for position in (*holding, *others):
        chosen[position] = votes[position]
        total += votes[position]
        if total >= seats:
            break
    return chosen


def _without_zero(replicas: Replicas) -> Replicas:
    return {position: count for position, count in replicas.items() if count > 0}
