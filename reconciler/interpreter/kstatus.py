"""kstatus: whether a live object has reached what was asked of it, by the rules that the ecosystem shares (FIELD §2.2).

First deletion, then an unobserved generation, then the standard conditions `Reconciling` and `Stalled` in list order, then the
kind's own rule, then a `Ready` condition; whatever is left is current. Not the same as Karmada's health.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from reconciler.interpreter.reading import (
    integer_at,
    object_at,
    objects_at,
    optional_integer_at,
    text_at,
    value_at,
)
from reconciler.interpreter.rules import InterpretationError
from reconciler.model.identity import group_of
from reconciler.model.manifest import Body
from reconciler.model.observation import Readiness
from reconciler.model.time import parse_time

Verdict = tuple[Readiness, str]
"""The result and one sentence that says why."""

_Rule = Callable[[Body, datetime | None], Verdict]
_NO_DEADLINE: Final = 2**31 - 1
_SCHEDULE_WINDOW: Final = timedelta(seconds=15)


def readiness(body: Body, now: datetime | None = None) -> Verdict:
    """What a live object has reached, and why.

    `now` ends the grace of a Pod that cannot be scheduled; without it that grace does not end. UNKNOWN where a field has the wrong type.
    """
    try:
        return _readiness(body, now)
    except InterpretationError as error:
        return Readiness.UNKNOWN, str(error)


def _readiness(body: Body, now: datetime | None) -> Verdict:
    if text_at(body, "metadata", "deletionTimestamp"):
        return Readiness.TERMINATING, "it is being deleted"
    generation = optional_integer_at(body, "metadata", "generation")
    observed = optional_integer_at(body, "status", "observedGeneration")
    if generation is not None and observed is not None and observed != generation:
        return Readiness.IN_PROGRESS, f"generation {generation} is not observed yet (at {observed})"
    for condition in _conditions(body):
        if _is(condition, "Reconciling", "True"):
            return Readiness.IN_PROGRESS, _words(condition, "it is reconciling")
        if _is(condition, "Stalled", "True"):
            return Readiness.FAILED, _words(condition, "it is stalled")
    rule = _RULES.get((group_of(text_at(body, "apiVersion")), text_at(body, "kind")))
    return _by_ready_condition(body) if rule is None else rule(body, now)


def _by_ready_condition(body: Body) -> Verdict:
    for condition in _conditions(body):
        if _is(condition, "Ready", "True"):
            return Readiness.CURRENT, _words(condition, "it is ready")
        if _is(condition, "Ready", "False") or _is(condition, "Ready", "Unknown"):
            return Readiness.IN_PROGRESS, _words(condition, "it is not ready")
    return Readiness.CURRENT, "nothing says otherwise"


def _always(_body: Body, _now: datetime | None) -> Verdict:
    return Readiness.CURRENT, "its kind is always ready"


def _deployment(body: Body, _now: datetime | None) -> Verdict:
    # Without a deadline the controller never says that it makes progress.
    deadline = optional_integer_at(body, "spec", "progressDeadlineSeconds")
    progressing = deadline is None or deadline == _NO_DEADLINE
    available = False
    for condition in _conditions(body):
        if text_at(condition, "type") == "Progressing":
            if text_at(condition, "reason") == "ProgressDeadlineExceeded":
                return Readiness.FAILED, "its progress deadline is exceeded"
            if (
                _is(condition, "Progressing", "True")
                and text_at(condition, "reason") == "NewReplicaSetAvailable"
            ):
                progressing = True
        available = available or _is(condition, "Available", "True")
    wanted, existing = _wanted(body), integer_at(body, "status", "replicas")
    updated = integer_at(body, "status", "updatedReplicas")
    lacking = (
        _less(existing, wanted, "replicas exist")
        or _less(updated, wanted, "replicas are updated")
        or _more(existing, wanted)
        or _less(integer_at(body, "status", "availableReplicas"), updated, "updated replicas are available")
        or _less(integer_at(body, "status", "readyReplicas"), wanted, "replicas are ready")
    )
    if lacking:
        return Readiness.IN_PROGRESS, lacking
    if not progressing:
        return Readiness.IN_PROGRESS, "its new ReplicaSet is not available"
    if not available:
        return Readiness.IN_PROGRESS, "it is not available"
    return Readiness.CURRENT, f"{existing} replicas are available"


def _replica_set(body: Body, _now: datetime | None) -> Verdict:
    if any(_is(condition, "ReplicaFailure", "True") for condition in _conditions(body)):
        return Readiness.IN_PROGRESS, "it cannot make its replicas"
    wanted, existing = _wanted(body), integer_at(body, "status", "replicas")
    lacking = (
        _less(integer_at(body, "status", "fullyLabeledReplicas"), wanted, "replicas carry every label")
        or _less(integer_at(body, "status", "availableReplicas"), wanted, "replicas are available")
        or _less(integer_at(body, "status", "readyReplicas"), wanted, "replicas are ready")
        or _more(existing, wanted)
    )
    return (
        (Readiness.IN_PROGRESS, lacking)
        if lacking
        else (Readiness.CURRENT, f"{existing} replicas are available")
    )


def _stateful_set(body: Body, _now: datetime | None) -> Verdict:
    if text_at(body, "spec", "updateStrategy", "type") == "OnDelete":
        return Readiness.CURRENT, "its pods are updated by whoever deletes them"
    wanted, existing = _wanted(body), integer_at(body, "status", "replicas")
    updated = integer_at(body, "status", "updatedReplicas")
    lacking = (
        _less(existing, wanted, "replicas exist")
        or _less(integer_at(body, "status", "readyReplicas"), wanted, "replicas are ready")
        or _more(existing, wanted)
    )
    if lacking:
        return Readiness.IN_PROGRESS, lacking
    partition = optional_integer_at(body, "spec", "updateStrategy", "rollingUpdate", "partition")
    # kstatus: -1 means no partition, whoever wrote it.
    if partition is not None and partition != -1:
        lacking = _less(updated, wanted - partition, "replicas above the partition are updated")
        return (
            (Readiness.IN_PROGRESS, lacking)
            if lacking
            else (Readiness.CURRENT, f"{updated} replicas are updated")
        )
    lacking = _less(integer_at(body, "status", "currentReplicas"), wanted, "replicas are current")
    if lacking:
        return Readiness.IN_PROGRESS, lacking
    if text_at(body, "status", "currentRevision") != text_at(body, "status", "updateRevision"):
        return Readiness.IN_PROGRESS, "its current revision is not the updated one yet"
    return Readiness.CURRENT, f"{existing} replicas are current"


def _daemon_set(body: Body, _now: datetime | None) -> Verdict:
    for path in (("metadata", "generation"), ("status", "observedGeneration")):
        if optional_integer_at(body, *path) is None:
            return Readiness.IN_PROGRESS, f"{'.'.join(path)} is not there yet"
    wanted = optional_integer_at(body, "status", "desiredNumberScheduled")
    if wanted is None or wanted == -1:
        return Readiness.IN_PROGRESS, "status.desiredNumberScheduled is not there yet"
    lacking = (
        _less(integer_at(body, "status", "currentNumberScheduled"), wanted, "pods are scheduled")
        or _less(integer_at(body, "status", "updatedNumberScheduled"), wanted, "pods are updated")
        or _less(integer_at(body, "status", "numberAvailable"), wanted, "pods are available")
        or _less(integer_at(body, "status", "numberReady"), wanted, "pods are ready")
    )
    return (Readiness.IN_PROGRESS, lacking) if lacking else (Readiness.CURRENT, f"{wanted} pods are ready")


def _job(body: Body, _now: datetime | None) -> Verdict:
    succeeded = integer_at(body, "status", "succeeded")
    for condition in _conditions(body):
        if _is(condition, "Complete", "True"):
            return Readiness.CURRENT, f"it is complete: {succeeded} succeeded"
        if _is(condition, "Failed", "True"):
            return Readiness.FAILED, f"it failed: {integer_at(body, 'status', 'failed')} failed"
        if _is(condition, "Suspended", "True") and value_at(body, "spec", "suspend") is True:
            return Readiness.CURRENT, "it is suspended"
    if not text_at(body, "status", "startTime"):
        return Readiness.IN_PROGRESS, "it has not started"
    return (
        Readiness.CURRENT,
        f"it is running: {integer_at(body, 'status', 'active')} active, {succeeded} succeeded",
    )


def _pod(body: Body, now: datetime | None) -> Verdict:
    match text_at(body, "status", "phase"):
        case "Succeeded":
            return Readiness.CURRENT, "it has completed"
        case "Failed":
            # kstatus: a Pod that ended is where it will ever get.
            return Readiness.CURRENT, "it has ended without success"
        case "Running":
            if any(_is(condition, "Ready", "True") for condition in _conditions(body)):
                return Readiness.CURRENT, "it is ready"
            crashing = _crash_looping(body)
            if crashing:
                return Readiness.FAILED, f"containers crash again and again: {', '.join(crashing)}"
            return Readiness.IN_PROGRESS, "it is running and not ready"
        case "Pending":
            return _pending_pod(body, now)
        case "":
            return Readiness.IN_PROGRESS, "it has no phase yet"
        case phase:
            return Readiness.UNKNOWN, f"its phase {phase!r} is not one of Kubernetes'"


def _pending_pod(body: Body, now: datetime | None) -> Verdict:
    scheduled = next((one for one in _conditions(body) if _is(one, "PodScheduled", "False")), None)
    if scheduled is None or text_at(scheduled, "reason") != "Unschedulable":
        return Readiness.IN_PROGRESS, "it is pending"
    created = text_at(body, "metadata", "creationTimestamp")
    try:
        is_recent = now is None or (bool(created) and parse_time(created) > now - _SCHEDULE_WINDOW)
    except ValueError:
        raise InterpretationError("metadata.creationTimestamp is not a time") from None
    if is_recent:
        return Readiness.IN_PROGRESS, "it is not scheduled yet"
    return Readiness.FAILED, _words(scheduled, "no node takes it")


def _crash_looping(body: Body) -> list[str]:
    return [
        text_at(status, "name")
        for status in objects_at(body, "status", "containerStatuses")
        if text_at(status, "state", "waiting", "reason") == "CrashLoopBackOff"
    ]


def _claim(body: Body, _now: datetime | None) -> Verdict:
    phase = text_at(body, "status", "phase")
    if phase == "Bound":
        return Readiness.CURRENT, "it is bound"
    return Readiness.IN_PROGRESS, f"it is not bound: {phase or 'no phase yet'}"


def _service(body: Body, _now: datetime | None) -> Verdict:
    if text_at(body, "spec", "type") == "LoadBalancer" and not text_at(body, "spec", "clusterIP"):
        return Readiness.IN_PROGRESS, "it has no cluster IP yet"
    return Readiness.CURRENT, "it is ready"


def _definition(body: Body, _now: datetime | None) -> Verdict:
    for condition in _conditions(body):
        if _is(condition, "NamesAccepted", "False"):
            return Readiness.FAILED, _words(condition, "its names are not accepted")
        if _is(condition, "Established", "False") and text_at(condition, "reason") != "Installing":
            return Readiness.FAILED, _words(condition, "it is not established")
        if _is(condition, "Established", "True"):
            return Readiness.CURRENT, "it is established"
    return Readiness.IN_PROGRESS, "it is being installed"


def _conditions(body: Body) -> list[Body]:
    return objects_at(body, "status", "conditions") if object_at(body, "status") else []


def _is(condition: Body, type_: str, status: str) -> bool:
    return text_at(condition, "type") == type_ and text_at(condition, "status") == status


def _words(condition: Body, otherwise: str) -> str:
    return text_at(condition, "message") or text_at(condition, "reason") or otherwise


def _wanted(body: Body) -> int:
    replicas = optional_integer_at(body, "spec", "replicas")
    return 1 if replicas is None else replicas


def _less(have: int, want: int, words: str) -> str:
    return f"{have} of {want} {words}" if have < want else ""


def _more(have: int, want: int) -> str:
    return f"{have - want} replicas are still to go" if have > want else ""


_RULES: Final[Mapping[tuple[str, str], _Rule]] = MappingProxyType(
    {
        ("", "ConfigMap"): _always,
        ("", "PersistentVolumeClaim"): _claim,
        ("", "Pod"): _pod,
        ("", "Secret"): _always,
        ("", "Service"): _service,
        ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
        ("apps", "DaemonSet"): _daemon_set,
        ("apps", "Deployment"): _deployment,
        ("apps", "ReplicaSet"): _replica_set,
        ("apps", "StatefulSet"): _stateful_set,
        ("batch", "CronJob"): _always,
        ("batch", "Job"): _job,
        ("extensions", "DaemonSet"): _daemon_set,
        ("extensions", "Deployment"): _deployment,
        ("extensions", "ReplicaSet"): _replica_set,
        ("policy", "PodDisruptionBudget"): _always,
    }
)
