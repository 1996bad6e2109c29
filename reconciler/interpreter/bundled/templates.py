"""Pod templates inside bundled kinds: what one replica needs, and what must travel along."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from reconciler.interpreter import podtemplate
from reconciler.interpreter.bundled.members import settled
from reconciler.interpreter.reading import object_at, text_at, value_at
from reconciler.interpreter.rules import InterpretationError
from reconciler.model.binding import Component, ReplicaRequirements
from reconciler.model.manifest import Body
from reconciler.model.quantity import Quantity, parse_quantity
from reconciler.model.selector import ObjectReference


def needs_of(template: Body) -> ReplicaRequirements | None:
    """What one replica of a pod template needs, or None. What is empty asks for nothing, before and after it is decoded."""
    needs = podtemplate.requirements(settled(object_at(template, "spec")))
    if needs is None or needs.node_claim is None:
        return needs
    claim = {name: value for name, value in settled(needs.node_claim).items() if value}
    return replace(needs, node_claim=claim)


def component(name: str, replicas: int, template: Body | None) -> Component:
    """A component with what its pod template needs."""
    return Component(
        name=name, replicas=replicas, requirements=None if template is None else needs_of(template)
    )


def dependencies_of(body: Body, *templates: Body, default: str = "default") -> tuple[ObjectReference, ...]:
    """What the pod templates of an object refer to, each once, sorted; `default` stands for an absent namespace."""
    namespace = text_at(body, "metadata", "namespace") or default
    found = {
        reference
        for template in templates
        for reference in podtemplate.dependencies(object_at(template, "spec"), namespace)
    }
    return ordered(found)


def references(body: Body, names: Iterable[tuple[str, Any]]) -> tuple[ObjectReference, ...]:
    """The v1 objects in an object's own namespace by (kind, name), each once, sorted; absent and empty names are skipped."""
    namespace = text_at(body, "metadata", "namespace")
    return ordered(
        ObjectReference(api_version="v1", kind=kind, namespace=namespace, name=name)
        for kind, name in set(names)
        if name
    )


def ordered(found: Iterable[ObjectReference]) -> tuple[ObjectReference, ...]:
    """Sorted by kind, namespace and name."""
    return tuple(sorted(set(found), key=lambda each: (each.kind, each.namespace, each.name)))


def set_spec(body: Body, field: str, value: Any) -> Body:
    """The body with `spec.<field>` set, whether it was there or not."""
    return {**body, "spec": {**object_at(body, "spec"), field: value}}


def keep_spec(desired: Body, live: Body, field: str) -> Body:
    """The desired object with the member's `spec.<field>`, where the member has one."""
    kept = value_at(live, "spec", field)
    return desired if kept is None else set_spec(desired, field, kept)


def count_at(body: Any, *path: str, default: int) -> int:
    """The number at `path`, also one written as text; `default` where it is absent or none."""
    value = value_at(body, *path)
    if isinstance(value, str):
        try:
            value = float(value.strip())
        except ValueError:
            return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return int(value)


def quantity_at(body: Any, *path: str) -> Quantity | None:
    """The quantity at `path`, or None where it is absent. Raises InterpretationError where it is none."""
    value = value_at(body, *path)
    if value is None:
        return None
    try:
        return parse_quantity(value)
    except (TypeError, ValueError):
        raise InterpretationError(f"{'.'.join(path)} is not a quantity") from None
