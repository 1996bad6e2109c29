"""What members report, put together: the ways that the bundled kinds share.

Items are AggregatedStatusItems; None means that there is nothing to aggregate, which some kinds tell from an empty list
(spec rendering-and-status §3.4). Results lose their empty parts, as the answer of a script would.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import is_
from typing import Any, Final

from reconciler.interpreter.custom.results import resolve_empties
from reconciler.interpreter.reading import integer_at, object_at, objects_at, text_at, value_at, with_value
from reconciler.interpreter.statuses import TEMPLATE_GENERATION, item_statuses
from reconciler.model.manifest import Body

Items = Sequence[Body] | None

_TOLD_BY: Final = ("type", "status", "reason")
"""What tells one condition of a member from another."""


def statuses(items: Items) -> list[Body]:
    """The statuses of the members that report one."""
    return item_statuses(items or ())


def settled(value: Body, references: Iterable[Any] = ()) -> Body:
    """The object without nulls, and without empty lists and objects below its top that no reference has."""
    body: Body = resolve_empties(_as_in_lua(value), references) or {}
    return body


def without_nulls(value: Any) -> Any:
    """The value as scripts see it, without nulls in objects and lists; the same value where there are none."""
    match value:
        case dict():
            fields = {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
            is_same = len(fields) == len(value) and all(fields[key] is value[key] for key in fields)
            return value if is_same else fields
        case list() | tuple():
            items = [without_nulls(inner) for inner in value if inner is not None]
            is_same = len(items) == len(value) and all(map(is_, items, value))
            return value if is_same else items
    return value


def with_status(body: Body, status: Body | None) -> Body:
    """The whole object with that status (None: without any), settled."""
    rest = {key: value for key, value in body.items() if key != "status"}
    return settled(rest if status is None else {**rest, "status": status})


def numbered(body: Body) -> Body:
    """The body with a generation: 0 where it has none, as templates in Git do."""
    if value_at(body, "metadata", "generation") is not None:
        return body
    return with_value(body, ("metadata", "generation"), 0)


def observed_generation(body: Body, items: Sequence[Body], *, of_reporting: bool = False) -> int:
    """The template's generation where every member has observed it, else what the template's status says.

    A member without a status counts as one at generation 0; with `of_reporting` it does not count.
    """
    generation = integer_at(body, "metadata", "generation")
    seen = sum(
        integer_at(status, "resourceTemplateGeneration") == generation
        and integer_at(status, "generation") == integer_at(status, "observedGeneration")
        for status in (
            object_at(item, "status") for item in items if not of_reporting or item.get("status") is not None
        )
    )
    return generation if seen == len(items) else integer_at(body, "status", "observedGeneration")


def last(reports: Iterable[Body], name: str, default: Any = None) -> Any:
    """The last value that is there."""
    found = [report[name] for report in reports if report.get(name) is not None]
    return found[-1] if found else default


def last_text(reports: Iterable[Body], name: str, default: Any = "") -> Any:
    """The last value that is there and not empty."""
    return last((report for report in reports if report.get(name) != ""), name, default)


def first(reports: Iterable[Body], name: str) -> Any:
    """The first value that is there, or None."""
    return next((report[name] for report in reports if report.get(name) is not None), None)


def earliest(reports: Iterable[Body], name: str) -> str | None:
    """The least of the times that are there, or None. Times of one notation are in order as text."""
    return min(_texts(reports, name), default=None)


def latest(reports: Iterable[Body], name: str) -> str | None:
    """The greatest of the times that are there, or None."""
    return max(_texts(reports, name), default=None)


def merged_conditions(items: Iterable[Body]) -> list[Body]:
    """Conditions of equal type, status and reason as one, each cluster's message behind its name."""
    merged: dict[tuple[str | None, ...], Body] = {}
    for item in items:
        for condition in objects_at(item, "status", "conditions"):
            # An absent reason is not an empty one.
            key = tuple(text_at(condition, name) if name in condition else None for name in _TOLD_BY)
            message = f"{text_at(item, 'clusterName')}={text_at(condition, 'message')}"
            known = merged.get(key)
            merged[key] = (
                {**condition, "message": message}
                if known is None
                else {**known, "message": f"{known['message']}, {message}"}
            )
    return list(merged.values())


def has_condition(body: Body, type_: str, *reasons: str) -> bool:
    """Whether a condition of that type is true, for one of the reasons (none given: for any)."""
    return any(
        text_at(condition, "type") == type_
        and text_at(condition, "status") == "True"
        and (not reasons or text_at(condition, "reason") in reasons)
        for condition in objects_at(body, "status", "conditions")
    )


def reflected(body: Body, names: Iterable[str], *, with_generations: bool = False) -> Body:
    """Those fields of the status that are there, settled; with the member's and the template's generation if asked for."""
    if value_at(body, "status") is None:
        return {}
    status = {name: value_at(body, "status", name) for name in names}
    if with_generations:
        status["generation"] = value_at(body, "metadata", "generation")
        status["resourceTemplateGeneration"] = _template_generation(body)
    return settled(status)


def _template_generation(body: Body) -> int | None:
    try:
        return int(value_at(body, "metadata", "annotations", TEMPLATE_GENERATION))
    except (TypeError, ValueError):
        return None


def _texts(reports: Iterable[Body], name: str) -> list[str]:
    return [text for report in reports if (text := text_at(report, name))]


def _as_in_lua(value: Any) -> Any:
    """Without nulls, and with every empty object as an empty list: one kind of table is both."""
    if isinstance(value, dict):
        return {key: _as_in_lua(inner) for key, inner in value.items() if inner is not None} or []
    if isinstance(value, list):
        return [_as_in_lua(inner) for inner in value if inner is not None]
    return value
