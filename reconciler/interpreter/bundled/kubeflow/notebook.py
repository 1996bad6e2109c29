"""kubeflow.org/v1 Notebook."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.bundled.members import Items, settled, statuses, with_status
from reconciler.interpreter.bundled.templates import needs_of
from reconciler.interpreter.reading import integer_at, object_at, text_at, value_at
from reconciler.interpreter.rules import KindRules, Replicas
from reconciler.model.manifest import Body
from reconciler.model.time import format_time

_FAILED_REASONS: Final = ("Error", "OOMKilled", "ContainerCannotRun")


def replicas(body: Body) -> Replicas:
    """Always one."""
    return 1, needs_of(object_at(body, "spec", "template"))


def health(body: Body) -> bool:
    """It runs, is being made, or has ended well."""
    state = object_at(body, "status", "containerState")
    if state.get("running") is not None:
        return True
    if state.get("waiting") is not None:
        return text_at(state, "waiting", "reason") == "ContainerCreating"
    if state.get("terminated") is None:
        return False
    return (
        text_at(state, "terminated", "reason") not in _FAILED_REASONS
        and integer_at(state, "terminated", "exitCode") == 0
    )


def reflect(body: Body) -> Any:
    """Ready replicas, zero included, state and conditions."""
    if value_at(body, "status") is None:
        return {}
    conditions = value_at(body, "status", "conditions")
    return settled(
        {
            "readyReplicas": integer_at(body, "status", "readyReplicas"),
            "containerState": value_at(body, "status", "containerState"),
            "conditions": conditions if isinstance(conditions, list | dict) else None,
        }
    )


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:
    """One member's status as it is; of several, the state of the last that fails, else the newest that runs."""
    if items is None:
        return settled(body)
    if len(items) == 1:
        return with_status(body, items[0].get("status"))
    failed: list[str] = []
    running: list[Any] = []
    state: Body | None = None
    for item in items:
        if item.get("status") is None:
            continue
        container = object_at(item, "status", "containerState")
        if not container or container.get("terminated") is not None or container.get("waiting") is not None:
            failed.append(text_at(item, "clusterName"))
            state = container or {"waiting": {"reason": "Unschedulable"}}
        elif container.get("running") is not None and not failed:
            running.append(text_at(container, "running", "startedAt"))
            state = {"running": {"startedAt": max(running) or None}}
    status = {
        "readyReplicas": sum(integer_at(report, "readyReplicas") for report in statuses(items)),
        "containerState": state,
        "conditions": _conditions(failed, is_ready=0 < len(items) == len(running), now=now),
    }
    return with_status(body, status)


def _conditions(failed: list[str], *, is_ready: bool, now: datetime | None) -> list[Body]:
    conditions = []
    if failed:
        message = f"Notebook executed failed in member clusters: {', '.join(failed)}"
        conditions.append(_condition("Failed", "NotebookFailed", message, now))
    if is_ready:
        conditions.append(_condition("Ready", "Ready", "All notebooks are ready", now))
    return conditions


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


RULES: Final = KindRules(replicas=replicas, health=health, reflect=reflect, aggregate=aggregate)
