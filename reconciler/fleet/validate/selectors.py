"""Selectors wherever they occur: labels of objects and clusters, fields of clusters (spec scheduling 2.3, 3.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from reconciler.fleet import names
from reconciler.fleet.finding import FieldPath, Finding, quoted

_WITH_VALUES: Final = ("In", "NotIn")
_FIELD_KEYS: Final = ("provider", "region", "zone")

Body = Mapping[str, Any]


def label_selector(body: Body | None, path: FieldPath) -> Iterator[Finding]:
    """A selector that an API server would call invalid: Karmada takes it, and it matches nothing."""
    if body is None:
        return
    for key, value in sorted((body.get("matchLabels") or {}).items()):
        at = (*path, "matchLabels", key)
        if not names.is_label_key(key):
            yield Finding(
                code="R213", path=at, message=f"{quoted(key)} is no label key; it must be {names.LABEL_KEY}"
            )
        elif not names.is_label_value(value):
            yield Finding(
                code="R213",
                path=at,
                message=f"{quoted(value)} is no label value; it must be {names.LABEL_VALUE}",
            )
    for index, expression in enumerate(body.get("matchExpressions") or ()):
        yield from _expression(expression, (*path, "matchExpressions", index))


def cluster_affinity(body: Body | None, path: FieldPath) -> Iterator[Finding]:
    """The selectors inside a set of clusters."""
    if body is None:
        return
    yield from label_selector(body.get("labelSelector"), (*path, "labelSelector"))
    expressions = (body.get("fieldSelector") or {}).get("matchExpressions") or ()
    for index, expression in enumerate(expressions):
        at = (*path, "fieldSelector", "matchExpressions", index)
        if expression["key"] not in _FIELD_KEYS:
            yield Finding(
                code="R212",
                path=(*at, "key"),
                message=f"{quoted(expression['key'])} is no field of a cluster; allowed: {', '.join(_FIELD_KEYS)}",
            )
        if expression["operator"] not in _WITH_VALUES:
            yield Finding(
                code="R212",
                path=(*at, "operator"),
                message=f"{quoted(expression['operator'])} is no operator here; allowed: {', '.join(_WITH_VALUES)}",
            )
        elif not expression.get("values"):
            yield Finding(
                code="R212", path=at, message=f"{expression['operator']} without values compares with nothing"
            )


def resource_selectors(items: Iterable[Body] | None, path: FieldPath) -> Iterator[Finding]:
    """The label selectors of `resourceSelectors`."""
    for index, item in enumerate(items or ()):
        yield from label_selector(item.get("labelSelector"), (*path, index, "labelSelector"))


def _expression(expression: Body, path: FieldPath) -> Iterator[Finding]:
    key, operator, values = expression["key"], expression["operator"], expression.get("values") or ()
    if not names.is_label_key(key):
        yield Finding(
            code="R213",
            path=(*path, "key"),
            message=f"{quoted(key)} is no label key; it must be {names.LABEL_KEY}",
        )
    if operator in _WITH_VALUES and not values:
        yield Finding(code="R213", path=path, message=f"{operator} needs at least one value")
    if operator not in _WITH_VALUES and values:
        yield Finding(code="R213", path=(*path, "values"), message=f"{operator} takes no values")
    for index, value in enumerate(values):
        if not names.is_label_value(value):
            yield Finding(
                code="R213",
                path=(*path, "values", index),
                message=f"{quoted(value)} is no label value; it must be {names.LABEL_VALUE}",
            )
