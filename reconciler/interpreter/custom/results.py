"""From what a script returns to JSON (spec rendering-and-status §3.4, result conversion).

Lua has one table for lists and objects, so an empty one says neither: references decide, the objects that the script was given.
Pure; every refusal is a ResultError in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

from reconciler.interpreter.custom.engine import LuaDump

_LARGEST_INTEGER: Final = 2**63
_LARGEST_EXACT: Final = 2**53
_Path = tuple[str, ...]


class ResultError(Exception):
    """A value has no JSON form, or not the one that is asked for."""


def json_of_dump(dump: LuaDump) -> Any:
    """The JSON of a Lua value; every empty table is `[]`. Raises ResultError."""
    if isinstance(dump, float):
        return _number(dump)
    if isinstance(dump, dict):
        if "again" in dump:
            raise ResultError("a table is reached twice, which JSON cannot say")
        raise ResultError(f"a {dump['type']} has no JSON form")
    if not isinstance(dump, list):
        return dump
    if not dump:
        return []
    first = dump[0][0]
    if isinstance(first, str):
        return _object(dump)
    if isinstance(first, bool) or not isinstance(first, int | float):
        raise ResultError("the keys of a table are neither strings nor 1, 2, 3, …")
    return _list(dump)


def object_of_dump(dump: LuaDump, references: Iterable[Any] = ()) -> dict[str, Any]:
    """A whole object; an empty table counts as one. Raises ResultError."""
    if not isinstance(dump, list):
        raise ResultError(f"a table is expected, not {type_name(dump)}")
    body = resolve_empties(json_of_dump(dump), references) or {}
    if not isinstance(body, dict):
        raise ResultError("an object is expected, not a list")
    return body


def list_of_dump(dump: LuaDump) -> list[Any]:
    """A list; nil counts as an empty one. Raises ResultError."""
    if dump is None:
        return []
    if not isinstance(dump, list):
        raise ResultError(f"a table is expected, not {type_name(dump)}")
    items = resolve_empties(json_of_dump(dump), ())
    if not isinstance(items, list):
        raise ResultError("a list is expected, not an object")
    return items


def resolve_empties(value: Any, references: Iterable[Any]) -> Any:
    """Each empty list below `value` becomes what a reference has at its path: `{}`, else `[]`; else the field goes.

    Positions in lists do not count in paths.
    """
    empty_objects, empty_lists = set[_Path](), set[_Path]()
    for reference in references:
        for path, found in _empties(reference, ()):
            (empty_objects if isinstance(found, dict) else empty_lists).add(path)
    return _resolved(value, (), frozenset(empty_objects), frozenset(empty_lists))


def type_name(dump: LuaDump) -> str:
    """Lua's name of a value's type."""
    match dump:
        case None:
            return "nil"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case {"type": "nan" | "inf"}:
            return "number"
        case {"type": str(name)}:
            return name
    return "table"


def _number(number: float) -> int | float:
    """Whole numbers as integers: those that a float does not hold exactly in the fewest digits that name it, as Go writes them."""
    if not number.is_integer() or abs(number) >= _LARGEST_INTEGER:
        return number
    return int(number) if abs(number) < _LARGEST_EXACT else int(Decimal(repr(number)))


def _object(pairs: list[Any]) -> dict[str, Any]:
    body = {}
    for key, value in pairs:
        if not isinstance(key, str):
            raise ResultError("a table has both strings and other keys")
        body[key] = json_of_dump(value)
    return body


def _list(pairs: list[Any]) -> list[Any]:
    items = []
    for position, (key, value) in enumerate(pairs, start=1):
        if isinstance(key, str | bool):
            raise ResultError("a table has both strings and other keys")
        if key != position:
            raise ResultError("a list has holes")
        items.append(json_of_dump(value))
    return items


def _empties(value: Any, path: _Path) -> Iterator[tuple[_Path, Any]]:
    for key, inner in _children(value):
        inner_path = path if key is None else (*path, key)
        if inner in ({}, []):
            yield inner_path, inner
        else:
            yield from _empties(inner, inner_path)


def _children(value: Any) -> Iterable[tuple[str | None, Any]]:
    if isinstance(value, dict):
        return value.items()
    return ((None, item) for item in value) if isinstance(value, list) else ()


def _resolved(value: Any, path: _Path, empty_objects: frozenset[_Path], empty_lists: frozenset[_Path]) -> Any:
    def kept(inner: Any, inner_path: _Path) -> bool:
        return inner != [] or inner_path in empty_objects or inner_path in empty_lists

    def decided(inner: Any, inner_path: _Path) -> Any:
        if inner == []:
            return {} if inner_path in empty_objects else []
        return _resolved(inner, inner_path, empty_objects, empty_lists)

    if isinstance(value, dict):
        return {
            key: decided(inner, (*path, key)) for key, inner in value.items() if kept(inner, (*path, key))
        }
    if isinstance(value, list):
        return [decided(inner, path) for inner in value if kept(inner, path)]
    return value
