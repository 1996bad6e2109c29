"""Conditions of workloads and clusters: four questions each, answered True, False or Unknown, with a reason.

A condition's time moves only when its status does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from reconciler.model.manifest import Body
from reconciler.model.observation import Health, MemberStatus, Readiness
from reconciler.model.time import format_time

WORST_FIRST: Final = (
    Readiness.FAILED,
    Readiness.TERMINATING,
    Readiness.NOT_FOUND,
    Readiness.UNKNOWN,
    Readiness.IN_PROGRESS,
    Readiness.CURRENT,
)


def worst_readiness(expected: Sequence[str], members: Sequence[MemberStatus]) -> Readiness:
    """The readiness to worry about first. A cluster that says nothing is Unknown, and so is a workload without clusters."""
    present = {member.readiness for member in members}
    if len(members) < len(expected) or not expected:
        present.add(Readiness.UNKNOWN)
    return next((state for state in WORST_FIRST if state in present), Readiness.UNKNOWN)


def overall_health(expected: Sequence[str], members: Sequence[MemberStatus]) -> Health:
    """Unhealthy if any member is, else Unknown if any is or says nothing, else Healthy. Without clusters: Unknown."""
    present = {member.health for member in members}
    if Health.UNHEALTHY in present:
        return Health.UNHEALTHY
    if Health.UNKNOWN in present or len(members) < len(expected) or not expected:
        return Health.UNKNOWN
    return Health.HEALTHY


def workload_conditions(
    *,
    expected: Sequence[str],
    members: Sequence[MemberStatus],
    scheduled: tuple[bool, str],
    previous: Sequence[Mapping[str, Any]],
    now: datetime,
) -> list[Body]:
    """Scheduled, Applied (Karmada's FullyApplied) and Healthy of one workload, in that order.

    `expected` are the clusters of its binding; `scheduled` is (ok, message).
    """
    by_cluster = {member.cluster: member for member in members}
    missing = [name for name in expected if name not in by_cluster or not by_cluster[name].applied]
    unhealthy = [
        name for name in expected if name in by_cluster and by_cluster[name].health is Health.UNHEALTHY
    ]
    unknown = [
        name for name in expected if name not in by_cluster or by_cluster[name].health is Health.UNKNOWN
    ]
    if unhealthy:
        healthy = ("False", "Unhealthy", _names("not healthy on", unhealthy))
    elif unknown:
        healthy = ("Unknown", "NotReported", _names("no health from", unknown))
    else:
        healthy = ("True", "Healthy", "")
    scheduled_ok, scheduled_message = scheduled
    rows = (
        (
            "Scheduled",
            "True" if scheduled_ok else "False",
            "Success" if scheduled_ok else "Failed",
            scheduled_message,
        ),
        (
            "FullyApplied",
            "False" if missing or not expected else "True",
            "FullyAppliedFailed" if missing or not expected else "FullyAppliedSuccess",
            _names("not applied on", missing) if missing else "",
        ),
        ("Healthy", *healthy),
    )
    return [_condition(row, previous, now) for row in rows]


def _condition(row: tuple[str, str, str, str], previous: Sequence[Mapping[str, Any]], now: datetime) -> Body:
    type_, status, reason, message = row
    since = format_time(now)
    for old in previous:
        if old.get("type") == type_ and old.get("status") == status and old.get("lastTransitionTime"):
            since = str(old["lastTransitionTime"])
    body: Body = {"type": type_, "status": status, "reason": reason, "lastTransitionTime": since}
    if message:
        body["message"] = message
    return body


def _names(text: str, names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{text} {shown}" + (f" and {len(names) - 5} more" if len(names) > 5 else "")
