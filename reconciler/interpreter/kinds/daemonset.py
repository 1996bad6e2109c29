"""apps/v1 DaemonSet: one pod a node, so no replicas to divide."""

from __future__ import annotations

from typing import Final

from reconciler.interpreter.reading import integer_at
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.workloads import is_observed, template_dependencies
from reconciler.model.manifest import Body


def health(body: Body) -> bool:
    """Observed, updated on every node that should run it, and available wherever it is updated."""
    updated = integer_at(body, "status", "updatedNumberScheduled")
    return (
        is_observed(body)
        and updated >= integer_at(body, "status", "desiredNumberScheduled")
        and integer_at(body, "status", "numberAvailable") >= updated
    )


RULES: Final = KindRules(health=health, dependencies=template_dependencies)
