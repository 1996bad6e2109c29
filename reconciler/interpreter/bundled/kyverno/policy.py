"""kyverno.io/v1 Policy and ClusterPolicy."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.bundled.members import (
    Items,
    has_condition,
    last,
    merged_conditions,
    reflected,
    settled,
    statuses,
    with_status,
)
from reconciler.interpreter.reading import object_at, value_at
from reconciler.interpreter.rules import InterpretationError, KindRules
from reconciler.interpreter.statuses import summed
from reconciler.model.manifest import Body

_RULE_COUNTS: Final = ("validate", "generate", "mutate", "verifyimages")


def health(body: Body) -> bool:
    """What the status says of being ready, else its Ready condition."""
    ready = value_at(body, "status", "ready")
    if ready is None:
        return has_condition(body, "Ready", "Succeeded")
    if not isinstance(ready, bool):
        raise InterpretationError("status.ready is not a boolean")
    return ready


def reflect(body: Body) -> Any:
    """Readiness, conditions and how many rules there are."""
    return reflected(body, ("ready", "conditions", "autogen", "rulecount"))


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """Rules counted over the members, their conditions, the last readiness. The status is made anew."""
    if items is None:
        return settled(body)
    reports = statuses(items)
    status = {
        "autogen": last(reports, "autogen"),
        "ready": last(reports, "ready"),
        "rulecount": summed((object_at(report, "rulecount") for report in reports), _RULE_COUNTS),
        "conditions": merged_conditions(items),
    }
    return with_status(body, status)


RULES: Final = KindRules(health=health, reflect=reflect, aggregate=aggregate)
