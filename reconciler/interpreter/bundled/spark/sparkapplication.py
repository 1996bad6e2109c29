"""sparkoperator.k8s.io/v1beta2 SparkApplication."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.bundled.members import Items, latest, reflected, settled, statuses, with_status
from reconciler.interpreter.bundled.templates import count_at, quantity_at
from reconciler.interpreter.podtemplate import node_claim
from reconciler.interpreter.reading import object_at, text_at, value_at
from reconciler.interpreter.rules import InterpretationError, KindRules
from reconciler.interpreter.statuses import summed
from reconciler.model.binding import Component, ReplicaRequirements
from reconciler.model.manifest import Body

_REFLECTED: Final = (
    "applicationState",
    "driverInfo",
    "executorState",
    "sparkApplicationId",
    "lastSubmissionAttemptTime",
    "submissionAttempts",
    "executionAttempts",
    "submissionID",
    "terminationTime",
)
_ATTEMPTS: Final = ("executionAttempts", "submissionAttempts")
_TIMES: Final = ("lastSubmissionAttemptTime", "terminationTime")
_STATES: Final = {
    "SUBMITTED": 1,
    "PENDING_RERUN": 1,
    "COMPLETED": 2,
    "SUSPENDING": 3,
    "SUSPENDED": 3,
    "RUNNING": 4,
    "RESUMING": 4,
    "SUCCEEDING": 4,
    "INVALIDATING": 5,
    "FAILING": 6,
    "FAILED": 6,
    "SUBMISSION_FAILED": 6,
}
"""How much each says about the whole: the first of the greatest is shown."""

_MEMORY: Final = re.compile(r"(\d+\.?\d*)([a-z]*)")
_POWERS: Final = {letter: power for power, letter in enumerate("kmgtp", start=1)}
_SUFFIXES: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi")
_LEAST_OVERHEAD: Final = (384.0, 2)
_OVERHEADS: Final = {"java": 0.1, "scala": 0.1}
_OTHER_OVERHEAD: Final = 0.4


def components(body: Body) -> tuple[Component, ...]:
    """The driver, and the executors; with dynamic allocation at least as many as it starts with."""
    executors = count_at(body, "spec", "executor", "instances", default=1)
    if value_at(body, "spec", "dynamicAllocation", "enabled"):
        for field in ("initialExecutors", "minExecutors"):
            executors = max(executors, count_at(body, "spec", "dynamicAllocation", field, default=1))
    return (
        Component(name="driver", replicas=1, requirements=_needs(body, "driver")),
        Component(name="executor", replicas=executors, requirements=_needs(body, "executor")),
    )


def health(body: Body) -> bool:
    """It has a state, and has not failed."""
    return value_at(body, "status", "applicationState", "state") not in (None, "FAILED")


def reflect(body: Body) -> Any:
    """State, driver, executors, attempts and times."""
    return reflected(body, _REFLECTED)


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """One member's status as it is; of several, the state that says most, attempts summed, executors together."""
    if items is None:
        return settled(body)
    if len(items) == 1:
        return with_status(body, items[0].get("status"))
    reports = statuses(items)
    states = [state for report in reports if (state := value_at(report, "applicationState")) is not None]
    status = {
        **object_at(body, "status"),
        **summed(reports, _ATTEMPTS),
        **{name: latest(reports, name) or "" for name in _TIMES},
        "applicationState": max(
            states, key=lambda state: _STATES.get(text_at(state, "state"), 0), default={}
        ),
        "executorState": {
            name: state for report in reports for name, state in object_at(report, "executorState").items()
        },
    }
    return with_status(body, status)


def _needs(body: Body, role: str) -> ReplicaRequirements:
    pod = object_at(body, "spec", role)
    factor = _factor(body)
    requests = {"cpu": "1" if quantity_at(pod, "cores") is None else str(value_at(pod, "cores"))}
    requests["memory"] = _total_memory(
        value_at(pod, "memory") or "1g", value_at(pod, "memoryOverhead"), factor
    )
    devices, device = count_at(pod, "gpu", "quantity", default=0), text_at(pod, "gpu", "name")
    if device and devices > 0:
        requests[device] = str(devices)
    return ReplicaRequirements(
        node_claim=node_claim(pod),
        resource_request=requests,
        priority_class_name=text_at(pod, "priorityClassName"),
    )


def _factor(body: Body) -> float:
    """The part of the memory that is added for what is not the JVM's heap."""
    stated = value_at(body, "spec", "memoryOverheadFactor")
    try:
        return float(stated)
    except (TypeError, ValueError):
        return _OVERHEADS.get(text_at(body, "spec", "type").lower(), _OTHER_OVERHEAD)


def _total_memory(memory: Any, overhead: Any, factor: float) -> str:
    """Memory and overhead as one quantity, in the smaller of their units."""
    amount, power = _memory(memory)
    if overhead:
        more, more_power = _memory(overhead)
    else:
        least, least_power = _LEAST_OVERHEAD
        more_power = min(power, least_power)
        more = max(
            amount * factor * 1024.0 ** (power - more_power), least * 1024.0 ** (least_power - more_power)
        )
    unit = min(power, more_power)
    total = amount * 1024.0 ** (power - unit) + more * 1024.0 ** (more_power - unit)
    return f"{total:f}{_SUFFIXES[unit]}"


def _memory(text: Any) -> tuple[float, int]:
    """A JVM's notation of memory as a number and a power of 1024. Without a unit it is MiB, as in Spark."""
    match = _MEMORY.fullmatch(str(text).lower())
    unit = match[2].removesuffix("b") if match else "?"
    if match is None or (unit and unit not in _POWERS):
        raise InterpretationError("an amount of memory is not in a JVM's notation")
    return float(match[1]), _POWERS.get(unit, 0 if match[2] else 2)


RULES: Final = KindRules(components=components, health=health, reflect=reflect, aggregate=aggregate)
