"""Candidates in the order of preference (spec scheduling §3.5.1): overflow group, score, available replicas, name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.scheduler.outcome import Failure, FailureKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The fitting clusters as positions, best first, with columns over all positions.

    `allocatable`: replicas a cluster can take; `available`: those and the ones it holds already. `scores` lists clusters that
    have any; `overflow` those of overflow groups (§3.3).
    """

    order: Sequence[int]
    allocatable: Sequence[int]
    available: Sequence[int]
    scores: Mapping[int, int] = field(default_factory=dict)
    overflow: Mapping[int, int] = field(default_factory=dict)


def in_order(
    fitting: Sequence[int],
    available: Sequence[int],
    scores: Mapping[int, int],
    overflow: Mapping[int, int],
) -> list[int]:
    """The positions by preference. `fitting` is by name, which settles what is left equal."""
    if not scores and not overflow:
        return sorted(fitting, key=available.__getitem__, reverse=True)
    buckets: dict[tuple[int, int], list[int]] = {}
    for position in fitting:
        key = (overflow.get(position, 0), -scores.get(position, 0))
        buckets.setdefault(key, []).append(position)
    return [
        position
        for key in sorted(buckets)
        for position in sorted(buckets[key], key=available.__getitem__, reverse=True)
    ]


def refusal(message: str) -> Failure:
    """The failure of a selection, in Karmada's words."""
    return Failure(kind=FailureKind.ERROR, message=message)
