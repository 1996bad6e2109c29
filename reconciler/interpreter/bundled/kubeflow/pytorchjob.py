"""kubeflow.org/v1 PyTorchJob."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.bundled.kubeflow import jobs
from reconciler.interpreter.bundled.members import Items, latest, statuses, with_status
from reconciler.interpreter.reading import object_at, objects_at, text_at
from reconciler.interpreter.rules import KindRules
from reconciler.model.binding import Component
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference

_FIELD: Final = "pytorchReplicaSpecs"
_ROLES: Final = ("Master", "Worker")
_MADE_ANEW: Final = ("startTime", "completionTime", "replicaStatuses", "conditions")


def components(body: Body) -> tuple[Component, ...]:
    """Master and workers."""
    return jobs.components(body, _FIELD, _ROLES)


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """What their pods refer to."""
    return jobs.dependencies(body, _FIELD, _ROLES)


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """Replicas summed; created where any member has it, failed where any failed, succeeded where all did."""
    status = dict(object_at(body, "status"))
    if not items:
        kept = {key: value for key, value in status.items() if key not in _MADE_ANEW}
        return with_status(body, kept | {"replicaStatuses": {}, "conditions": {}})
    reports = statuses(items)
    failed = [text_at(item, "clusterName") for item in items if _has(item, "Failed")]
    succeeded = sum(_has(item, "Succeeded") and not _has(item, "Failed") for item in items)
    is_done = succeeded == len(items)
    status |= jobs.times(reports)
    status["replicaStatuses"] = jobs.replica_statuses(reports, _ROLES)
    status["conditions"] = _conditions(items, reports, failed, is_done=is_done)
    if is_done and not failed:
        status["completionTime"] = latest(reports, "completionTime")
    return with_status(body, jobs.without_zeros(status))


def _conditions(items: Items, reports: list[Body], failed: list[str], *, is_done: bool) -> list[Body]:
    started, completed = jobs.times(reports)["startTime"], latest(reports, "completionTime")
    found = []
    if any(_has(item, "Created") for item in items or ()):
        found.append(_condition("Created", "PyTorchJobCreated", "PyTorchJob is created.", started, started))
    running = [
        one for report in reports for one in objects_at(report, "conditions") if one.get("type") == "Running"
    ]
    if running:
        times = (running[-1].get("lastUpdateTime"), running[-1].get("lastTransitionTime"))
        condition = _condition("Running", "PyTorchJobRunning", "PyTorchJob is running.", *times)
        found.append({**condition, "status": "False" if failed or is_done else "True"})
    if failed:
        message = f"PyTorchJob executed failed in member clusters: {', '.join(failed)}"
        found.append(_condition("Failed", "PyTorchJobFailed", message, completed, completed))
    elif is_done:
        message = "PyTorchJob is successfully completed."
        found.append(_condition("Succeeded", "PyTorchJobSucceeded", message, completed, completed))
    return found


def _condition(type_: str, reason: str, message: str, updated: Any, changed: Any) -> Body:
    return {
        "type": type_,
        "status": "True",
        "lastUpdateTime": updated,
        "lastTransitionTime": changed,
        "reason": reason,
        "message": message,
    }


def _has(item: Body, type_: str) -> bool:
    return any(jobs.is_true(condition, type_) for condition in objects_at(item, "status", "conditions"))


RULES: Final = KindRules(
    components=components, health=jobs.has_not_failed, aggregate=aggregate, dependencies=dependencies
)
