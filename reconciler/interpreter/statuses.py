"""Shapes of status that several kinds share: counters that are reflected and summed (spec §4.3, §4.4).

Zero counters are left out, as the API's own types do, except those that the API always writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.interpreter.reading import integer_at, object_at, require_type, typed_at, value_at
from reconciler.interpreter.rules import InterpretationError
from reconciler.manifests.builtin_types import typed
from reconciler.model.integer import parse_int64
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
    if not has_status(body):
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
    text = value_at(body, "metadata", "annotations", TEMPLATE_GENERATION)
    if text is None:
        return 0
    number = parse_int64(text) if isinstance(text, str) else None
    if number is None:
        raise InterpretationError(f"annotation {TEMPLATE_GENERATION} is not an integer")
    return number


def has_status(body: Body) -> bool:
    """Whether a live object has a status, of the built-in type of its kind. Null is not one, and an error."""
    if "status" not in body:
        return False
    if body["status"] is None:
        raise InterpretationError("status is null")
    require_type(body["status"], f"{body['kind']}Status")
    return True


def item_statuses(items: Iterable[Body]) -> list[dict[str, Any]]:
    """The statuses of the members that report one."""
    return [object_at(item, "status") for item in items if item.get("status") is not None]


def typed_statuses(items: Iterable[Body], kind: str) -> list[dict[str, Any]]:
    """The same, of the built-in type of the kind; anything else is an error."""
    statuses = item_statuses(items)
    for status in statuses:
        require_type(status, f"{kind}Status")
    return statuses


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
    statuses = typed_statuses(items, str(body["kind"]))
    seen = 0
    for status in statuses:
        own = _counter(status, "generation")
        wanted = own if by_member_generation else generation
        seen += (
            _counter(status, "observedGeneration") >= own
            and _counter(status, "resourceTemplateGeneration") >= wanted
        )
    values = summed(statuses, counters.summed)
    current = object_at(body, "status")
    observed = integer_at(current, "observedGeneration")
    values["observedGeneration"] = generation if seen == len(items) else observed
    if all(integer_at(current, name) == value for name, value in values.items()):
        return body
    kept = {key: value for key, value in current.items() if key not in values}
    if kept:
        always = counters.always
        kept = typed_at(kept, f"{body['kind']}Status")
        kept = {key: value for key, value in kept.items() if key not in values and key not in always}
    return {**body, "status": {**kept, **counters.shaped(values)}}


def with_status(body: Body, status: dict[str, Any]) -> Body:
    """The body with that status; the same body where its own status means the same to the built-in type."""
    type_ = f"{body['kind']}Status"
    return body if typed_at(body, type_, "status") == typed(status, type_) else {**body, "status": status}


def is_zero(value: Any) -> bool:
    """Whether the API's types would take the value for an absent one."""
    return value in (None, "", 0, [], {}) and value is not False
