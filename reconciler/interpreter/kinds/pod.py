"""v1 Pod."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from reconciler.interpreter import podtemplate
from reconciler.interpreter.reading import object_at, objects_at, require_type, text_at, typed_at, value_at
from reconciler.interpreter.rules import KindRules, Replicas
from reconciler.interpreter.statuses import is_zero, typed_statuses
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference

_WORST_FIRST: Final = ("Failed", "Pending", "Running", "Succeeded")


def replicas(body: Body) -> Replicas:
    """Always one."""
    require_type(body, "Pod")
    return 1, podtemplate.requirements(object_at(body, "spec"))


def health(body: Body) -> bool:
    """Succeeded, or running and ready."""
    phase = text_at(body, "status", "phase")
    return phase == "Succeeded" or (phase == "Running" and _is_ready(body))


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """What the pod refers to."""
    require_type(body, "Pod")
    return podtemplate.dependencies(object_at(body, "spec"), text_at(body, "metadata", "namespace"))


def aggregate(body: Body, items: Sequence[Body], now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The worst phase, and every container's readiness and state."""
    statuses = typed_statuses(items, "Pod")
    phases = {text_at(status, "phase") for status in statuses}
    if len(statuses) < len(items):
        phases.add("Pending")
    phase = next((one for one in _WORST_FIRST if one in phases), "")
    status: Body = {"phase": phase} if phase else {}
    for field in ("containerStatuses", "initContainerStatuses"):
        found = [_container_status(one) for one in statuses for one in objects_at(one, field)]
        if found:
            status[field] = found
    return {**body, "status": status}


def retain(desired: Body, live: Body) -> Body:
    """Node, service account and volumes, which a running Pod cannot change, and the mounts that admission added."""
    require_type(desired, "Pod")
    live = typed_at(live, "Pod")
    spec = {**object_at(desired, "spec")}
    for field in ("nodeName", "serviceAccountName", "volumes"):
        kept = value_at(live, "spec", field)
        spec.pop(field, None)
        if not is_zero(kept):
            spec[field] = kept
    for field in ("containers", "initContainers"):
        mounts = {text_at(one, "name"): one.get("volumeMounts") for one in objects_at(live, "spec", field)}
        if field in spec:
            spec[field] = [_with_mounts(one, mounts) for one in objects_at(desired, "spec", field)]
    return {**desired, "spec": spec}


def _with_mounts(container: Body, mounts: dict[str, Any]) -> Body:
    name = text_at(container, "name")
    if name not in mounts:
        return container
    kept = {key: value for key, value in container.items() if key != "volumeMounts"}
    own = mounts.pop(name)  # Karmada: of several containers of one name, the first takes them.
    return {**kept, "volumeMounts": own} if own else kept


def _container_status(status: Body) -> Body:
    # Karmada keeps `ready` and `state`; the API requires the others, so they are written as nothing.
    return {
        "name": "",
        "state": typed_at(status, "ContainerState", "state"),
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
