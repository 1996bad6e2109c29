"""What an overrider says besides its result: why it failed, or that it changed nothing. Spec rendering-and-status §1.10.

An error ends rendering of one object for one cluster; a silent no-op is data that a caller may show.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.errors import ReconcilerError
from reconciler.model.override import OverridePolicy, OverrideRule

Place = tuple[str | int, ...]
"""Keys and indexes: `("plaintext", 2, "path")`."""


class OverriderError(ReconcilerError):
    """One overrider cannot be applied. `place` is its path below `overriders`."""

    def __init__(self, message: str, place: Place = ()) -> None:
        super().__init__(message)
        self.place = place


class OverrideError(ReconcilerError):
    """One rule of one policy cannot be applied to an object; `path` is the place inside the policy."""

    def __init__(self, message: str, *, policy: OverridePolicy, rule: OverrideRule, path: Place) -> None:
        super().__init__(message)
        self.policy = policy
        self.rule = rule
        self.path = path


@dataclass(frozen=True, slots=True, kw_only=True)
class Ineffective:
    """An item of a rule that changed nothing, and why. `place` is the path below `overriders`."""

    place: Place
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOp:
    """An `Ineffective` with the policy and rule that it belongs to."""

    policy: OverridePolicy
    rule: OverrideRule
    path: Place
    reason: str


def rule_path(rule: OverrideRule) -> Place:
    """The place of the rule's overriders in its policy: the deprecated single rule has the index -1."""
    return ("spec", "overriders") if rule.index < 0 else ("spec", "overrideRules", rule.index, "overriders")
