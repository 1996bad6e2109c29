"""Everything that two renders differ in, as one value; and what to think of it in one word.

Pure. Printed by `text`, `markdown` and `machine`; compares nothing itself that `trees` and `placement` do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.diff.dangers import Danger, dangers
from reconciler.diff.placement import Delivered, PlacementChange, placement_changes
from reconciler.diff.trees import ObjectAction, TreeDifference, tree_difference
from reconciler.errors import Problem, Severity
from reconciler.model.identity import ObjectId
from reconciler.model.plan import Guard
from reconciler.model.tree import Rendered


class Verdict(StrEnum):
    """What a reviewer reads first."""

    UNCHANGED = "unchanged"
    OK = "ok"
    CAUTION = "caution"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a difference was computed from: texts for people, commit ids where there are any.

    `command` reproduces it on any machine. `facts` is the status commit.
    """

    base: str = ""
    head: str = ""
    facts: str = ""
    engine: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Head against base. `new_problems` are those of head that base did not have; `guards` maps clusters to theirs.

    `simulated`: one line on whether head survives losses; empty where nobody asked.
    """

    provenance: Provenance
    trees: TreeDifference
    placements: tuple[PlacementChange, ...] = ()
    dangers: tuple[Danger, ...] = ()
    problems: tuple[Problem, ...] = ()
    new_problems: tuple[Problem, ...] = ()
    guards: Mapping[str, tuple[Guard, ...]] = field(default_factory=dict)
    complete: bool = True
    clusters: tuple[str, ...] = ()
    assumed_clusters: tuple[str, ...] = ()
    unclaimed: tuple[ObjectId, ...] = ()
    simulated: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether no cluster's tree and no placement changes. Says nothing where `complete` is false."""
        return self.trees.is_empty and not self.placements

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems of head that hold something."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def verdict(self) -> Verdict:
        """Blocked: an error, a guard, or a part that is held. Caution: a danger or a new warning."""
        if self.errors or not self.complete or any(self.guards.values()):
            return Verdict.BLOCKED
        if self.dangers or self.new_problems:
            return Verdict.CAUTION
        return Verdict.UNCHANGED if self.is_empty else Verdict.OK

    @property
    def totals(self) -> dict[ObjectAction, int]:
        """Objects by action, counted once however many clusters they are on."""
        seen: dict[ObjectAction, set[ObjectId]] = {action: set() for action in ObjectAction}
        for change in self.trees.changes:
            seen[change.action].add(change.id)
        return {action: len(ids) for action, ids in seen.items()}


def difference(
    before: Rendered,
    after: Rendered,
    *,
    provenance: Provenance,
    guards: Mapping[str, tuple[Guard, ...]] | None = None,
    delivered: tuple[Delivered, Delivered] = ({}, {}),
) -> Difference:
    """What changes from `before` to `after`.

    `guards`: what the plans against the last release would trip; `delivered`: where overrides set replicas, on either side. Problems that were found before rendering are the caller's
    to add to those of both renders.
    """
    trees = tree_difference(before.tree, after.tree)
    placements = placement_changes(before.bindings, after.bindings, delivered)
    known = set(map(str, before.problems))
    problems = sorted(dict.fromkeys(after.problems), key=Problem.sort_key)
    return Difference(
        provenance=provenance,
        trees=trees,
        placements=placements,
        dangers=dangers(trees, placements),
        problems=tuple(problems),
        new_problems=tuple(problem for problem in problems if str(problem) not in known),
        guards=dict(guards or {}),
        complete=after.complete,
        clusters=after.tree.clusters,
        assumed_clusters=after.assumed_clusters,
        unclaimed=after.unclaimed,
    )
