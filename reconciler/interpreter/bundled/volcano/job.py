"""batch.volcano.sh/v1alpha1 Job."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.bundled.kubeflow.jobs import without_zeros
from reconciler.interpreter.bundled.members import Items, reflected, settled, statuses, with_status
from reconciler.interpreter.bundled.templates import component, count_at
from reconciler.interpreter.reading import integer_at, object_at, objects_at, text_at, value_at
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.statuses import summed
from reconciler.model.binding import Component
from reconciler.model.manifest import Body
from reconciler.model.time import format_time

_COUNTERS: Final = (
    "minAvailable",
    "pending",
    "running",
    "succeeded",
    "failed",
    "terminating",
    "unknown",
    "retryCount",
)
_REFLECTED: Final = (
    *_COUNTERS,
    "version",
    "runningDuration",
    "taskStatusCount",
    "controlledResources",
    "state",
    "conditions",
)
_HEALTHY: Final = frozenset(
    (
        "Running",
        "Completed",
        "Pending",
        "Aborting",
        "Aborted",
        "Restarting",
        "Completing",
        "Terminating",
        "Terminated",
    )
)
_ENDED_BADLY: Final = ("Failed", "Aborted", "Aborting", "Terminated", "Terminating")
_DURATION: Final = re.compile(r"([0-9.]+)([hms])")
_SECONDS: Final = {"h": 3600, "m": 60, "s": 1}


def components(body: Body) -> tuple[Component, ...]:
    """One for each task, with as many replicas as it needs at least; nameless ones by their index."""
    return tuple(
        component(
            text_at(task, "name") or f"task-{index}",
            count_at(task, "minAvailable", default=1),
            object_at(task, "template"),
        )
        for index, task in enumerate(objects_at(body, "spec", "tasks"))
    )


def health(body: Body) -> bool:
    """It is in a phase that it came to as asked."""
    return text_at(body, "status", "state", "phase") in _HEALTHY


def reflect(body: Body) -> Any:
    """Counters, state and conditions."""
    return reflected(body, _REFLECTED)


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:
    """One member's status as it is; of several, counters summed, and the conditions of the first that ends badly, else the newest."""
    if items is None:
        return settled(body)
    if len(items) == 1:
        return with_status(body, items[0].get("status"))
    reports = statuses(items)
    status = {
        **summed(reports, _COUNTERS),
        "state": _state(items, now),
        "taskStatusCount": _task_counts(reports),
        "version": max((integer_at(report, "version") for report in reports), default=0),
        "controlledResources": {
            name: value
            for report in reports
            for name, value in object_at(report, "controlledResources").items()
        },
        "conditions": _conditions(reports),
        "runningDuration": _longest([value_at(report, "runningDuration") for report in reports]),
    }
    return with_status(body, without_zeros(status) or {})


def _state(items: Items, now: datetime | None) -> Body:
    phases = [
        (text_at(item, "status", "state", "phase"), text_at(item, "clusterName")) for item in items or ()
    ]
    failed = [cluster for phase, cluster in phases if phase in ("Failed", "Aborted")]
    if failed:
        said = ("Failed", "VolcanoJobFailed", f"Job failed in clusters: {','.join(failed)}")
    elif phases and all(phase == "Completed" for phase, _ in phases):
        said = ("Completed", "Completed", "Job completed successfully")
    else:
        return {}
    when = None if now is None else format_time(now)
    return dict(zip(("phase", "reason", "message"), said, strict=True)) | {"lastTransitionTime": when}


def _task_counts(reports: list[Body]) -> Body:
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for report in reports:
        for task, status in object_at(report, "taskStatusCount").items():
            phases = counts.setdefault(task, {"phase": {}})["phase"]
            for phase in object_at(status, "phase"):
                phases[phase] = phases.get(phase, 0) + integer_at(status, "phase", phase)
    return counts


def _conditions(reports: list[Body]) -> list[Body]:
    for report in reports:
        conditions = objects_at(report, "conditions")
        if any(text_at(condition, "status") in _ENDED_BADLY for condition in conditions):
            return conditions
    newest: dict[str, Body] = {}
    for report in reports:
        for condition in objects_at(report, "conditions"):
            status = text_at(condition, "status")
            known = newest.get(status)
            if known is None or text_at(condition, "lastTransitionTime") > text_at(
                known, "lastTransitionTime"
            ):
                newest[status] = condition
    return list(newest.values())


def _longest(durations: list[Any]) -> Any:
    longest = max(durations, key=_seconds, default=None)
    return longest if _seconds(longest) > 0 else None


def _seconds(duration: Any) -> float:
    """A duration such as `1h2m3s` in seconds; plain numbers are seconds."""
    if isinstance(duration, int | float) and not isinstance(duration, bool):
        return float(duration)
    if not isinstance(duration, str):
        return 0.0
    try:
        return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(duration)) or float(
            duration
        )
    except ValueError:
        return 0.0


RULES: Final = KindRules(components=components, health=health, reflect=reflect, aggregate=aggregate)
