"""apps/v1 Deployment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.prune import without_annotations
from reconciler.interpreter.reading import integer_at, optional_integer_at, text_at, with_value
from reconciler.interpreter.rules import InterpretationError, KindRules
from reconciler.interpreter.statuses import Counters, aggregated_workload, reflected_workload
from reconciler.interpreter.workloads import (
    is_observed,
    revise_replicas,
    template_dependencies,
    template_replicas,
)
from reconciler.model.manifest import Body

RETAIN_REPLICAS: Final = "resourcetemplate.karmada.io/retain-replicas"
_REVISIONS: Final = ("deployment.kubernetes.io/revision", "deployment.kubernetes.io/revision-history")

_COUNTERS: Final = Counters(
    summed=("replicas", "readyReplicas", "updatedReplicas", "availableReplicas", "unavailableReplicas")
)


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


def reflect(body: Body) -> Any:
    """The counters and generations that a member reports."""
    return reflected_workload(body, _COUNTERS, observed=True) or None


def aggregate(body: Body, items: Sequence[Body], now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The members' counters, summed."""
    return aggregated_workload(body, items, _COUNTERS)


def retain(desired: Body, live: Body) -> Body:
    """Replicas stay the member's where the object is labelled so (a HorizontalPodAutoscaler scales it)."""
    if text_at(desired, "metadata", "labels", RETAIN_REPLICAS) != "true":
        return desired
    replicas = optional_integer_at(live, "spec", "replicas")
    if replicas is None:
        raise InterpretationError("the live Deployment has no spec.replicas to keep")
    return with_value(desired, ("spec", "replicas"), replicas)


RULES: Final = KindRules(
    retain=retain,
    reflect=reflect,
    aggregate=aggregate,
    replicas=template_replicas,
    revise=revise_replicas,
    health=health,
    dependencies=template_dependencies,
    prune=prune,
)
