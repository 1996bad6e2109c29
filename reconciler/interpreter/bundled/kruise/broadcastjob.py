"""apps.kruise.io/v1alpha1 BroadcastJob: one pod on every node, once."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.bundled.kruise import workloads
from reconciler.interpreter.bundled.members import Items, last, reflected, settled, statuses, with_status
from reconciler.interpreter.bundled.templates import needs_of, set_spec
from reconciler.interpreter.reading import (
    object_at,
    objects_at,
    optional_integer_at,
    text_at,
    value_at,
    with_value,
)
from reconciler.interpreter.rules import KindRules, Replicas
from reconciler.interpreter.statuses import summed
from reconciler.model.manifest import Body

_COUNTERS: Final = ("active", "succeeded", "failed", "desired")
_REFLECTED: Final = ("conditions", "startTime", "completionTime", *_COUNTERS, "phase")
_LABELS: Final = ("spec", "template", "metadata", "labels")


def replicas(body: Body) -> Replicas:
    """`spec.parallelism`, 1 where absent, and what one pod needs."""
    parallelism = optional_integer_at(body, "spec", "parallelism")
    return 1 if parallelism is None else parallelism, needs_of(object_at(body, "spec", "template"))


def revise(body: Body, count: int) -> Body:
    """`spec.parallelism` set."""
    return set_spec(body, "parallelism", count)


def health(body: Body) -> bool:
    """There is something to do, nothing failed, and something runs or has succeeded."""
    workloads.check_status(body)
    status = object_at(body, "status")
    if status.get("desired") == 0 or status.get("failed") != 0:
        return False
    return bool(status.get("succeeded") != 0 or status.get("active") != 0)


def reflect(body: Body) -> Any:
    """Counters, times, phase and conditions."""
    return reflected(body, _REFLECTED)


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """Counters summed; a condition of its own where members failed, and one where all are complete."""
    if items is None:
        return settled(body)
    reports = statuses(items)
    status = {
        **object_at(body, "status"),
        **summed(reports, _COUNTERS),
        "phase": last(reports, "phase", ""),
        "conditions": _conditions(items),
    }
    return with_status(body, status)


def retain(desired: Body, live: Body) -> Body:
    """The labels that the controller gave the pod template."""
    labels = value_at(live, *_LABELS)
    return desired if labels is None else with_value(desired, _LABELS, labels)


def _conditions(items: Items) -> list[Body]:
    failed: list[str] = []
    complete = 0
    # Karmada: a member that is not finished counts as the one before it.
    finished = ""
    for item in items or ():
        finished = _finished(item) or finished
        complete += finished == "Complete"
        if finished == "Failed":
            failed.append(text_at(item, "clusterName"))
    conditions = []
    if failed:
        message = f"Job executed failed in member clusters: {', '.join(failed)}"
        conditions.append({"type": "Failed", "status": "True", "reason": "JobFailed", "message": message})
    if complete and complete == len(items or ()):
        conditions.append(
            {"type": "Completed", "status": "True", "reason": "Completed", "message": "Job completed"}
        )
    return conditions


def _finished(item: Body) -> str:
    """The type of the first condition that says the job is over, or empty."""
    for condition in objects_at(item, "status", "conditions"):
        type_ = text_at(condition, "type")
        if type_ in ("Complete", "Failed") and text_at(condition, "status") == "True":
            return type_
    return ""


RULES: Final = KindRules(
    replicas=replicas,
    revise=revise,
    health=health,
    reflect=reflect,
    aggregate=aggregate,
    retain=retain,
    dependencies=workloads.dependencies,
)
