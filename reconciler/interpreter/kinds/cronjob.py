"""batch/v1 CronJob."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from reconciler.interpreter import podtemplate
from reconciler.interpreter.reading import moment_of, object_at, require_type, text_at, time_at, typed_at
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.statuses import typed_statuses, with_status
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """What the job's pod template refers to."""
    require_type(body, "CronJob")
    pod = object_at(body, "spec", "jobTemplate", "spec", "template", "spec")
    return podtemplate.dependencies(pod, text_at(body, "metadata", "namespace"))


def aggregate(body: Body, items: Sequence[Body], now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """All running jobs, and the latest times."""
    statuses = typed_statuses(items, "CronJob")
    status: Body = {
        "active": [job for one in statuses for job in typed_at(one, "[ObjectReference]", "active") or ()]
    }
    for field in ("lastScheduleTime", "lastSuccessfulTime"):
        times = [time for one in statuses if (time := time_at(one, field))]
        if times:
            status[field] = max(times, key=moment_of)
    return with_status(body, {key: value for key, value in status.items() if value})


RULES: Final = KindRules(aggregate=aggregate, dependencies=dependencies)
