"""flink.apache.org/v1beta1 FlinkDeployment."""

from __future__ import annotations

from datetime import datetime
from math import ceil
from typing import Any, Final

from reconciler.interpreter.bundled.members import Items, reflected, settled, statuses, with_status
from reconciler.interpreter.bundled.templates import count_at, quantity_at
from reconciler.interpreter.nodeclaim import claim_fields
from reconciler.interpreter.reading import object_at, text_at, value_at
from reconciler.interpreter.rules import KindRules, Replicas
from reconciler.model.binding import Component, ReplicaRequirements
from reconciler.model.manifest import Body

_FIELDS: Final = (
    "clusterInfo",
    "error",
    "jobManagerDeploymentStatus",
    "jobStatus",
    "lifecycleState",
    "observedGeneration",
    "reconciliationStatus",
    "taskManager",
)
_WITHOUT_MEMBERS: Final = {
    "error": "",
    "jobManagerDeploymentStatus": "",
    "lifecycleState": "",
    "observedGeneration": 0,
}
_HEALTHY_STATES: Final = frozenset(
    ("RUNNING", "FINISHED", "FAILED", "CANCELED", "SUSPENDED", "CANCELLING", "FAILING", "RESTARTING")
)
_STARTING_STATES: Final = ("CREATED", "INITIALIZING", "RECONCILING")
_AUTHORS_ERRORS: Final = ("ErrImagePull", "ImagePullBackOff", "CrashLoopBackOff")
_MANAGERS: Final = ("taskManager", "jobManager")


def replicas(body: Body) -> Replicas:
    """Job and task managers together; each is taken to need what the hungrier of them needs."""
    count = _job_managers(body) + _task_managers(body)
    needs = ReplicaRequirements(
        node_claim=_claim(body),
        resource_request={
            name: text for name in ("cpu", "memory") if (text := _greater(body, name)) is not None
        },
        namespace=text_at(body, "metadata", "namespace"),
        priority_class_name=text_at(body, "spec", "podTemplate", "spec", "priorityClassName"),
    )
    return count, needs


def components(body: Body) -> tuple[Component, ...]:
    """Job managers and task managers."""
    return (
        Component(name="jobmanager", replicas=_job_managers(body), requirements=_needs(body, "jobManager")),
        Component(
            name="taskmanager", replicas=_task_managers(body), requirements=_needs(body, "taskManager")
        ),
    )


def health(body: Body) -> bool:
    """It runs or has ended; while it starts, only an error of its author's counts as what was asked for."""
    if value_at(body, "status", "jobStatus", "state") is None:
        return (
            text_at(body, "status", "jobManagerDeploymentStatus") == "READY"
            and text_at(body, "status", "lifecycleState") == "STABLE"
        )
    state = text_at(body, "status", "jobStatus", "state")
    if state in _STARTING_STATES:
        error = text_at(body, "status", "error")
        return any(reason in error for reason in _AUTHORS_ERRORS)
    return state in _HEALTHY_STATES


def reflect(body: Body) -> Any:
    """Job, managers and life cycle."""
    return reflected(body, _FIELDS)


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The status of the last member that reports one."""
    if items is None:
        return settled(body)
    reports = statuses(items)
    shown = reports[-1] if reports else _WITHOUT_MEMBERS
    return with_status(body, {**object_at(body, "status"), **{name: shown.get(name) for name in _FIELDS}})


def _job_managers(body: Body) -> int:
    return count_at(body, "spec", "jobManager", "replicas", default=1)


def _task_managers(body: Body) -> int:
    """As many as are asked for, or as the job's parallelism takes, or one."""
    stated = count_at(body, "spec", "taskManager", "replicas", default=-1)
    if stated >= 0:
        return stated
    slots = count_at(body, "spec", "flinkConfiguration", "taskmanager.numberOfTaskSlots", default=0)
    parallelism = count_at(body, "spec", "job", "parallelism", default=-1)
    return ceil(parallelism / slots) if slots and parallelism >= 0 else 1


def _needs(body: Body, manager: str) -> ReplicaRequirements:
    requests = {
        name: str(value_at(body, "spec", manager, "resource", name))
        for name in ("cpu", "memory")
        if quantity_at(body, "spec", manager, "resource", name) is not None
    }
    return ReplicaRequirements(
        node_claim=_claim(body),
        resource_request=requests,
        priority_class_name=text_at(body, "spec", "podTemplate", "spec", "priorityClassName"),
    )


def _claim(body: Body) -> Body | None:
    pod = object_at(body, "spec", "podTemplate", "spec")
    if pod.get("nodeSelector") is None and pod.get("tolerations") is None:
        return None
    return {name: value for name, value in claim_fields(pod).items() if value}


def _greater(body: Body, name: str) -> str | None:
    """The greater request of the two managers, as it is written."""
    found = [
        (quantity.amount, str(value_at(body, "spec", manager, "resource", name)))
        for manager in _MANAGERS
        if (quantity := quantity_at(body, "spec", manager, "resource", name)) is not None
    ]
    return max(found, key=lambda each: each[0])[1] if found else None


RULES: Final = KindRules(
    replicas=replicas, components=components, health=health, reflect=reflect, aggregate=aggregate
)
