"""Shapes of status that several kinds share: counters that are reflected and summed (spec §4.3, §4.4).

Zero counters are left out, as the API's own types do, except those that the API always writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.interpreter.reading import integer_at, object_at, text_at, value_at
from reconciler.interpreter.rules import InterpretationError
from reconciler.model.manifest import Body

TEMPLATE_GENERATION: Final = "resourcetemplate.karmada.io/generation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """The counters of a kind's status. `always` are written even when zero."""

    summed: tuple[str, ...]
    always: tuple[str, ...] = ()

    def shaped(self, values: dict[str, int]) -> dict[str, Any]:
        """The counters as the API writes them."""
        return {name: value for name, value in values.items() if value or name in self.always}


def reflected_workload(body: Body, counters: Counters, *, observed: bool) -> dict[str, Any] | None:
    """The status that a member reports of a workload, with both generations; None where it has none."""
    status = value_at(body, "status")
    if status is None:
        return None
    values = {name: integer_at(body, "status", name) for name in counters.summed}
    values["generation"] = integer_at(body, "metadata", "generation")
    values["resourceTemplateGeneration"] = template_generation(body)
    if observed:
        values["observedGeneration"] = integer_at(body, "status", "observedGeneration")
    return counters.shaped(values)


def template_generation(body: Body) -> int:
    """The generation of the template that a live object was made from; 0 where nothing says so.

    Templates in Git have no generation, so we write no such annotation: an object without it is not an error.
    """
    text = text_at(body, "metadata", "annotations", TEMPLATE_GENERATION)
    try:
        return int(text) if text else 0
    except ValueError:
        raise InterpretationError(f"annotation {TEMPLATE_GENERATION} is not an integer") from None


def item_statuses(items: Iterable[Body]) -> list[dict[str, Any]]:
    """The statuses of the members that report one."""
    return [object_at(item, "status") for item in items if item.get("status") is not None]


def summed(statuses: Iterable[Any], names: Iterable[str]) -> dict[str, int]:
    """Each counter added up over the members."""
    totals = dict.fromkeys(names, 0)
    for status in statuses:
        for name in totals:
            totals[name] += _counter(status, name)
    return totals


def _counter(status: dict[str, Any], name: str) -> int:
    value = status.get(name, 0)
    return value if type(value) is int else integer_at(status, name)


def aggregated_workload(
    body: Body, items: Sequence[Body], counters: Counters, *, by_member_generation: bool = False
) -> Body:
    """The template with its counters summed and its observed generation moved; its other status fields are kept.

    `by_member_generation`: Karmada's StatefulSet rule compares with the member's generation, not the template's.
    """
    generation = integer_at(body, "metadata", "generation")
    statuses = item_statuses(items)
    seen = 0
    for status in statuses:
        own = _counter(status, "generation")
        wanted = own if by_member_generation else generation
        seen += (
            _counter(status, "observedGeneration") >= own
            and _counter(status, "resourceTemplateGeneration") >= wanted
        )
    values = summed(statuses, counters.summed)
    current = integer_at(body, "status", "observedGeneration")
    values["observedGeneration"] = generation if seen == len(items) else current
    kept = {
        key: value
        for key, value in object_at(body, "status").items()
        if key not in values and not is_zero(value)
    }
    return with_status(body, {**kept, **counters.shaped(values)}, counters.always)


def with_status(body: Body, status: dict[str, Any], always: Iterable[str] = ()) -> Body:
    """The body with that status; the same body where its own status means the same to the API's types."""
    current = {key: value for key, value in object_at(body, "status").items() if not is_zero(value)}
    wanted = {key: value for key, value in status.items() if not (key in always and is_zero(value))}
    return (
        body
        if current == {key: value for key, value in wanted.items() if not is_zero(value)}
        else {**body, "status": status}
    )


def is_zero(value: Any) -> bool:
    """Whether the API's types would take the value for an absent one."""
    return value in (None, "", 0, [], {}) and value is not False
