"""apps.kruise.io/v1alpha1 AdvancedCronJob: a schedule of Jobs or BroadcastJobs."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from reconciler.interpreter.bundled.members import Items, last, settled, statuses, with_status
from reconciler.interpreter.bundled.templates import dependencies_of
from reconciler.interpreter.reading import list_at, object_at, value_at
from reconciler.interpreter.rules import KindRules
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The members' active jobs, and what the last of them says of type and time."""
    if items is None:
        return settled(body)
    reports = statuses(items)
    status = {
        **object_at(body, "status"),
        "active": [active for report in reports for active in list_at(report, "active")],
        "type": last(reports, "type", ""),
        "lastScheduleTime": last(reports, "lastScheduleTime"),
    }
    return with_status(body, status)


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """What the pods of the scheduled jobs refer to."""
    for kind in ("broadcastJobTemplate", "jobTemplate"):
        if value_at(body, "spec", "template", kind) is not None:
            return dependencies_of(body, object_at(body, "spec", "template", kind, "spec", "template"))
    return ()


RULES: Final = KindRules(aggregate=aggregate, dependencies=dependencies)
