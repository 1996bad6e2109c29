"""policy/v1 PodDisruptionBudget."""

from __future__ import annotations

from typing import Final

from reconciler.interpreter.reading import integer_at
from reconciler.interpreter.rules import KindRules
from reconciler.model.manifest import Body


def health(body: Body) -> bool:
    """At least as many healthy pods as desired."""
    return integer_at(body, "status", "currentHealthy") >= integer_at(body, "status", "desiredHealthy")


RULES: Final = KindRules(health=health)
