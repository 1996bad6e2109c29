"""Typed reads from open JSON, as Kubernetes' own types would give them: absent or null is zero, a wrong type an error."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.rules import InterpretationError
from reconciler.manifests.builtin_types import WrongType, check_type, typed
from reconciler.model.time import parse_time

_LEAST: Final = -(2**63)
_GREATEST: Final = 2**63 - 1


def object_at(body: Any, *path: str) -> dict[str, Any]:
    """The object at `path`; empty where absent. Raises InterpretationError where something else stands there."""
    value = value_at(body, *path)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InterpretationError(f"{'.'.join(path)} is not an object")
    return value


def list_at(body: Any, *path: str) -> list[Any]:
    """The list at `path`; empty where absent."""
    value = value_at(body, *path)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InterpretationError(f"{'.'.join(path)} is not a list")
    return value


def objects_at(body: Any, *path: str) -> list[dict[str, Any]]:
    """The list of objects at `path`; empty where absent, null items as empty objects."""
    items = list_at(body, *path)
    if not all(item is None or isinstance(item, dict) for item in items):
        raise InterpretationError(f"{'.'.join(path)} holds something else than objects")
    return [item or {} for item in items]


def integer_at(body: Any, *path: str) -> int:
    """The integer at `path`; 0 where absent."""
    value = optional_integer_at(body, *path)
    return 0 if value is None else value


def optional_integer_at(body: Any, *path: str) -> int | None:
    """The integer at `path` (also one written `3.0`), or None where absent."""
    value = value_at(body, *path)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_whole(value):
        raise InterpretationError(f"{'.'.join(path)} is not an integer")
    if not _LEAST <= value <= _GREATEST:
        raise InterpretationError(f"{'.'.join(path)} is beyond 64 bits")
    return int(value)


def text_at(body: Any, *path: str) -> str:
    """The string at `path`; empty where absent."""
    value = value_at(body, *path)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InterpretationError(f"{'.'.join(path)} is not a string")
    return value


def moment_of(text: str) -> datetime:
    """The moment that a time in a status names. Raises InterpretationError: a member may report anything."""
    try:
        return parse_time(text)
    except (ValueError, OverflowError):
        raise InterpretationError("a time in the status is not one") from None


def is_whole(value: float) -> bool:
    """Whether a number has no fraction; what has no end, or is no number, is not whole."""
    return isinstance(value, int) or value.is_integer()


def time_at(body: Any, *path: str) -> str:
    """The RFC 3339 time at `path`, as the API writes it (UTC, whole seconds); empty where absent."""
    return typed_at(body, "time", *path) or ""


def value_at(body: Any, *path: str) -> Any:
    """Whatever stands at `path`, None where a step is absent or null."""
    node = body
    for step in path:
        if node is None:
            return None
        if not isinstance(node, dict):
            raise InterpretationError(f"{'.'.join(path)} leads through a value that is no object")
        node = node.get(step)
    return node


def require_type(value: Any, type_: str) -> None:
    """Raise InterpretationError, naming the field, where a value cannot be of a built-in type (`manifests.builtin_types`)."""
    try:
        check_type(value, type_)
    except WrongType as wrong:
        raise InterpretationError(str(wrong)) from None


def typed_at(body: Any, type_: str, *path: str) -> Any:
    """The value at `path` as its built-in type writes it; the type's zero where absent."""
    try:
        return typed(value_at(body, *path), type_)
    except WrongType as wrong:
        wrong.steps.extend(f".{step}" for step in reversed(path))
        raise InterpretationError(str(wrong)) from None


def with_value(body: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The body with `value` at `path`; the steps on the way are copied, or made where absent."""
    step, *rest = path
    if not rest:
        return {**body, step: value}
    return {**body, step: with_value(object_at(body, step), tuple(rest), value)}


def without(body: dict[str, Any], *path: str) -> dict[str, Any]:
    """The body without the field at `path`; the same body where there is none."""
    step, *rest = path
    if not isinstance(body, dict) or step not in body:
        return body
    if not rest:
        return {key: value for key, value in body.items() if key != step}
    inner = body[step]
    edited = without(inner, *rest) if isinstance(inner, dict) else inner
    return body if edited is inner else {**body, step: edited}
