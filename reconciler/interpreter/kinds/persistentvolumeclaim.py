"""v1 PersistentVolumeClaim."""

from __future__ import annotations

from typing import Final

from reconciler.interpreter.prune import without_annotations
from reconciler.interpreter.reading import text_at, value_at
from reconciler.interpreter.rules import KindRules
from reconciler.model.manifest import Body

_SELECTED_NODE: Final = "volume.kubernetes.io/selected-node"


def health(body: Body) -> bool:
    """Bound."""
    return text_at(body, "status", "phase") == "Bound"


def prune(body: Body) -> Body:
    """Without the node that a member's scheduler chose."""
    chosen = value_at(body, "metadata", "annotations", _SELECTED_NODE)
    return without_annotations(body, _SELECTED_NODE) if chosen else body


RULES: Final = KindRules(health=health, prune=prune)
