"""What Flux's kinds have in common: suspension, a Ready condition, and one status merged from many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.interpreter.bundled.members import (
    Items,
    last,
    last_text,
    merged_conditions,
    numbered,
    observed_generation,
    statuses,
    with_status,
)
from reconciler.interpreter.bundled.templates import keep_spec, references
from reconciler.interpreter.reading import integer_at, object_at, text_at
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference


def retain(desired: Body, live: Body) -> Body:
    """Whether it is suspended is said in the member."""
    return keep_spec(desired, live, "suspend")


def aggregated_source(body: Body, items: Items, texts: Iterable[str] = ()) -> Body:
    """The last artifact, the last non-empty texts, and the members' conditions."""
    names = tuple(texts)
    if items is None:
        return idle(body, dict.fromkeys(names, "") | {"artifact": None})
    reports = statuses(items)
    fields = {name: last_text(reports, name) for name in names} | {"artifact": last(reports, "artifact")}
    return merged(body, items, fields)


def merged(body: Body, items: Items, fields: Mapping[str, Any]) -> Body:
    """The status with those fields, the conditions of all members, and the generation that all have observed."""
    body = numbered(body)
    status = {
        **object_at(body, "status"),
        **fields,
        "observedGeneration": observed_generation(body, items or ()),
        "conditions": merged_conditions(items or ()),
    }
    return with_status(body, status)


def idle(body: Body, fields: Mapping[str, Any]) -> Body:
    """The status where no member reports: those fields, no conditions, and its own generation."""
    body = numbered(body)
    generation = integer_at(body, "metadata", "generation")
    status = {**object_at(body, "status"), **fields, "observedGeneration": generation, "conditions": None}
    return with_status(body, status)


def secrets(body: Body, *paths: tuple[str, ...]) -> tuple[ObjectReference, ...]:
    """The Secrets that stand as `<path>.name` below `spec`."""
    return references(body, secret_names(body, *paths))


def secret_names(body: Body, *paths: tuple[str, ...]) -> list[tuple[str, str]]:
    """The same as (kind, name)."""
    return [("Secret", text_at(body, "spec", *path, "name")) for path in paths]
