"""apps.kruise.io/v1alpha1 DaemonSet."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.bundled.kruise import workloads
from reconciler.interpreter.bundled.members import Items, reflected
from reconciler.interpreter.reading import integer_at
from reconciler.interpreter.rules import KindRules
from reconciler.model.manifest import Body

_COUNTERS: Final = (
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
)
# Karmada writes the number 0 where no member reports a hash.
_TEXTS: Final = {"daemonSetHash": 0}


def health(body: Body) -> bool:
    """Observed, every wanted pod updated, and every updated pod available."""
    workloads.check_status(body)
    if not workloads.is_observed(body):
        return False
    updated = integer_at(body, "status", "updatedNumberScheduled")
    return (
        updated >= integer_at(body, "status", "desiredNumberScheduled")
        and integer_at(body, "status", "numberAvailable") >= updated
    )


def reflect(body: Body) -> Any:
    """Counters, hash and generations."""
    return reflected(body, ("observedGeneration", *_COUNTERS, *_TEXTS), with_generations=True)


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """Counters summed, the last hash."""
    return workloads.aggregated(body, items, _COUNTERS, _TEXTS, idle_texts=_TEXTS)


RULES: Final = KindRules(
    health=health, reflect=reflect, aggregate=aggregate, dependencies=workloads.dependencies
)
