"""Conditions of workloads and clusters: rendered, delivered, applied, healthy; each True, False or Unknown, with a reason.

A condition's time moves only when its status does. `Scheduled` and `FullyApplied` are Karmada's, with its reasons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from reconciler.model.cluster import Condition
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
_NAMED: Final = 5

Row = tuple[str, str, str, str]
"""Type, status, reason, message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One workload on one cluster that it is placed on.

    `delivered`: the cluster's last pass had what is rendered now; if not, `why_not` is the reason in one word.
    """

    cluster: str
    member: MemberStatus | None = None
    delivered: bool = False
    why_not: str = ""

    @property
    def applied(self) -> bool:
        """Whether the cluster holds what is rendered now."""
        return self.delivered and self.member is not None and self.member.applied

    @property
    def health(self) -> Health:
        """Karmada's health; Unknown while the cluster says nothing."""
        return self.member.health if self.member else Health.UNKNOWN

    @property
    def readiness(self) -> Readiness:
        """Kstatus; Unknown while the cluster says nothing."""
        return self.member.readiness if self.member else Readiness.UNKNOWN


def worst_readiness(standings: Sequence[Standing]) -> Readiness:
    """The readiness to worry about first. A workload without clusters is Unknown."""
    present = {each.readiness for each in standings}
    return next((state for state in WORST_FIRST if state in present), Readiness.UNKNOWN)


def overall_health(standings: Sequence[Standing]) -> Health:
    """Unhealthy if it is anywhere, else Unknown if it is anywhere, else Healthy. Without clusters: Unknown."""
    present = {each.health for each in standings}
    if Health.UNHEALTHY in present:
        return Health.UNHEALTHY
    return Health.UNKNOWN if Health.UNKNOWN in present or not standings else Health.HEALTHY


def workload_conditions(
    standings: Sequence[Standing],
    *,
    scheduled: Condition | None,
    held: str,
    rendered: bool,
    previous: Sequence[Mapping[str, Any]],
    now: datetime,
) -> list[Body]:
    """Scheduled, Rendered, Delivered, FullyApplied and Healthy of one workload, in that order.

    `held`: why it is not rendered from what the fleet says now; `rendered`: some cluster's tree holds it.
    """
    rows: tuple[Row, ...] = (
        ("Scheduled", "True", "Success", "")
        if scheduled is None
        else ("Scheduled", scheduled.status, scheduled.reason or "Success", scheduled.message),
        _rendered(held, rendered=rendered),
        _delivered(standings),
        _applied(standings),
        _healthy([(each.cluster, each.health) for each in standings]),
    )
    return _dated(rows, previous, now)


def cluster_conditions(
    *,
    held: Sequence[str],
    delivered: bool,
    applied: bool,
    sync: str,
    message: str,
    health: Sequence[tuple[str, Health]],
    previous: Sequence[Mapping[str, Any]],
    now: datetime,
) -> list[Body]:
    """Rendered, Delivered, Applied and Healthy of one cluster, in that order.

    `held` names what is not rendered from what the fleet says now; `health` is that of each workload on the cluster, by name.
    """
    reason = sync or "NotReported"
    rows: tuple[Row, ...] = (
        ("Rendered", "False", "Held", _names("held as it was:", held))
        if held
        else ("Rendered", "True", "Success", ""),
        ("Delivered", "True", "Delivered", "") if delivered else ("Delivered", "False", reason, message),
        ("Applied", "True", "Applied", "") if applied else ("Applied", "False", reason, message),
        _healthy(health) if health else ("Healthy", "True", "Healthy", "nothing is placed here"),
    )
    return _dated(rows, previous, now)


def _rendered(held: str, *, rendered: bool) -> Row:
    if held:
        return ("Rendered", "False", "Held", held)
    if not rendered:
        return ("Rendered", "False", "NotPlaced", "no cluster's tree holds it")
    return ("Rendered", "True", "Success", "")


def _delivered(standings: Sequence[Standing]) -> Row:
    waiting = [each for each in standings if not each.delivered]
    if not standings:
        return ("Delivered", "False", "NotPlaced", "it is placed on no cluster")
    if not waiting:
        return ("Delivered", "True", "Delivered", "")
    # The reason that people must act on before those that pass by themselves.
    reason = next(
        (each.why_not for each in waiting if each.why_not not in ("", "Progressing")), "Progressing"
    )
    words = [f"{each.cluster} ({each.why_not})" if each.why_not else each.cluster for each in waiting]
    return ("Delivered", "False", reason, _names("not yet on", words))


def _applied(standings: Sequence[Standing]) -> Row:
    missing = [each.cluster for each in standings if not each.applied]
    if missing or not standings:
        words = _names("not applied on", missing) if missing else "it is placed on no cluster"
        return ("FullyApplied", "False", "FullyAppliedFailed", words)
    return ("FullyApplied", "True", "FullyAppliedSuccess", "")


def _healthy(health: Sequence[tuple[str, Health]]) -> Row:
    unhealthy = [name for name, each in health if each is Health.UNHEALTHY]
    unknown = [name for name, each in health if each is Health.UNKNOWN]
    if unhealthy:
        return ("Healthy", "False", "Unhealthy", _names("not healthy:", unhealthy))
    if unknown or not health:
        return ("Healthy", "Unknown", "NotReported", _names("no health of", unknown) if unknown else "")
    return ("Healthy", "True", "Healthy", "")


def _dated(rows: Sequence[Row], previous: Sequence[Mapping[str, Any]], now: datetime) -> list[Body]:
    times = {
        (old.get("type"), old.get("status")): str(old["lastTransitionTime"])
        for old in previous
        if old.get("lastTransitionTime")
    }
    return [
        {
            "type": type_,
            "status": status,
            "reason": reason,
            "lastTransitionTime": times.get((type_, status)) or format_time(now),
            **({"message": message} if message else {}),
        }
        for type_, status, reason, message in rows
    ]


def _names(text: str, names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{text} {shown}" + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
