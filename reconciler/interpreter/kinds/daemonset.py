"""apps/v1 DaemonSet: one pod a node, so no replicas to divide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.reading import integer_at
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.statuses import Counters, aggregated_workload, reflected_workload
from reconciler.interpreter.workloads import is_observed, template_dependencies
from reconciler.model.manifest import Body

_COUNTERS: Final = Counters(
    summed=(
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
        "numberUnavailable",
    ),
    always=("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"),
)


def health(body: Body) -> bool:
    """Observed, updated on every node that should run it, and available wherever it is updated."""
    updated = integer_at(body, "status", "updatedNumberScheduled")
    return (
        is_observed(body)
        and updated >= integer_at(body, "status", "desiredNumberScheduled")
        and integer_at(body, "status", "numberAvailable") >= updated
    )


def reflect(body: Body) -> Any:
    """The counters and generations that a member reports."""
    return reflected_workload(body, _COUNTERS, observed=True)


def aggregate(body: Body, items: Sequence[Body], now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The members' counters, summed."""
    return aggregated_workload(body, items, _COUNTERS)


RULES: Final = KindRules(
    reflect=reflect, aggregate=aggregate, health=health, dependencies=template_dependencies
)
