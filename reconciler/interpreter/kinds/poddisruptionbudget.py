"""policy/v1 PodDisruptionBudget."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.reading import integer_at, text_at, typed_at
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.statuses import has_status, summed, typed_statuses
from reconciler.model.manifest import Body

_COUNTED: Final = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")


def health(body: Body) -> bool:
    """At least as many healthy pods as desired."""
    return integer_at(body, "status", "currentHealthy") >= integer_at(body, "status", "desiredHealthy")


def reflect(body: Body) -> Any:
    """The counters, and the pods being disrupted."""
    if not has_status(body):
        return None
    status: Body = {name: integer_at(body, "status", name) for name in _COUNTED}
    disrupted = typed_at(body, "{time}", "status", "disruptedPods")
    return {**status, "disruptedPods": disrupted} if disrupted else status


def aggregate(body: Body, items: Sequence[Body], now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The counters summed, and every cluster's disrupted pods as `<cluster>/<pod>`."""
    reporting = [item for item in items if item.get("status") is not None]
    statuses = typed_statuses(items, "PodDisruptionBudget")
    status: Body = dict(summed(statuses, _COUNTED))
    disrupted = {
        f"{text_at(item, 'clusterName')}/{pod}": time
        for item, reported in zip(reporting, statuses, strict=True)
        for pod, time in (typed_at(reported, "{time}", "disruptedPods") or {}).items()
    }
    if disrupted:
        status["disruptedPods"] = disrupted
    return {**body, "status": status}


RULES: Final = KindRules(reflect=reflect, aggregate=aggregate, health=health)
