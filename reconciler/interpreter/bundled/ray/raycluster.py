"""ray.io/v1 RayCluster."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from reconciler.interpreter.bundled.members import (
    Items,
    first,
    has_condition,
    latest,
    settled,
    statuses,
    with_status,
)
from reconciler.interpreter.bundled.ray import clusters
from reconciler.interpreter.bundled.templates import quantity_at
from reconciler.interpreter.reading import object_at, objects_at
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.statuses import summed
from reconciler.model.binding import Component
from reconciler.model.manifest import Body
from reconciler.model.quantity import Quantity, canonical, parse_quantity

_COUNTERS: Final = (
    "readyWorkerReplicas",
    "availableWorkerReplicas",
    "maxWorkerReplicas",
    "minWorkerReplicas",
    "desiredWorkerReplicas",
)
_QUANTITIES: Final = ("desiredCPU", "desiredMemory", "desiredGPU", "desiredTPU")


def components(body: Body) -> tuple[Component, ...]:
    """Head and workers."""
    return clusters.components(object_at(body, "spec"))


def health(body: Body) -> bool:
    """The head is ready, the cluster was provisioned once, and no replica fails."""
    return (
        has_condition(body, "HeadPodReady")
        and has_condition(body, "RayClusterProvisioned")
        and not has_condition(body, "RayClusterReplicaFailure")
    )


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """One member's status as it is; of several, counters and quantities summed, and the state of the first."""
    if items is None:
        return settled(body)
    body = clusters.only_status(body)
    if clusters.single(items):
        return with_status(body, items[0].get("status"))
    reports = statuses(items)
    stateful = next((report for report in reports if report.get("state") is not None), {})
    status = {
        **object_at(body, "status"),
        **summed(reports, _COUNTERS),
        **{name: _total(reports, name) for name in _QUANTITIES},
        "conditions": [condition for report in reports for condition in objects_at(report, "conditions")],
        "lastUpdateTime": latest(reports, "lastUpdateTime"),
        "endpoints": first(reports, "endpoints"),
        "head": first(reports, "head"),
        "state": stateful.get("state"),
        "stateTransitionTimes": stateful.get("stateTransitionTimes"),
    }
    return with_status(body, status)


def _total(reports: list[Body], name: str) -> str:
    """The exact sum. Karmada adds texts, so that each addition takes its notation from the text before."""
    total = "0"
    for report in reports:
        operand = quantity_at(report, name) if report.get(name) != "" else None
        if operand is not None:
            before = parse_quantity(total)
            notation = operand.format if before.amount == 0 else before.format
            total = canonical(Quantity(before.amount + operand.amount, notation))
    return total


RULES: Final = KindRules(components=components, health=health, aggregate=aggregate)
