"""What each operation's function must return, and what becomes of it (spec rendering-and-status §3.3, §3.4).

Pure. Every refusal is a ResultError in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from reconciler.interpreter.custom.engine import LuaDump
from reconciler.interpreter.custom.results import (
    ResultError,
    json_of_dump,
    list_of_dump,
    object_of_dump,
    resolve_empties,
    type_name,
)
from reconciler.interpreter.nodeclaim import claim_fields
from reconciler.interpreter.rules import InterpretationError
from reconciler.model.binding import Component, ReplicaRequirements
from reconciler.model.manifest import Body
from reconciler.model.quantity import parse_quantity
from reconciler.model.selector import LabelSelector, ObjectReference
from reconciler.selectors.decode import decode_label_selector
from reconciler.selectors.labels import is_valid_selector

Values = tuple[LuaDump, ...]

_IDENTITY: Final = (("apiVersion",), ("kind",), ("metadata", "namespace"), ("metadata", "name"))
_LARGEST_REPLICAS: Final = 2**31


def replicas(values: Values) -> tuple[int, ReplicaRequirements | None]:
    """A number, cut to an integer; and requirements or nil."""
    count, needs = values
    return _count(count, "the first result"), None if needs is None else requirements(object_of_dump(needs))


def components(values: Values) -> tuple[Component, ...]:
    """A list of components, or nil."""
    return tuple(map(_component, _objects(list_of_dump(values[0]))))


def changed_object(values: Values, given: Body, references: Sequence[Any] = ()) -> Body:
    """The object `given`, whole and changed: still the same object."""
    body = object_of_dump(values[0], references)
    same_object(body, given)
    return body


def same_object(body: Body, given: Body) -> None:
    """Raises ResultError where `body` is another object than `given`."""
    for path in _IDENTITY:
        if _at(body, path) != _at(given, path):
            raise ResultError(f"an object with the same {'.'.join(path)} is expected")


def status(values: Values) -> Any:
    """A table: an object or a list; an empty one counts as an object."""
    (value,) = values
    if not isinstance(value, list):
        raise ResultError(f"a table is expected, not {type_name(value)}")
    return resolve_empties(json_of_dump(value), ()) if value else {}


def health(values: Values) -> bool:
    """A boolean and nothing else."""
    (value,) = values
    if not isinstance(value, bool):
        raise ResultError(f"a boolean is expected, not {type_name(value)}")
    return value


def dependencies(values: Values) -> tuple[ObjectReference, ...]:
    """A list of references, or nil: each with apiVersion, kind, and a name or a valid label selector."""
    return tuple(map(reference, _objects(list_of_dump(values[0]))))


def united(found: Iterable[ObjectReference]) -> tuple[ObjectReference, ...]:
    """Each reference once, sorted. Equal selectors count as one, unlike in Karmada, which compares pointers."""
    return tuple(sorted(set(found), key=_order))


def requirements(body: Body) -> ReplicaRequirements:
    """ReplicaRequirements as the API decodes them: unknown fields are dropped."""
    claim = _field(body, "nodeClaim", dict)
    requests = _field(body, "resourceRequest", dict) or {}
    return ReplicaRequirements(
        node_claim=None if claim is None else _claim(claim),
        resource_request={name: _quantity(name, amount) for name, amount in sorted(requests.items())},
        namespace=_field(body, "namespace", str) or "",
        priority_class_name=_field(body, "priorityClassName", str) or "",
    )


def _component(body: Body) -> Component:
    needs = _field(body, "replicaRequirements", dict)
    return Component(
        name=_field(body, "name", str) or "",
        replicas=_whole(body.get("replicas"), "replicas of a component"),
        requirements=None if needs is None else requirements(needs),
    )


def reference(body: Body) -> ObjectReference:
    """A DependentObjectReference: with apiVersion and kind, and a name or a valid label selector."""
    selector = _field(body, "labelSelector", dict)
    found = ObjectReference(
        api_version=_field(body, "apiVersion", str) or "",
        kind=_field(body, "kind", str) or "",
        namespace=_field(body, "namespace", str) or "",
        name=_field(body, "name", str) or "",
        label_selector=_selector(selector),
    )
    if not found.api_version or not found.kind:
        raise ResultError("a reference without apiVersion or kind")
    if not found.name and found.label_selector is None:
        raise ResultError("a reference with neither a name nor a labelSelector")
    if found.label_selector is not None and not is_valid_selector(found.label_selector):
        raise ResultError("a reference with an invalid labelSelector")
    return found


def _selector(body: Body | None) -> LabelSelector | None:
    try:
        return decode_label_selector(body)
    except (AttributeError, TypeError):
        raise ResultError("a reference with an invalid labelSelector") from None


def _order(reference: ObjectReference) -> tuple[str, str, str, str, str]:
    return (
        reference.api_version,
        reference.kind,
        reference.namespace,
        reference.name,
        repr(reference.label_selector),
    )


def _claim(body: Body) -> Body:
    try:
        fields = claim_fields(body, "hardNodeAffinity")
    except InterpretationError as error:
        raise ResultError(f"the nodeClaim: {error}") from None
    return {name: value for name, value in fields.items() if value}


def _quantity(name: str, amount: Any) -> str:
    if isinstance(amount, bool) or not isinstance(amount, str | int | float):
        raise ResultError(f"the request of {name} is not a quantity")
    try:
        parse_quantity(amount)
    except ValueError:
        raise ResultError(f"the request of {name} is not a quantity") from None
    return str(amount)


def _count(value: LuaDump, what: str) -> int:
    if type_name(value) != "number":
        raise ResultError(f"{what} is expected to be a number, not {type_name(value)}")
    if isinstance(value, dict) or not -_LARGEST_REPLICAS <= int(value) < _LARGEST_REPLICAS:
        raise ResultError(f"{what} is not a 32-bit integer")
    return int(value)


def _whole(value: Any, what: str) -> int:
    count = 0 if value is None else _count(value, what)
    if value is not None and count != value:
        raise ResultError(f"{what} is not an integer")
    return count


def _objects(items: list[Any]) -> list[Body]:
    if not all(isinstance(item, dict) for item in items):
        raise ResultError("a list of tables with names is expected")
    return items


def _at(body: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        body = body.get(step) if isinstance(body, dict) else None
    return body


def _field(body: Body, name: str, kind: type) -> Any:
    value = body.get(name)
    if value is not None and not isinstance(value, kind):
        raise ResultError(f"{name} has the wrong type")
    return value
