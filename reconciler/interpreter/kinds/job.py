"""batch/v1 Job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from reconciler.interpreter import podtemplate
from reconciler.interpreter.reading import (
    integer_at,
    moment_of,
    object_at,
    objects_at,
    optional_integer_at,
    require_type,
    text_at,
    time_at,
    typed_at,
    value_at,
    with_value,
    without,
)
from reconciler.interpreter.rules import KindRules, Replicas
from reconciler.interpreter.statuses import has_status, summed, typed_statuses, with_status
from reconciler.interpreter.workloads import set_count, template_dependencies
from reconciler.model.manifest import Body
from reconciler.model.time import format_time

_CONTROLLER_UID: Final = ("controller-uid", "batch.kubernetes.io/controller-uid")
_REFLECTED: Final = ("active", "succeeded", "failed", "conditions", "startTime", "completionTime")
_COUNTED: Final = ("active", "succeeded", "failed")
_JOB_NAME: Final = ("job-name", "batch.kubernetes.io/job-name")


def replicas(body: Body) -> Replicas:
    """`parallelism`, at most `completions`."""
    require_type(body, "Job")
    count = integer_at(body, "spec", "parallelism")
    completions = optional_integer_at(body, "spec", "completions")
    count = count if completions is None else min(count, completions)
    return count, podtemplate.requirements(object_at(body, "spec", "template", "spec"))


def revise(body: Body, count: int) -> Body:
    """The body with `spec.parallelism` set, only where the template has it."""
    return set_count(body, "parallelism", count)


def prune(body: Body) -> Body:
    """Without the time to live, and without the selector and labels that the server generates.

    A Job that a member deleted by itself would be made anew, for ever.
    """
    require_type(body, "Job")
    body = without(body, "spec", "ttlSecondsAfterFinished")
    if value_at(body, "spec", "manualSelector") is True:
        return body
    for key in _CONTROLLER_UID:
        body = without(body, "spec", "selector", "matchLabels", key)
    for key in (*_CONTROLLER_UID, *_JOB_NAME):
        body = without(body, "spec", "template", "metadata", "labels", key)
    return body


def reflect(body: Body) -> Any:
    """What a member reports of a Job; an empty object where it has a status that says nothing."""
    if not has_status(body):
        return None
    status = typed_at(body, "JobStatus", "status")
    return {name: status[name] for name in _REFLECTED if name in status}


def aggregate(body: Body, items: Sequence[Body], now: datetime | None) -> Body:
    """Counters summed; failed as soon as one member's Job failed, complete when all are."""
    if any(_finished(object_at(body, "status"))):
        return body
    reporting = [item for item in items if item.get("status") is not None]
    statuses = typed_statuses(items, "Job")
    failed, complete, met = [], 0, 0
    for item, reported in zip(reporting, statuses, strict=True):
        is_complete, is_failed = _finished(reported)
        if is_failed:
            failed.append(text_at(item, "clusterName"))
        complete += is_complete
        met += _has_condition(reported, "SuccessCriteriaMet")
    status: Body = {key: value for key, value in summed(statuses, _COUNTED).items() if value}
    conditions = []
    if failed:
        message = f"Job executed failed in member clusters {','.join(failed)}"
        conditions.append(_condition("Failed", "JobFailed", message, now))
    if complete == len(items) > 0:
        conditions.append(_condition("Complete", "Completed", "Job completed", now))
        if met == len(items):
            message = "All member clusters have met success criteria"
            conditions.append(_condition("SuccessCriteriaMet", "CompletionsReached", message, now))
    if conditions:
        status["conditions"] = conditions
    started = time_at(body, "status", "startTime")
    times = _times(statuses, "startTime")
    if started or len(times) == len(items) > 0:
        status["startTime"] = started or min(times, key=moment_of)
    times = _times(statuses, "completionTime")
    if len(times) == len(items) > 0:
        status["completionTime"] = max(times, key=moment_of)
    return with_status(body, status)


def retain(desired: Body, live: Body) -> Body:
    """The selector and the pod labels that the server generated cannot change."""
    for path in (("spec", "selector", "matchLabels"), ("spec", "template", "metadata", "labels")):
        kept = value_at(live, *path)
        if kept is not None:
            desired = with_value(desired, path, kept)
    return desired


def _times(statuses: Sequence[Body], field: str) -> list[str]:
    return [time for status in statuses if (time := time_at(status, field))]


def _finished(status: Body) -> tuple[bool, bool]:
    """Whether the first finishing condition says complete, and whether it says failed."""
    for condition in objects_at(status, "conditions"):
        type_ = text_at(condition, "type")
        if type_ in ("Complete", "Failed") and text_at(condition, "status") == "True":
            return type_ == "Complete", type_ == "Failed"
    return False, False


def _has_condition(status: Body, type_: str) -> bool:
    return any(
        text_at(condition, "type") == type_ and text_at(condition, "status") == "True"
        for condition in objects_at(status, "conditions")
    )


def _condition(type_: str, reason: str, message: str, now: datetime | None) -> Body:
    condition = {"type": type_, "status": "True", "reason": reason, "message": message}
    if now is not None:
        condition |= {"lastProbeTime": format_time(now), "lastTransitionTime": format_time(now)}
    return condition


RULES: Final = KindRules(
    reflect=reflect,
    aggregate=aggregate,
    retain=retain,
    replicas=replicas,
    revise=revise,
    dependencies=template_dependencies,
    prune=prune,
)
