"""What Kubeflow's training jobs have in common: replica specs by role, and one status merged from many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reconciler.interpreter.bundled.members import earliest, latest
from reconciler.interpreter.bundled.templates import component, count_at, dependencies_of
from reconciler.interpreter.reading import object_at, objects_at, text_at, value_at
from reconciler.interpreter.statuses import summed
from reconciler.model.binding import Component
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference

COUNTERS = ("active", "failed", "succeeded")


def components(body: Body, field: str, roles: Iterable[str]) -> tuple[Component, ...]:
    """One component for each role that is there, by its name in small letters; one replica where nothing is said."""
    specs = object_at(body, "spec", field)
    return tuple(
        component(role.lower(), count_at(spec, "replicas", default=1), value_at(spec, "template"))
        for role in roles
        if (spec := value_at(specs, role)) is not None
    )


def dependencies(body: Body, field: str, roles: Iterable[str]) -> tuple[ObjectReference, ...]:
    """What the pods of all roles refer to."""
    specs = object_at(body, "spec", field)
    return dependencies_of(body, *(object_at(specs, role, "template") for role in roles))


def has_not_failed(body: Body) -> bool:
    """There are conditions, and none says that the job failed."""
    if value_at(body, "status", "conditions") is None:
        return False
    return not any(is_true(condition, "Failed") for condition in objects_at(body, "status", "conditions"))


def is_true(condition: Body, type_: str) -> bool:
    """Whether a condition is of that type and true."""
    return text_at(condition, "type") == type_ and text_at(condition, "status") == "True"


def replica_statuses(reports: Iterable[Body], roles: Iterable[str]) -> dict[str, dict[str, int]]:
    """The counters of each role, summed over the members."""
    members = list(reports)
    return {
        role: summed((object_at(report, "replicaStatuses", role) for report in members), COUNTERS)
        for role in roles
    }


def times(reports: list[Body]) -> dict[str, Any]:
    """When the first member started and the last was reconciled."""
    return {
        "startTime": earliest(reports, "startTime"),
        "lastReconcileTime": latest(reports, "lastReconcileTime"),
    }


def without_zeros(value: Any) -> Any:
    """The value without what says nothing: zero, empty text, `0s`, and whatever is left empty by that. None if all of it is."""
    return without(
        value,
        lambda item: isinstance(item, str | int | float) and item in (0, "", "0s") and item is not False,
    )


def without(value: Any, is_nothing: Callable[[Any], bool]) -> Any:
    """The value without the leaves that are nothing, and without what is left empty by that. None if all of it is."""
    if isinstance(value, Mapping):
        kept = {key: inner for key, item in value.items() if (inner := without(item, is_nothing)) is not None}
        return kept or None
    if isinstance(value, list):
        items = [inner for item in value if (inner := without(item, is_nothing)) is not None]
        return items or None
    return None if value is None or is_nothing(value) else value
