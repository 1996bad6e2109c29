"""Whether an object decodes as the built-in type of its kind, as Karmada asks before it edits images (spec §1.5).

Only types are looked at: unknown fields, absent fields and null are accepted, as Kubernetes' own decoder does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from reconciler.model.manifest import Body
from reconciler.model.quantity import parse_quantity
from reconciler.model.time import parse_time
from reconciler.overrides.field_types import FIELD_TYPES
from reconciler.overrides.outcome import OverriderError

_Check = Callable[[Any], None]
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}([.,]\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_INT32: Final = 2**31


class _WrongType(Exception):  # noqa: N818 - a verdict inside this module; turned into an OverriderError at its door
    """What is not what its field wants; `steps` is its place, innermost first."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.steps: list[str] = []


def check_builtin_type(body: Body) -> None:
    """Raise OverriderError, naming the field, where the object cannot be its kind's built-in type."""
    try:
        _check_of(str(body.get("kind")))(body)
    except _WrongType as wrong:
        place = "".join(reversed(wrong.steps)).removeprefix(".")
        raise OverriderError(f"{place} {wrong}") from None


@cache
def _check_of(expected: str) -> _Check:
    """The check of one type of the table, made once."""
    match expected[0]:
        case "[":
            return _check_of_list(_check_of(expected[1:-1]))
        case "{":
            return _check_of_map(_check_of(expected[1:-1]))
        case letter if letter.isupper():
            return _check_of_struct(expected)
        case _:
            return _SCALARS[expected]


def _check_of_list(check_item: _Check) -> _Check:
    def check(value: Any) -> None:
        if not isinstance(value, list):
            raise _WrongType("is not a list")
        for index, item in enumerate(value):
            if item is not None:
                try:
                    check_item(item)
                except _WrongType as wrong:
                    wrong.steps.append(f"[{index}]")
                    raise

    return check


def _check_of_map(check_item: _Check) -> _Check:
    def check(value: Any) -> None:
        if not isinstance(value, dict):
            raise _WrongType("is not an object")
        for key, item in value.items():
            if item is not None:
                try:
                    check_item(item)
                except _WrongType as wrong:
                    wrong.steps.append(f".{key}")
                    raise

    return check


def _check_of_struct(name: str) -> _Check:
    # The checks of the fields are made when the first object of the type comes: types refer to each other.
    fields: dict[str, _Check] = {}

    def check(value: Any) -> None:
        if not isinstance(value, dict):
            raise _WrongType("is not an object")
        if not fields:
            fields.update((key, _check_of(type_)) for key, _, type_ in _row(name))
        for key, item in value.items():
            if item is not None and (check_field := fields.get(key)) is not None:
                try:
                    check_field(item)
                except _WrongType as wrong:
                    wrong.steps.append(f".{key}")
                    raise

    return check


def _row(name: str) -> list[tuple[str, str, str]]:
    return [entry.partition(":") for entry in FIELD_TYPES[name].split()]


def _string(value: Any) -> None:
    if not isinstance(value, str):
        raise _WrongType("is not a string")


def _boolean(value: Any) -> None:
    if not isinstance(value, bool):
        raise _WrongType("is not true or false")


def _integer(value: Any) -> None:
    if not _is_integral(value):
        raise _WrongType("is not an integer")


def _integer_or_string(value: Any) -> None:
    if not isinstance(value, str) and not (_is_integral(value) and -_INT32 <= value < _INT32):
        raise _WrongType("is neither an integer nor a string")


def _time(value: Any) -> None:
    try:
        if isinstance(value, str) and _TIME.fullmatch(value):
            parse_time(value[:19] + "Z")
            return
    except ValueError:
        pass
    raise _WrongType("is not a time")


def _quantity(value: Any) -> None:
    try:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            parse_quantity(value.strip() if isinstance(value, str) else value)
            return
    except ValueError:
        pass
    raise _WrongType("is not a quantity")


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
