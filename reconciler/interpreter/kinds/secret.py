"""v1 Secret."""

from __future__ import annotations

from typing import Final

from reconciler.interpreter.prune import without_annotations
from reconciler.interpreter.reading import text_at, value_at
from reconciler.interpreter.rules import KindRules
from reconciler.model.manifest import Body

_TOKEN: Final = "kubernetes.io/service-account-token"  # noqa: S105 - a type of Secret, not a secret


def prune(body: Body) -> Body:
    """A service account's token belongs to one cluster: without its data and its account's UID."""
    if text_at(body, "type") != _TOKEN:
        return body
    return {**without_annotations(body, "kubernetes.io/service-account.uid"), "data": None}


def retain(desired: Body, live: Body) -> Body:
    """The token that the member's controller wrote."""
    if text_at(desired, "type") != _TOKEN:
        return desired
    data = value_at(live, "data")
    return desired if data is None else {**desired, "data": data}


RULES: Final = KindRules(retain=retain, prune=prune)
