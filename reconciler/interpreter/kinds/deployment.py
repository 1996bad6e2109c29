"""apps/v1 Deployment."""

from __future__ import annotations

from typing import Final

from reconciler.interpreter.prune import without_annotations
from reconciler.interpreter.reading import integer_at, optional_integer_at
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.workloads import (
    is_observed,
    revise_replicas,
    template_dependencies,
    template_replicas,
)
from reconciler.model.manifest import Body

_REVISIONS: Final = ("deployment.kubernetes.io/revision", "deployment.kubernetes.io/revision-history")


def health(body: Body) -> bool:
    """Observed, every replica updated, and every updated replica available."""
    wanted = optional_integer_at(body, "spec", "replicas")
    updated = integer_at(body, "status", "updatedReplicas")
    return (
        is_observed(body)
        and (wanted is None or updated >= wanted)
        and integer_at(body, "status", "availableReplicas") >= updated
    )


def prune(body: Body) -> Body:
    """Without the annotations that the controller counts revisions in."""
    return without_annotations(body, *_REVISIONS)


RULES: Final = KindRules(
    replicas=template_replicas,
    revise=revise_replicas,
    health=health,
    dependencies=template_dependencies,
    prune=prune,
)
