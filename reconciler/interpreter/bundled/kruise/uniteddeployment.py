"""apps.kruise.io/v1alpha1 UnitedDeployment: one workload over several domains of a cluster."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.bundled.kruise import workloads
from reconciler.interpreter.bundled.members import Items, reflected, statuses
from reconciler.interpreter.reading import objects_at, text_at
from reconciler.interpreter.rules import KindRules
from reconciler.model.manifest import Body

_COUNTERS: Final = (
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
)


def health(body: Body) -> bool:
    """As for any workload; an object without one of its parts is none."""
    is_whole = all(body.get(part) is not None for part in ("metadata", "spec", "status"))
    return is_whole and workloads.is_rolled_out(body)


def reflect(body: Body) -> Any:
    """Counters, conditions and generations."""
    return reflected(body, (*_COUNTERS, "observedGeneration", "conditions"), with_generations=True)


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """Counters summed; of each type of condition the last."""
    conditions: dict[str, Body] = {}
    for report in statuses(items):
        for condition in objects_at(report, "conditions"):
            conditions[text_at(condition, "type")] = condition
    more = {"conditions": list(conditions.values())} if conditions else None
    return workloads.aggregated(body, items, _COUNTERS, {}, more=more, of_reporting=True)


RULES: Final = KindRules(
    replicas=workloads.replicas,
    revise=workloads.revise,
    health=health,
    reflect=reflect,
    aggregate=aggregate,
    dependencies=workloads.dependencies,
)
