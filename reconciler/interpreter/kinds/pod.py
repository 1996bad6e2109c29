"""v1 Pod."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from reconciler.interpreter import podtemplate
from reconciler.interpreter.reading import object_at, objects_at, text_at, value_at
from reconciler.interpreter.rules import KindRules, Replicas
from reconciler.interpreter.statuses import is_zero, item_statuses, with_status
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference

_WORST_FIRST: Final = ("Failed", "Pending", "Running", "Succeeded")


def replicas(body: Body) -> Replicas:
    """Always one."""
    return 1, podtemplate.requirements(object_at(body, "spec"))


def health(body: Body) -> bool:
    """Succeeded, or running and ready."""
    phase = text_at(body, "status", "phase")
    return phase == "Succeeded" or (phase == "Running" and _is_ready(body))


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """What the pod refers to."""
    return podtemplate.dependencies(object_at(body, "spec"), text_at(body, "metadata", "namespace"))


def aggregate(body: Body, items: Sequence[Body], now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The worst phase, and every container's readiness and state."""
    phases = {
        text_at(item, "status", "phase") if item.get("status") is not None else "Pending" for item in items
    }
    phase = next((one for one in _WORST_FIRST if one in phases), "")
    status: Body = {"phase": phase} if phase else {}
    for field in ("containerStatuses", "initContainerStatuses"):
        found = [_container_status(one) for item in item_statuses(items) for one in objects_at(item, field)]
        if found:
            status[field] = found
    return with_status(body, status)


def retain(desired: Body, live: Body) -> Body:
    """Node, service account and volumes, which a running Pod cannot change, and the mounts that admission added."""
    spec = {**object_at(desired, "spec")}
    for field in ("nodeName", "serviceAccountName", "volumes"):
        kept = value_at(live, "spec", field)
        spec.pop(field, None)
        if not is_zero(kept):
            spec[field] = kept
    for field in ("containers", "initContainers"):
        mounts = {
            text_at(one, "name"): one.get("volumeMounts") for one in reversed(objects_at(live, "spec", field))
        }
        if field in spec:
            spec[field] = [_with_mounts(one, mounts) for one in objects_at(desired, "spec", field)]
    return {**desired, "spec": spec}


def _with_mounts(container: Body, mounts: dict[str, Any]) -> Body:
    name = text_at(container, "name")
    if name not in mounts:
        return container
    kept = {key: value for key, value in container.items() if key != "volumeMounts"}
    return {**kept, "volumeMounts": mounts[name]} if mounts[name] else kept


def _container_status(status: Body) -> Body:
    # Karmada keeps `ready` and `state`; the API requires the others, so they are written as nothing.
    return {
        "name": "",
        "state": object_at(status, "state"),
        "lastState": {},
        "ready": status.get("ready") is True,
        "restartCount": 0,
        "image": "",
        "imageID": "",
    }


def _is_ready(body: Body) -> bool:
    conditions = objects_at(body, "status", "conditions")
    return any(
        text_at(condition, "type") == "Ready" and text_at(condition, "status") == "True"
        for condition in conditions
    )


RULES: Final = KindRules(
    aggregate=aggregate, retain=retain, replicas=replicas, health=health, dependencies=dependencies
)
