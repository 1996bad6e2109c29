"""ray.io/v1 RayService."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from math import floor
from typing import Any, Final

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
from reconciler.interpreter.bundled.templates import dependencies_of, needs_of
from reconciler.interpreter.reading import (
    integer_at,
    object_at,
    objects_at,
    text_at,
    value_at,
    with_value,
    without,
)
from reconciler.interpreter.rules import KindRules, Replicas
from reconciler.interpreter.statuses import summed
from reconciler.model.binding import ReplicaRequirements
from reconciler.model.manifest import Body
from reconciler.model.quantity import parse_quantity
from reconciler.model.selector import ObjectReference

_CLUSTER: Final = ("spec", "rayClusterConfig")
_WORKERS: Final = (*_CLUSTER, "workerGroupSpecs")
_APPLICATION_STATES: Final = {
    "RUNNING": 0,
    "NOT_STARTED": 1,
    "DEPLOYING": 2,
    "DELETING": 3,
    "UNHEALTHY": 4,
    "DEPLOY_FAILED": 5,
}
"""From good to bad: the worst of all members is shown."""


def replicas(body: Body) -> Replicas:
    """The head and all workers; each is taken to need what the hungriest of them needs of CPU and memory."""
    cluster = object_at(body, *_CLUSTER)
    head = value_at(cluster, "headGroupSpec", "template")
    if head is None:
        return 0, None
    groups = clusters.workers(cluster)
    needs = needs_of(head)
    if needs is not None:
        others = [needs_of(group["template"]) for group in groups if group.get("template") is not None]
        needs = _hungriest(needs, [other for other in others if other is not None])
    return 1 + sum(integer_at(group, "replicas") for group in groups), needs


def revise(body: Body, count: int) -> Body:
    """One is the head; the rest is shared among the groups of workers, as they share it now."""
    groups = objects_at(body, *_WORKERS)
    if not groups:
        return body
    shares = _shares(max(0, count - 1), [integer_at(group, "replicas") for group in groups])
    revised = [{**group, "replicas": share} for group, share in zip(groups, shares, strict=True)]
    return with_value(body, _WORKERS, revised)


def health(body: Body) -> bool:
    """Ready, for whatever reason."""
    return has_condition(body, "Ready")


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """One member's status as it is; of several, endpoints summed and of each application the worst state."""
    if items is None:
        return settled(body)
    body = clusters.only_status(body)
    if clusters.single(items):
        return with_status(body, items[0].get("status"))
    reports = statuses(items)
    status: dict[str, Any] = {
        **object_at(body, "status"),
        **summed(reports, ("numServeEndpoints",)),
        "conditions": [condition for report in reports for condition in objects_at(report, "conditions")],
        "lastUpdateTime": latest(reports, "lastUpdateTime"),
        "observedGeneration": max((0, *(integer_at(report, "observedGeneration") for report in reports))),
        "serviceStatus": "" if any(report.get("serviceStatus") == "" for report in reports) else "Running",
    }
    active = first(reports, "activeServiceStatus")
    if active is not None:
        status["activeServiceStatus"] = {**active, "applicationStatuses": _applications(reports)}
    pending = first(reports, "pendingServiceStatus")
    if pending is not None:
        status["pendingServiceStatus"] = pending
    return with_status(body, status)


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """What the pods of its cluster refer to, less what is only for debugging."""
    templates = clusters.templates(object_at(body, *_CLUSTER))
    return dependencies_of(
        body, *(without(template, "spec", "ephemeralContainers") for template in templates), default=""
    )


def _hungriest(needs: ReplicaRequirements, others: list[ReplicaRequirements]) -> ReplicaRequirements:
    requests = dict(needs.resource_request)
    for name in ("cpu", "memory"):
        amounts = [each.resource_request[name] for each in (needs, *others) if name in each.resource_request]
        if amounts:
            requests[name] = max(amounts, key=lambda text: parse_quantity(text).amount)
    return replace(needs, resource_request=requests)


def _shares(wanted: int, current: list[int]) -> list[int]:
    """Each group's share of the workers; the last takes what rounding leaves."""
    total, shares = sum(current), list[int]()
    if not wanted:
        return [0] * len(current)
    for index, now in enumerate(current[:-1]):
        if total:
            shares.append(floor(wanted * (now / total) + 0.5))
        else:
            shares.append(wanted // len(current) + (index < wanted % len(current)))
    return [*shares, wanted - sum(shares)]


def _applications(reports: list[Body]) -> Body:
    worst: dict[str, Body] = {}
    for report in reports:
        for name, application in object_at(report, "activeServiceStatus", "applicationStatuses").items():
            if name not in worst or _rank(application) > _rank(worst[name]):
                worst[name] = application
    return worst


def _rank(application: Body) -> int:
    return _APPLICATION_STATES.get(text_at(application, "status"), 0)


RULES: Final = KindRules(
    replicas=replicas, revise=revise, health=health, aggregate=aggregate, dependencies=dependencies
)
