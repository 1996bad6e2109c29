"""What one target must do, and what came of it. The words are Flux's: created, configured, unchanged, deleted, skipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.errors import Problem
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body


class Action(StrEnum):
    """What happens to one object."""

    CREATE = "create"
    CONFIGURE = "configure"
    UNCHANGED = "unchanged"
    DELETE = "delete"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object's part of a plan. `before` and `after` are masked where they are shown, never here.

    `reason` is one sentence: why this action. `desired` is what is sent (with retained fields), None for deletions.
    """

    id: ObjectId
    action: Action
    reason: str = ""
    api_version: str = ""
    before: Body | None = field(default=None, repr=False)
    after: Body | None = field(default=None, repr=False)
    desired: Body | None = field(default=None, repr=False)
    deferred: bool = False
    """The dry-run failed on something that an object of the same plan will cure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A guard that stopped deletions: which, the limit, and the objects it names."""

    name: str
    message: str
    objects: tuple[ObjectId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All changes of one cluster, in the order in which they are carried out (stages, then deletions)."""

    cluster: str
    commit: str
    stages: tuple[tuple[Change, ...], ...] = ()
    deletions: tuple[Change, ...] = ()
    guards: tuple[Guard, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change, stages first, deletions last."""
        return tuple(change for stage in self.stages for change in stage) + self.deletions

    @property
    def is_empty(self) -> bool:
        """Whether carrying it out would write nothing."""
        return all(change.action in (Action.UNCHANGED, Action.SKIP) for change in self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a plan. `failed` maps an object to the server's words."""

    cluster: str
    commit: str
    counts: Mapping[Action, int] = field(default_factory=dict)
    failed: Mapping[ObjectId, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    guards: tuple[Guard, ...] = ()
    started: datetime | None = None
    finished: datetime | None = None
    complete: bool = True
    """Everything the plan asked for was done, prune included."""
