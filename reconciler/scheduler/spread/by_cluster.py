"""Selecting a number of clusters (spec scheduling §3.5.2): the best ones, traded for larger ones where they are too small."""

from __future__ import annotations

import heapq

from reconciler.scheduler.outcome import Failure
from reconciler.scheduler.spread.group import Candidates, refusal


def select(candidates: Candidates, minimum: int, maximum: int, need: int | None) -> list[int] | Failure:
    """Positions, in slot order. `need` replicas must be available together; None where capacity does not matter."""
    order, available = candidates.order, candidates.available
    if len(order) < minimum:
        return refusal("the number of feasible clusters is less than spreadConstraint.MinGroups")
    count = min(len(order), maximum)
    chosen = list(order[:count])
    if need is None:
        return chosen
    total = sum(available[position] for position in chosen)
    # The largest first, and of those the first in place; who is replaced takes that place and may come back.
    rest = [(-available[position], place, position) for place, position in enumerate(order[count:])]
    heapq.heapify(rest)
    for slot in range(count - 1, -1, -1):
        if total >= need:
            break
        current = chosen[slot]
        if rest and -rest[0][0] > available[current]:
            largest, place, position = rest[0]
            heapq.heapreplace(rest, (-available[current], place, current))
            chosen[slot] = position
            total += -largest - available[current]
    if not chosen or total < need:
        return refusal(f"no enough resource when selecting {count} clusters")
    return chosen
