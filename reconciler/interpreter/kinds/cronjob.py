"""batch/v1 CronJob."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from reconciler.interpreter import podtemplate
from reconciler.interpreter.reading import moment_of, object_at, objects_at, text_at, time_at
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.statuses import item_statuses, with_status
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """What the job's pod template refers to."""
    pod = object_at(body, "spec", "jobTemplate", "spec", "template", "spec")
    return podtemplate.dependencies(pod, text_at(body, "metadata", "namespace"))


def aggregate(body: Body, items: Sequence[Body], now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """All running jobs, and the latest times."""
    statuses = item_statuses(items)
    status: Body = {"active": [job for one in statuses for job in objects_at(one, "active")]}
    for field in ("lastScheduleTime", "lastSuccessfulTime"):
        times = [time for one in statuses if (time := time_at(one, field))]
        if times:
            status[field] = max(times, key=moment_of)
    return with_status(body, {key: value for key, value in status.items() if value})


RULES: Final = KindRules(aggregate=aggregate, dependencies=dependencies)
