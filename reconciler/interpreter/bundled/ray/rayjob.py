"""ray.io/v1 RayJob."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from reconciler.interpreter.bundled.members import Items, settled, statuses, with_status
from reconciler.interpreter.bundled.ray import clusters
from reconciler.interpreter.bundled.templates import dependencies_of
from reconciler.interpreter.reading import object_at, text_at
from reconciler.interpreter.rules import KindRules
from reconciler.model.binding import Component
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference

_DEPLOYMENT_STATES: Final = {
    "": 0,
    "Initializing": 1,
    "Waiting": 2,
    "Suspending": 3,
    "Suspended": 3,
    "Retrying": 4,
    "Running": 5,
    "Complete": 6,
    "ValidationFailed": 7,
    "Failed": 8,
}
"""How much each says about the whole: the greatest of all members is shown."""

_JOB_STATES: Final = {"PENDING": 1, "RUNNING": 2, "SUCCEEDED": 3, "STOPPED": 4, "FAILED": 5}


def components(body: Body) -> tuple[Component, ...]:
    """Head and workers of its cluster."""
    return clusters.components(object_at(body, "spec", "rayClusterSpec"))


def health(body: Body) -> bool:
    """It runs, or has succeeded."""
    deployed = text_at(body, "status", "jobDeploymentStatus")
    return deployed == "Running" or (
        deployed == "Complete" and text_at(body, "status", "jobStatus") == "SUCCEEDED"
    )


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """One member's status as it is; of several, the states that say most, each with its reason."""
    if items is None:
        return settled(body)
    body = clusters.only_status(body)
    if clusters.single(items):
        return with_status(body, items[0].get("status"))
    reports = statuses(items)
    deployed = _greatest(
        [report for report in reports if report.get("jobDeploymentStatus") is not None],
        "jobDeploymentStatus",
        _DEPLOYMENT_STATES,
    )
    job = _greatest([report for report in reports if report.get("jobStatus")], "jobStatus", _JOB_STATES)
    status = {
        **object_at(body, "status"),
        "jobStatus": job.get("jobStatus"),
        **{name: deployed.get(name) for name in ("jobDeploymentStatus", "reason", "message")},
    }
    return with_status(body, status)


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """What the pods of its cluster and of its submitter refer to."""
    cluster = object_at(body, "spec", "rayClusterSpec")
    submitter = object_at(body, "spec", "submitterPodTemplate")
    return dependencies_of(body, *clusters.templates(cluster), submitter, default="")


def _greatest(reports: list[Body], field: str, ranks: Mapping[str, int]) -> Body:
    """The first report whose state ranks highest; unknown states rank lowest."""
    return max(reports, key=lambda report: ranks.get(text_at(report, field), 0), default={})


RULES: Final = KindRules(components=components, health=health, aggregate=aggregate, dependencies=dependencies)
