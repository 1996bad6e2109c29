"""apps/v1 ReplicaSet."""

from __future__ import annotations

from typing import Final

from reconciler.interpreter.reading import integer_at, optional_integer_at
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.workloads import (
    is_observed,
    revise_replicas,
    template_dependencies,
    template_replicas,
)
from reconciler.model.manifest import Body


def health(body: Body) -> bool:
    """Observed, and every replica available."""
    wanted = optional_integer_at(body, "spec", "replicas")
    return is_observed(body) and (wanted is None or integer_at(body, "status", "availableReplicas") >= wanted)


RULES: Final = KindRules(
    replicas=template_replicas, revise=revise_replicas, health=health, dependencies=template_dependencies
)
