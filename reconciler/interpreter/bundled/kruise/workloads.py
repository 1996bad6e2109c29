"""What OpenKruise's replicated workloads have in common: counters, revisions and generations, as the native ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.interpreter.bundled.members import (
    Items,
    last_text,
    numbered,
    observed_generation,
    statuses,
    with_status,
)
from reconciler.interpreter.bundled.templates import count_at, dependencies_of, needs_of, set_spec
from reconciler.interpreter.reading import integer_at, object_at, optional_integer_at, value_at
from reconciler.interpreter.rules import InterpretationError, Replicas
from reconciler.interpreter.statuses import summed
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference


def replicas(body: Body) -> Replicas:
    """`spec.replicas`, 1 where absent (the API's default), and what one needs."""
    return count_at(body, "spec", "replicas", default=1), needs_of(object_at(body, "spec", "template"))


def revise(body: Body, count: int) -> Body:
    """`spec.replicas` set."""
    return set_spec(body, "replicas", count)


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """What `spec.template` refers to."""
    return dependencies_of(body, object_at(body, "spec", "template"))


def is_rolled_out(body: Body) -> bool:
    """Observed, every replica updated, and every updated replica available. Without a status nobody knows."""
    check_status(body)
    if not is_observed(body):
        return False
    wanted = optional_integer_at(body, "spec", "replicas")
    updated = integer_at(body, "status", "updatedReplicas")
    return (wanted is None or updated >= wanted) and integer_at(
        body, "status", "availableReplicas"
    ) >= updated


def check_status(body: Body) -> None:
    """Raise InterpretationError where there is no status: as in Karmada, health is then unknown."""
    if value_at(body, "status") is None:
        raise InterpretationError("the object has no status yet")


def is_observed(body: Body) -> bool:
    """Whether the controller has seen the newest generation; both absent counts as seen."""
    return bool(value_at(body, "status", "observedGeneration") == value_at(body, "metadata", "generation"))


def aggregated(
    body: Body,
    items: Items,
    counters: Sequence[str],
    texts: Mapping[str, Any],
    *,
    idle_texts: Iterable[str] = (),
    more: Mapping[str, Any] | None = None,
    of_reporting: bool = False,
) -> Body:
    """The members' counters summed, their last revisions, and the generation that all have observed.

    `texts` are fields whose last non-empty value counts, with what stands there without one; `idle_texts` those of them that are
    written without any member too.
    """
    body = numbered(body)
    status = dict(object_at(body, "status"))
    if items is None:
        status["observedGeneration"] = integer_at(body, "metadata", "generation")
        status |= dict.fromkeys(counters, 0) | {name: texts[name] for name in idle_texts}
        return with_status(body, status)
    reports = statuses(items)
    status["observedGeneration"] = observed_generation(body, items, of_reporting=of_reporting)
    status |= summed(reports, counters)
    status |= {name: last_text(reports, name, default) for name, default in texts.items()}
    return with_status(body, {**status, **(more or {})})
