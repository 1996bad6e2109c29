"""Whether a value decodes as a built-in type of Kubernetes, and how that type writes it again.

Only types are looked at: unknown fields, absent fields and null are accepted, as Kubernetes' own decoder does. What a type
writes has neither unknown fields nor zero values, except those that it always writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final

from reconciler.manifests.field_types import FIELD_TYPES
from reconciler.model.quantity import canonical, parse_quantity
from reconciler.model.time import format_time, parse_time

_Check = Callable[[Any], None]
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}([.,]\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_INT32: Final = 2**31


class WrongType(Exception):  # noqa: N818 - a verdict, which the caller turns into an error of its own
    """A value that is not what its field wants; `steps` is its place, innermost first."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.steps: list[str] = []

    def __str__(self) -> str:
        place = "".join(reversed(self.steps)).removeprefix(".")
        return f"{place} {self.args[0]}".lstrip()


def check_type(value: Any, expected: str) -> None:
    """Raise WrongType, naming the field, where a value other than null cannot be of the type (written as in FIELD_TYPES)."""
    if value is not None:
        _check_of(expected)(value)


def typed(value: Any, expected: str) -> Any:
    """The value as the type writes it. Raises WrongType."""
    check_type(value, expected)
    return _written(value, expected)


def _written(value: Any, expected: str) -> Any:
    match expected[0]:
        case "[" | "{" if value is None:
            return None
        case "[":
            return [_written(item, expected[1:-1]) for item in value]
        case "{":
            return {key: _written(item, expected[1:-1]) for key, item in value.items()}
        case letter if letter.isupper():
            return _written_struct(value or {}, expected)
        case _:
            return _ZEROS[expected] if value is None else _WRITTEN.get(expected, _same)(value)


def _written_struct(given: dict[str, Any], name: str) -> dict[str, Any]:
    always, others = _marks(name)
    written = {key: _written(given.get(key), type_) for key, type_ in always.items()}
    for key, value in given.items():
        if key in others and not _is_left_out(value, *others[key]):
            written[key] = _written(value, others[key][1])
    return written


def _is_left_out(value: Any, mark: str, type_: str) -> bool:
    if value is None or mark == "?":
        return value is None
    return not value and (type_[0] in "[{" or type_ in ("bool", "int", "str"))


@cache
def _check_of(expected: str) -> _Check:
    """The check of one type of the table, made once."""
    match expected[0]:
        case "[":
            return _check_of_items(list, "is not a list", enumerate, "[{}]", _check_of(expected[1:-1]))
        case "{":
            return _check_of_items(dict, "is not an object", dict.items, ".{}", _check_of(expected[1:-1]))
        case letter if letter.isupper():
            return _check_of_struct(expected)
        case _:
            return _SCALARS[expected]


def _check_of_items(
    kind: type,
    words: str,
    items_of: Callable[[Any], Iterable[tuple[Any, Any]]],
    step: str,
    check_item: _Check,
) -> _Check:
    def check(value: Any) -> None:
        if not isinstance(value, kind):
            raise WrongType(words)
        for key, item in items_of(value):
            if item is not None:
                try:
                    check_item(item)
                except WrongType as wrong:
                    wrong.steps.append(step.format(key))
                    raise

    return check


def _check_of_struct(name: str) -> _Check:
    # The checks of the fields are made when the first object of the type comes: types refer to each other.
    fields: dict[str, _Check] = {}

    def check(value: Any) -> None:
        if not isinstance(value, dict):
            raise WrongType("is not an object")
        if not fields:
            fields.update((key, _check_of(type_)) for key, _, type_ in _row(name))
        for key, item in value.items():
            if item is not None and (check_field := fields.get(key)) is not None:
                try:
                    check_field(item)
                except WrongType as wrong:
                    wrong.steps.append(f".{key}")
                    raise

    return check


@cache
def _marks(name: str) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """The fields that a type always writes, and the others with their marks."""
    always = {key: type_ for key, mark, type_ in _row(name) if mark == "!"}
    return always, {key: (mark, type_) for key, mark, type_ in _row(name) if mark != "!"}


@cache
def _row(name: str) -> tuple[tuple[str, str, str], ...]:
    """The fields of a type: name, mark and type of each."""
    entries = (entry.partition(":") for entry in FIELD_TYPES[name].split())
    return tuple((key.rstrip("!?"), key[-1] if key[-1] in "!?" else "", type_) for key, _, type_ in entries)


def _string(value: Any) -> None:
    if not isinstance(value, str):
        raise WrongType("is not a string")


def _boolean(value: Any) -> None:
    if not isinstance(value, bool):
        raise WrongType("is not true or false")


def _integer(value: Any) -> None:
    # Counters are most of what is checked.
    if type(value) is not int and not _is_integral(value):
        raise WrongType("is not an integer")


def _integer_or_string(value: Any) -> None:
    if not isinstance(value, str) and not (_is_integral(value) and -_INT32 <= value < _INT32):
        raise WrongType("is neither an integer nor a string")


def _time(value: Any) -> None:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise WrongType("is not a time")
    try:
        parse_time(value[:19] + "Z")
    except ValueError:
        raise WrongType("is not a time") from None


def _quantity(value: Any) -> None:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise WrongType("is not a quantity")
    try:
        parse_quantity(value.strip() if isinstance(value, str) else value)
    except ValueError:
        raise WrongType("is not a quantity") from None


def _anything(_value: Any) -> None:
    return


def _is_integral(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and value.is_integer()
    )


_SCALARS: Final[dict[str, _Check]] = {
    "any": _anything,
    "bool": _boolean,
    "int": _integer,
    "int-or-string": _integer_or_string,
    "quantity": _quantity,
    "str": _string,
    "time": _time,
}
_ZEROS: Final[dict[str, Any]] = {
    "any": None,
    "bool": False,
    "int": 0,
    "int-or-string": 0,
    "quantity": "0",
    "str": "",
    "time": None,
}


def _same(value: Any) -> Any:
    return value


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) else value


def _moment(value: str) -> str:
    if len(value) == len("2006-01-02T15:04:05Z"):
        return value
    try:
        return format_time(parse_time(value.replace(",", ".")))
    except ValueError:
        raise WrongType("is a time beyond the calendar") from None


def _canonical(value: str | float) -> str:
    return canonical(parse_quantity(value.strip() if isinstance(value, str) else value))


_WRITTEN: Final[dict[str, Callable[[Any], Any]]] = {
    "int": _whole,
    "int-or-string": _whole,
    "quantity": _canonical,
    "time": _moment,
}
