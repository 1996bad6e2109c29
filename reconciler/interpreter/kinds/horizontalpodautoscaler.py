"""autoscaling/v2 HorizontalPodAutoscaler."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.reading import integer_at
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.statuses import has_status, summed, typed_statuses, with_status
from reconciler.model.manifest import Body

_COUNTED: Final = ("currentReplicas", "desiredReplicas")


def reflect(body: Body) -> Any:
    """How many replicas there are and should be."""
    if not has_status(body):
        return None
    return _shaped({name: integer_at(body, "status", name) for name in _COUNTED})


def aggregate(body: Body, items: Sequence[Body], now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """Both numbers, summed."""
    return with_status(body, _shaped(summed(typed_statuses(items, "HorizontalPodAutoscaler"), _COUNTED)))


def _shaped(counts: dict[str, int]) -> Body:
    # The API always writes `desiredReplicas` and `currentMetrics`.
    shaped: Body = {"currentMetrics": None, "desiredReplicas": counts["desiredReplicas"]}
    if counts["currentReplicas"]:
        shaped["currentReplicas"] = counts["currentReplicas"]
    return shaped


RULES: Final = KindRules(reflect=reflect, aggregate=aggregate)
