"""RFC 6902 as a webhook's answer states it: six operations, all or nothing, on a copy (spec §3.6).

Pure. Every refusal is a ResultError in words; neither a value of the object nor one of the patch is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from reconciler.interpreter.custom.results import ResultError

_INDEX: Final = re.compile(r"-?(0|[1-9][0-9]{0,8})\Z", re.ASCII)
_NOTHING: Final = object()
DEEPEST: Final = 100
LARGEST: Final = 500_000
"""Values in one object, counted where they stand: copies of copies grow without end."""

Path = tuple[str, ...]


def patched(document: Any, operations: Sequence[Any]) -> Any:
    """The document after all operations; what none touches is shared with it."""
    copied = 0
    for number, operation in enumerate(operations):
        try:
            copied += _copied(document, operation, LARGEST - copied)
            document = _applied(document, operation)
        except ResultError as error:
            raise ResultError(f"operation {number} of the patch: {error}") from None
    weight(document)
    return document


def weight(value: Any) -> int:
    """How many values there are in it. Raises ResultError where it is too large or too deep to be handled further."""
    size, _ = _weighed(value, 0, {})
    if size > LARGEST:
        raise ResultError("the object is too large")
    return size


def _copied(document: Any, operation: Any, left: int) -> int:
    if not isinstance(operation, dict) or operation.get("op") != "copy":
        return 0
    size = weight(_at(document, _path(operation, "from")))
    if size > left:
        raise ResultError("it copies more than an object can hold")
    return size


def _weighed(value: Any, depth: int, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """(size, height) of a value; what is shared is looked at once."""
    if not isinstance(value, dict | list):
        return 1, 0
    if depth > DEEPEST:
        raise ResultError("it is nested too deep")
    found = known.get(id(value))
    if found is None:
        inner = value.values() if isinstance(value, dict) else value
        parts = [_weighed(item, depth + 1, known) for item in inner]
        found = 1 + sum(size for size, _ in parts), 1 + max((height for _, height in parts), default=0)
        known[id(value)] = found
    if depth + found[1] > DEEPEST + 1:
        raise ResultError("it is nested too deep")
    return found


def _applied(document: Any, operation: Any) -> Any:
    if not isinstance(operation, dict):
        raise ResultError("it is not an object")
    path = _path(operation, "path")
    match operation.get("op"):
        case "add":
            return _edit(document, path, _value(operation), is_new=True)
        case "replace":
            _at(document, path)
            return _edit(document, path, _value(operation))
        case "remove":
            _at(document, path)
            return _edit(document, path, _NOTHING)
        case "move":
            source = _path(operation, "from")
            moved = _at(document, source)
            if path[: len(source)] == source and path != source:
                raise ResultError("it moves a value into itself")
            return _edit(_edit(document, source, _NOTHING), path, moved, is_new=True)
        case "copy":
            return _edit(document, path, _at(document, _path(operation, "from")), is_new=True)
        case "test":
            found, wanted = _at(document, path), _value(operation)
            if type(found) is not type(wanted) or found != wanted:
                raise ResultError("its test fails")
            return document
    raise ResultError("it is none of add, remove, replace, move, copy and test")


def _value(operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise ResultError("it has no value")
    return operation["value"]


def _path(operation: dict[str, Any], field: str) -> Path:
    text = operation.get(field)
    if not isinstance(text, str) or (text and text[0] != "/"):
        raise ResultError(f"its {field} is no JSON pointer")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in text.split("/")[1:])


def _at(document: Any, path: Path) -> Any:
    node = document
    for token in path:
        node = node[_key(node, token)]
    return node


def _key(node: Any, token: str) -> Any:
    """The existing key or position that a token names. Raises ResultError."""
    if isinstance(node, dict) and token in node:
        return token
    if isinstance(node, list) and _INDEX.match(token) and -len(node) <= int(token) < len(node):
        return int(token) % len(node)
    raise ResultError("its path does not exist in the object")


def _edit(node: Any, path: Path, value: Any, *, is_new: bool = False) -> Any:
    """A copy of `node` with `value` at `path` (put in where `is_new`, else instead of what is there), or without it."""
    if not path:
        if value is _NOTHING:
            raise ResultError("it removes the whole object")
        return value
    token, *rest = path
    if rest:
        key = _key(node, token)
        copy = node.copy()
        copy[key] = _edit(node[key], tuple(rest), value, is_new=is_new)
        return copy
    if isinstance(node, list) and is_new:
        position = _insertion(node, token)
        return [*node[:position], value, *node[position:]]
    key = token if isinstance(node, dict) and is_new else _key(node, token)
    copy = node.copy()
    if value is _NOTHING:
        del copy[key]
    else:
        copy[key] = value
    return copy


def _insertion(node: list[Any], step: str) -> int:
    if step == "-":
        return len(node)
    if not _INDEX.match(step) or not -len(node) - 1 <= int(step) <= len(node):
        raise ResultError("its path is no position of the list")
    # Karmada's library: a negative index counts from behind the new item, so that -1 appends.
    return int(step) if int(step) >= 0 else len(node) + 1 + int(step)
