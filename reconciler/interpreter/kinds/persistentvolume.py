"""v1 PersistentVolume."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from reconciler.interpreter.reading import text_at, value_at, with_value
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.statuses import typed_statuses, with_status
from reconciler.model.manifest import Body

_WORST_FIRST: Final = ("Failed", "Pending", "Available", "Bound", "Released")


def aggregate(body: Body, items: Sequence[Body], now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The worst phase; a member without a status is pending."""
    phases = {text_at(status, "phase") for status in typed_statuses(items, "PersistentVolume")}
    if any(item.get("status") is None for item in items):
        phases.add("Pending")
    phase = next((one for one in _WORST_FIRST if one in phases), "")
    return with_status(body, {"phase": phase} if phase else {})


def retain(desired: Body, live: Body) -> Body:
    """The claim that the member bound."""
    claim = value_at(live, "spec", "claimRef")
    return desired if claim is None else with_value(desired, ("spec", "claimRef"), claim)


RULES: Final = KindRules(aggregate=aggregate, retain=retain)
