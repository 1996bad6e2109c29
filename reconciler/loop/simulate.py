"""A decision with changed facts: what moves, what does not fit, and whether the fleet survives, in one line.

The same `render` as everything else, upon the decision's own result. Reads nothing, writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from reconciler.diff.placement import PlacementChange, placement_changes
from reconciler.errors import Problem, Severity
from reconciler.loop.compare import delivered_of
from reconciler.loop.decide import Decision
from reconciler.render.render import render
from reconciler.render.tree import previous_of
from reconciler.render.whatif import Change, groups_of, with_change

_MOST_NAMES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """One changed world: what moves, and the new errors, which are what does not fit.

    `unplaced_before` are objects that were unscheduled already, and that the change does not touch.
    """

    name: str
    lost: tuple[str, ...]
    moves: tuple[PlacementChange, ...]
    unplaced: tuple[Problem, ...]
    unplaced_before: tuple[str, ...]
    replicas_moved: int
    replicas_lost: int


def simulate(decision: Decision, change: Change, name: str, at: datetime | None = None) -> Simulated:
    """Render the changed world on top of the decision, and compare. `at`: the moment of the change; the decision's own without."""
    before, now = decision.rendered, at or decision.now
    fleet, observation = with_change(decision.fleet, decision.observation, change, now)
    after = render(
        fleet,
        observation,
        replace(previous_of(before), evaluated_at=decision.now),
        now,
        interpreters=decision.interpreters,
        plugins=decision.profiles,
        assume_unreported=True,
    )
    delivered = delivered_of(before, after, decision.interpreters)
    moves = placement_changes(before.bindings, after.bindings, delivered)
    moved = {str(move.id) for move in moves}
    standing = {problem.subject for problem in _unscheduled(before.problems)} - moved
    unplaced = [problem for problem in _unscheduled(after.problems) if problem.subject not in standing]
    gained = sum(max(0, (share.after or 0) - (share.before or 0)) for move in moves for share in move.shares)
    lost = sum(max(0, move.total_before - move.total_after) for move in moves)
    return Simulated(
        name=name,
        lost=tuple(sorted(change.lost)),
        moves=moves,
        unplaced=tuple(unplaced),
        unplaced_before=tuple(sorted(standing)),
        replicas_moved=gained,
        replicas_lost=lost,
    )


def simulate_each(
    decision: Decision, by: str, given: Change | None = None, at: datetime | None = None
) -> list[Simulated]:
    """Each `cluster`, `zone`, `region` or `provider` lost in turn, beside what is `given`; none where no cluster says its own."""
    given = given or Change()
    return [
        simulate(decision, replace(given, lost=given.lost | lost), name, at)
        for name, lost in groups_of(decision.fleet.clusters, by).items()
    ]


def verdict(results: Sequence[Simulated], each: str | None) -> str:
    """One line: whether the fleet survives. `each`: what was lost in turn; None for a single change."""
    if each and not results:
        return f"unknown: no cluster says its {each}"
    told = _of_each(results, each) if each else _of_one(results[0])
    before = {subject for result in results for subject in result.unplaced_before}
    return f"{told}; not counted: {len(before)} unscheduled without it too" if before else told


def _of_each(results: Sequence[Simulated], each: str) -> str:
    bad = [result.name for result in results if result.unplaced]
    if not bad:
        return f"ok: the loss of any one {each} ({len(results)}) leaves everything placed"
    more = f" and {len(bad) - _MOST_NAMES} more" if len(bad) > _MOST_NAMES else ""
    return f"not ok: the loss of {', '.join(bad[:_MOST_NAMES])}{more} leaves something unplaced"


def _of_one(result: Simulated) -> str:
    if result.unplaced:
        return f"not ok: {len(result.unplaced)} do not fit; {len(result.moves)} placed differently"
    return (
        f"ok: {len(result.moves)} placed differently, everything fits"
        if result.moves
        else "ok: nothing moves"
    )


def _unscheduled(problems: Iterable[Problem]) -> Iterator[Problem]:
    """What the scheduler found no place for, or could not decide."""
    return (
        problem
        for problem in problems
        if problem.severity is Severity.ERROR and problem.code.startswith("R3")
    )
