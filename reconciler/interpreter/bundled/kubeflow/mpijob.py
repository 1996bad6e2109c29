"""kubeflow.org/v2beta1 MPIJob."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.bundled.kubeflow import jobs
from reconciler.interpreter.bundled.members import Items, earliest, latest, settled, statuses, with_status
from reconciler.interpreter.bundled.templates import component, count_at
from reconciler.interpreter.reading import object_at, objects_at, text_at, value_at
from reconciler.interpreter.rules import KindRules
from reconciler.model.binding import Component
from reconciler.model.manifest import Body

_TIMES: Final = ("startTime", "completionTime", "lastReconcileTime")
_REPLICA_STATUS: Final = ("active", "succeeded", "failed", "selector")


def components(body: Body) -> tuple[Component, ...]:
    """One for each role; workers are none where nothing is said."""
    specs = object_at(body, "spec", "mpiReplicaSpecs")
    return tuple(
        component(
            role, count_at(spec, "replicas", default=0 if role.lower() == "worker" else 1), spec["template"]
        )
        for role, spec in sorted(specs.items())
        if value_at(spec, "template") is not None
    )


def health(body: Body) -> bool:
    """There are conditions, and none says that the job failed."""
    return bool(objects_at(body, "status", "conditions")) and jobs.has_not_failed(body)


def reflect(body: Body) -> Any:
    """Counters by role, conditions and times."""
    status = object_at(body, "status")
    roles = object_at(status, "replicaStatuses")
    return settled(
        {
            "replicaStatuses": {
                role: {name: value_at(counters, name) for name in _REPLICA_STATUS}
                for role, counters in roles.items()
                if counters is not None
            },
            "conditions": value_at(status, "conditions"),
            **{name: status.get(name) for name in _TIMES},
        }
    )


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """One member's status as it is; of several, replicas summed and of each type of condition the newest."""
    if not items:
        return settled(body)
    if len(items) == 1:
        return with_status(body, items[0].get("status"))
    reports = statuses(items)
    roles = dict.fromkeys(role for report in reports for role in sorted(object_at(report, "replicaStatuses")))
    status = {
        "replicaStatuses": jobs.replica_statuses(reports, roles),
        "conditions": _newest_conditions(reports),
        "startTime": earliest(reports, "startTime"),
        "completionTime": latest(reports, "completionTime"),
        "lastReconcileTime": latest(reports, "lastReconcileTime"),
    }
    return with_status(body, jobs.without(status, lambda _: False) or {})


def _newest_conditions(reports: list[Body]) -> list[Body]:
    newest: dict[str, Body] = {}
    for report in reports:
        for condition in objects_at(report, "conditions"):
            known = newest.get(text_at(condition, "type"))
            if _time(condition) and (known is None or _time(condition) > _time(known)):
                newest[text_at(condition, "type")] = condition
    return list(newest.values())


def _time(condition: Body) -> str:
    updated = value_at(condition, "lastUpdateTime")
    return text_at(condition, "lastTransitionTime" if updated is None else "lastUpdateTime")


RULES: Final = KindRules(components=components, health=health, reflect=reflect, aggregate=aggregate)
