"""Node claims as the API decodes them: only the fields that it knows, without those that are empty.

Pure. A field of another type is an InterpretationError.
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.interpreter.reading import (
    list_at,
    object_at,
    objects_at,
    optional_integer_at,
    text_at,
    value_at,
)
from reconciler.interpreter.rules import InterpretationError
from reconciler.model.manifest import Body

_TERM_FIELDS: Final = ("matchExpressions", "matchFields")


def toleration(body: Body) -> Body:
    """A toleration of a pod."""
    texts = {name: text_at(body, name) for name in ("key", "operator", "value", "effect")}
    seconds = optional_integer_at(body, "tolerationSeconds")
    return {name: text for name, text in texts.items() if text} | (
        {} if seconds is None else {"tolerationSeconds": seconds}
    )


def tolerations(body: Body, *path: str) -> list[Body]:
    """The tolerations at `path`; none where it is absent."""
    return list(map(toleration, objects_at(body, *path)))


def node_selector(body: Body, *path: str) -> dict[str, str] | None:
    """The labels at `path`, None where it is absent."""
    if value_at(body, *path) is None:
        return None
    labels = object_at(body, *path)
    return {name: text_at(labels, name) for name in labels}


def affinity(body: Body, *path: str) -> Body | None:
    """The terms that a node must meet (a NodeSelector), None where it is absent."""
    if value_at(body, *path) is None:
        return None
    terms = value_at(body, *path, "nodeSelectorTerms")
    if terms is None:
        return {"nodeSelectorTerms": None}
    return {"nodeSelectorTerms": [_term(term) for term in objects_at(body, *path, "nodeSelectorTerms")]}


def _term(body: Body) -> Body:
    fields = {name: [_requirement(each) for each in objects_at(body, name)] for name in _TERM_FIELDS}
    return {name: requirements for name, requirements in fields.items() if requirements}


def _requirement(body: Body) -> Body:
    values: list[Any] = list_at(body, "values")
    if not all(value is None or isinstance(value, str) for value in values):
        raise InterpretationError("the values of a node selector are not strings")
    stated = {"key": text_at(body, "key"), "operator": text_at(body, "operator")}
    return {**stated, "values": [value or "" for value in values]} if values else stated
