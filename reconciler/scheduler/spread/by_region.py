"""Selecting regions, then clusters in them (spec scheduling §3.5.3).

Capacity counts only through the regions' weights, so what is selected may still prove too small in division.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.model.policy import SpreadConstraint
from reconciler.scheduler.outcome import Failure
from reconciler.scheduler.spread.group import Candidates, refusal

_UNIT: Final = 1000
_MOST_STATES: Final = 1_000_000
_TOO_MANY: Final = (-1,)
_NO_LIMITS: Final = SpreadConstraint(min_groups=0, max_groups=0)

_State = tuple[int, int]
"""A path that is not done: its length, and its clusters, counted no further than wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A region to choose: `value` is the number of its clusters, `weight` its score W."""

    name: str
    value: int
    weight: int


def select(
    candidates: Candidates,
    regions: Sequence[str],
    by_region: SpreadConstraint,
    by_cluster: SpreadConstraint | None,
    need: int | None,
    replicas: int,
) -> list[int] | Failure:
    """Positions: the best cluster of each chosen region, then the best of the others. `regions` is by position.

    `need` None means that every cluster gets all `replicas`; else they are divided.
    """
    members = members_of(candidates, regions)
    if len(members) < by_region.min_groups:
        return refusal("the number of feasible region is less than spreadConstraint.MinGroups")
    limits = by_cluster or _NO_LIMITS
    groups = weighed(candidates, members, by_region, by_cluster, need, replicas)
    chosen = choose(groups, by_region.min_groups, by_region.max_groups, limits.min_groups)
    if isinstance(chosen, Failure):
        return chosen
    firsts = [members[name][0] for name in chosen]
    count = min(sum(len(members[name]) for name in chosen), limits.max_groups)
    names, taken = set(chosen), set(firsts)
    others = (p for p in candidates.order if regions[p] in names and p not in taken)
    return firsts + [position for _, position in zip(range(count - len(firsts)), others, strict=False)]


def weighed(
    candidates: Candidates,
    members: Mapping[str, Sequence[int]],
    by_region: SpreadConstraint,
    by_cluster: SpreadConstraint | None,
    need: int | None,
    replicas: int,
) -> list[Region]:
    """The regions that there are to choose from, as `select` is asked."""
    limits = by_cluster or _NO_LIMITS
    return [
        Region(
            name=name,
            value=len(positions),
            weight=_weight_to_copy(candidates, positions, replicas)
            if need is None
            else _weight_to_divide(candidates, positions, replicas, by_region, limits),
        )
        for name, positions in members.items()
    ]


def members_of(candidates: Candidates, regions: Sequence[str]) -> Mapping[str, Sequence[int]]:
    """The candidates of each region, best first; those without a region are in none."""
    members: dict[str, list[int]] = defaultdict(list)
    for position in candidates.order:
        members[regions[position]].append(position)
    members.pop("", None)
    return members


def _weight_to_copy(candidates: Candidates, positions: Sequence[int], replicas: int) -> int:
    valid = [position for position in positions if candidates.available[position] >= replicas]
    if not valid:
        return 0
    return _UNIT * len(valid) + sum(candidates.scores.get(p, 0) for p in valid) // len(valid)


def _weight_to_divide(
    candidates: Candidates,
    positions: Sequence[int],
    replicas: int,
    by_region: SpreadConstraint,
    by_cluster: SpreadConstraint,
) -> int:
    target = -(-replicas // (by_region.min_groups or 1))
    least = max(by_cluster.min_groups, by_region.min_groups)
    available = score = count = 0
    for position in positions:
        available += candidates.available[position]
        score += candidates.scores.get(position, 0)
        count += 1
        if count >= least and available >= target:
            break
    if available < target:
        return _UNIT * available + score // len(positions)
    return _UNIT * target + score // count


def choose(groups: Sequence[Region], least: int, most: int, clusters: int) -> list[str] | Failure:
    """Names of the regions to use: between `least` and `most` of them, with at least `clusters` clusters together.

    Karmada walks all combinations depth-first over the groups by (value, -weight, name), taking a path at the first node that
    satisfies the limits; the heaviest path wins, then the one with most clusters, then the one found first; last, a path that is
    the beginning of the winner (heaviest first) is enough. The same is found here without walking all of them.
    """
    ordered = sorted(groups, key=lambda group: (group.value, -group.weight, group.name))
    if len(ordered) == least:
        # Karmada follows the first branch alone here: all regions or none.
        found = sum(group.value for group in ordered) >= clusters and least <= most
        path: Sequence[int] | None = range(least) if found else None
    elif 0 < least <= min(most, len(ordered)) and sum(group.value for group in ordered[:least]) >= clusters:
        # Any `least` groups have clusters enough, so the walk takes exactly the paths of that length. Of groups equal in
        # weight and value, the one that stands earlier belongs to the path that is found first.
        heaviest = sorted(range(len(ordered)), key=lambda i: (-ordered[i].weight, -ordered[i].value))
        path = heaviest[:least]
    elif _is_done((0, 0), least, most, clusters):
        path = None  # limits of zero: the walk ends before it begins, with no region
    else:
        path = _heaviest(ordered, least, most, clusters)
        if path is _TOO_MANY:
            return refusal("there are too many combinations of regions to choose from")
    if not path:
        return refusal("the number of clusters is less than the cluster spreadConstraint.MinGroups")
    ranked = sorted((ordered[i] for i in path), key=lambda group: (-group.weight, group.name))
    if len(ordered) != least:
        beginnings = (ranked[:count] for count in range(1, len(ranked)))
        ranked = next((b for b in beginnings if _is_taken(b, ordered, least, most, clusters)), ranked)
    return [group.name for group in ranked]


def _is_taken(
    path: Sequence[Region], ordered: Sequence[Region], least: int, most: int, clusters: int
) -> bool:
    """Whether the walk takes exactly these groups: they satisfy the limits, and no beginning of their path does."""
    names = {group.name for group in path}
    total = 0
    for length, group in enumerate((group for group in ordered if group.name in names), start=1):
        total += group.value
        if least <= length <= most and total >= clusters:
            return length == len(path)
    return False


def _heaviest(groups: Sequence[Region], least: int, most: int, clusters: int) -> Sequence[int] | None:
    """The path that wins the walk, as indexes into `groups`; None where no path satisfies the limits.

    What a path can still become depends only on its state: the next index, its length, and its clusters (counted no
    further than wanted). So the best completion is computed once a state, from the last index back.
    """
    states = _open_states(groups, least, most, clusters)
    if states is None:
        return _TOO_MANY
    # State to (weight, value, whether the group is taken) of its best completion, for one index after the other.
    layers: list[dict[_State, tuple[int, int, bool]]] = [{} for _ in range(len(groups) + 1)]
    for index in range(len(groups) - 1, -1, -1):
        group = groups[index]
        for state in states[index]:
            after = _step(state, group, clusters)
            rest: tuple[int, ...] | None = (0, 0)
            if not _is_done(after, least, most, clusters):
                rest = layers[index + 1].get(after)
            skipped = layers[index + 1].get(state)
            taken = None if rest is None else (group.weight + rest[0], group.value + rest[1])
            # On a tie, the path that takes the earlier group is found first.
            if taken is not None and (skipped is None or taken >= skipped[:2]):
                layers[index][state] = (*taken, True)
            elif skipped is not None:
                layers[index][state] = (*skipped[:2], False)
    if (0, 0) not in layers[0]:
        return None
    path: list[int] = []
    state = (0, 0)
    for index, group in enumerate(groups):
        if layers[index][state][2]:
            path.append(index)
            state = _step(state, group, clusters)
            if _is_done(state, least, most, clusters):
                break
    return path


def _open_states(groups: Sequence[Region], least: int, most: int, clusters: int) -> list[set[_State]] | None:
    """For each index, the states in which a path that is not done may stand there; None where there are too many."""
    layers: list[set[_State]] = [{(0, 0)}]
    total = 0
    largest = [0]
    for group in reversed(groups):  # values ascend, so the last ones are the largest
        largest.append(largest[-1] + group.value)
    for index, group in enumerate(groups[:-1]):
        layer: set[_State] = set()
        left = len(groups) - index - 1
        for state in layers[-1]:
            for after in (state, _step(state, group, clusters)):
                length, value = after
                hopeless = length + left < least or value + largest[min(most - length, left)] < clusters
                if length < most and not hopeless and not _is_done(after, least, most, clusters):
                    layer.add(after)
        layers.append(layer)
        total += len(layer)
        if total > _MOST_STATES:
            return None
    return layers


def _step(state: _State, group: Region, clusters: int) -> _State:
    return state[0] + 1, min(state[1] + group.value, clusters)


def _is_done(state: _State, least: int, most: int, clusters: int) -> bool:
    return least <= state[0] <= most and state[1] >= clusters
