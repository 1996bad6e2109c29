"""kubeflow.org/v1 TFJob."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from reconciler.interpreter.bundled.kubeflow import jobs
from reconciler.interpreter.bundled.members import Items, latest, statuses, with_status
from reconciler.interpreter.reading import object_at, objects_at, text_at
from reconciler.interpreter.rules import KindRules
from reconciler.model.binding import Component
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference
from reconciler.model.time import format_time

_FIELD: Final = "tfReplicaSpecs"
_ROLES: Final = ("PS", "Worker", "Chief", "Master", "Evaluator")
_MADE_ANEW: Final = ("startTime", "completionTime", "replicaStatuses", "conditions")


def components(body: Body) -> tuple[Component, ...]:
    """One for each role."""
    return jobs.components(body, _FIELD, _ROLES)


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """What their pods refer to."""
    return jobs.dependencies(body, _FIELD, _ROLES)


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:
    """Replicas summed; failed where any member failed, succeeded where all did."""
    status = dict(object_at(body, "status"))
    if items is None:
        kept = {key: value for key, value in status.items() if key not in _MADE_ANEW}
        return with_status(body, kept | {"replicaStatuses": {}, "conditions": {}})
    reports = statuses(items)
    ends = [_end(item) for item in items]
    failed = [text_at(item, "clusterName") for item, end in zip(items, ends, strict=True) if end == "Failed"]
    is_done = bool(ends) and all(end == "Succeeded" for end in ends)
    conditions = []
    if failed:
        message = f"TFJob executed failed in member clusters: {', '.join(failed)}"
        conditions.append(_condition("Failed", "TFJobFailed", message, now))
    if is_done:
        conditions.append(_condition("Succeeded", "Completed", "TFJob completed successfully", now))
        status["completionTime"] = latest(reports, "completionTime")
    status |= jobs.times(reports)
    status["replicaStatuses"] = jobs.replica_statuses(reports, _ROLES)
    status["conditions"] = conditions
    return with_status(body, jobs.without_zeros(status))


def _end(item: Body) -> str:
    """How the job ended in one member: the type of the last true condition that says so, or empty."""
    ends = [
        text_at(condition, "type")
        for condition in objects_at(item, "status", "conditions")
        if jobs.is_true(condition, "Succeeded") or jobs.is_true(condition, "Failed")
    ]
    return ends[-1] if ends else ""


def _condition(type_: str, reason: str, message: str, now: datetime | None) -> Body:
    when = None if now is None else format_time(now)
    return {
        "type": type_,
        "status": "True",
        "lastProbeTime": when,
        "lastTransitionTime": when,
        "reason": reason,
        "message": message,
    }


RULES: Final = KindRules(
    components=components, health=jobs.has_not_failed, aggregate=aggregate, dependencies=dependencies
)
