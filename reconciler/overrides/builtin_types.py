"""Whether an object decodes as the built-in type of its kind, as Karmada asks before it edits images (spec §1.5).

Only types are looked at: unknown fields, absent fields and null are accepted, as Kubernetes' own decoder does.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

from reconciler.model.manifest import Body
from reconciler.model.quantity import parse_quantity
from reconciler.model.time import parse_time
from reconciler.overrides.field_types import FIELD_TYPES
from reconciler.overrides.outcome import OverriderError

_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}([.,]\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_INT32: Final = 2**31


def check_builtin_type(body: Body) -> None:
    """Raise OverriderError, naming the field, where the object cannot be its kind's built-in type."""
    _check_struct(body, _fields(str(body.get("kind"))), "")


@cache
def _fields(name: str) -> dict[str, str]:
    return dict(entry.split(":", 1) for entry in FIELD_TYPES[name].split())


def _check_struct(value: dict[str, Any], fields: dict[str, str], path: str) -> None:
    for key, item in value.items():
        if item is None or (expected := fields.get(key)) is None:
            continue
        if expected == "str":
            if type(item) is not str:
                raise OverriderError(f"{path}{key} is not a string")
        else:
            _check(item, expected, f"{path}{key}")


def _check(value: Any, expected: str, path: str) -> None:
    if value is None:
        return
    match expected[0]:
        case "[":
            if not isinstance(value, list):
                raise OverriderError(f"{path} is not a list")
            for index, item in enumerate(value):
                _check(item, expected[1:-1], f"{path}[{index}]")
        case "{":
            if not isinstance(value, dict):
                raise OverriderError(f"{path} is not an object")
            for key, item in value.items():
                _check(item, expected[1:-1], f"{path}.{key}")
        case letter if letter.isupper():
            if not isinstance(value, dict):
                raise OverriderError(f"{path} is not an object")
            _check_struct(value, _fields(expected), f"{path}.")
        case _:
            if not _is_scalar(value, expected):
                raise OverriderError(f"{path} is not of type {expected}")


def _is_scalar(value: Any, expected: str) -> bool:
    match expected:
        case "str":
            return isinstance(value, str)
        case "bool":
            return isinstance(value, bool)
        case "int":
            return _is_integral(value)
        case "int-or-string":
            return isinstance(value, str) or (_is_integral(value) and -_INT32 <= value < _INT32)
        case "time":
            return isinstance(value, str) and _is_time(value)
        case "quantity":
            return _is_quantity(value)
        case _:
            return True


def _is_integral(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and value.is_integer()
    )


def _is_time(text: str) -> bool:
    if _TIME.fullmatch(text) is None:
        return False
    try:
        parse_time(text[:19] + "Z")
    except ValueError:
        return False
    return True


def _is_quantity(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    try:
        parse_quantity(value.strip() if isinstance(value, str) else value)
    except ValueError:
        return False
    return True
