"""v1 PersistentVolumeClaim."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from reconciler.interpreter.prune import without_annotations
from reconciler.interpreter.reading import text_at, value_at, with_value
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.statuses import typed_statuses, with_status
from reconciler.model.manifest import Body

_SELECTED_NODE: Final = "volume.kubernetes.io/selected-node"


def health(body: Body) -> bool:
    """Bound."""
    return text_at(body, "status", "phase") == "Bound"


def prune(body: Body) -> Body:
    """Without the node that a member's scheduler chose."""
    chosen = value_at(body, "metadata", "annotations", _SELECTED_NODE)
    return without_annotations(body, _SELECTED_NODE) if chosen else body


def aggregate(body: Body, items: Sequence[Body], now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """Bound where all are; lost where one is; else the last phase that is not bound."""
    phases = [text_at(status, "phase") for status in typed_statuses(items, "PersistentVolumeClaim")]
    unbound = [phase for phase in phases if phase != "Bound"]
    phase = "Lost" if "Lost" in phases else (unbound or ["Bound"])[-1]
    return with_status(body, {"phase": phase} if phase else {})


def retain(desired: Body, live: Body) -> Body:
    """The volume that the member bound."""
    name = text_at(live, "spec", "volumeName")
    return with_value(desired, ("spec", "volumeName"), name) if name else desired


RULES: Final = KindRules(aggregate=aggregate, retain=retain, health=health, prune=prune)
