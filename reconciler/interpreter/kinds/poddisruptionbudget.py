"""policy/v1 PodDisruptionBudget."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.reading import integer_at, object_at, text_at, value_at
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.statuses import item_statuses, summed
from reconciler.model.manifest import Body

_COUNTED: Final = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")


def health(body: Body) -> bool:
    """At least as many healthy pods as desired."""
    return integer_at(body, "status", "currentHealthy") >= integer_at(body, "status", "desiredHealthy")


def reflect(body: Body) -> Any:
    """The counters, and the pods being disrupted."""
    if value_at(body, "status") is None:
        return None
    status: Body = {name: integer_at(body, "status", name) for name in _COUNTED}
    disrupted = object_at(body, "status", "disruptedPods")
    return {**status, "disruptedPods": disrupted} if disrupted else status


def aggregate(body: Body, items: Sequence[Body], now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The counters summed, and every cluster's disrupted pods as `<cluster>/<pod>`."""
    status: Body = dict(summed(item_statuses(items), _COUNTED))
    disrupted = {
        f"{text_at(item, 'clusterName')}/{pod}": time
        for item in items
        for pod, time in object_at(item, "status", "disruptedPods").items()
    }
    if disrupted:
        status["disruptedPods"] = disrupted
    return {**body, "status": status}


RULES: Final = KindRules(reflect=reflect, aggregate=aggregate, health=health)
