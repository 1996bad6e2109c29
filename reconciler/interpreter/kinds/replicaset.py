"""apps/v1 ReplicaSet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.reading import integer_at, optional_integer_at
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.statuses import Counters, aggregated_workload, reflected_workload
from reconciler.interpreter.workloads import (
    is_observed,
    revise_replicas,
    template_dependencies,
    template_replicas,
)
from reconciler.model.manifest import Body

_COUNTERS: Final = Counters(summed=("replicas", "readyReplicas", "availableReplicas"), always=("replicas",))


def health(body: Body) -> bool:
    """Observed, and every replica available."""
    wanted = optional_integer_at(body, "spec", "replicas")
    return is_observed(body) and (wanted is None or integer_at(body, "status", "availableReplicas") >= wanted)


def reflect(body: Body) -> Any:
    """The counters and generations that a member reports."""
    return reflected_workload(body, _COUNTERS, observed=True)


def aggregate(body: Body, items: Sequence[Body], now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The members' counters, summed."""
    return aggregated_workload(body, items, _COUNTERS)


RULES: Final = KindRules(
    reflect=reflect,
    aggregate=aggregate,
    replicas=template_replicas,
    revise=revise_replicas,
    health=health,
    dependencies=template_dependencies,
)
