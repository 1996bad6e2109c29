"""JSON and YAML text inside a string field, as Karmada reads it, and JSON as it writes it (spec §1.8).

JSON keeps its key order and the spelling of its numbers. `yaml_style` writes YAML.
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn, Self

from reconciler.manifests.compose import Refused
from reconciler.manifests.load import first_value
from reconciler.overrides.outcome import OverriderError

_ESCAPES: Final = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


class _Number(float):
    """A JSON number with a fraction or exponent, as it was written."""

    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number


def parse_json(text: str) -> Any:
    """The value of JSON text, keys in order. Raises OverriderError."""
    try:
        return json.loads(text, parse_float=_Number, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise OverriderError(f"the field is not JSON: {error}") from None


def json_text(value: Any) -> str:
    """Compact JSON, with `<`, `>`, `&` and the line separators escaped as Go does."""
    match value:
        case dict():
            return "{" + ",".join(f"{_quoted(str(k))}:{json_text(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ",".join(json_text(item) for item in value) + "]"
        case str():
            return _quoted(value)
        case _Number():
            return value.text
        case float() if value.is_integer() and abs(value) < 1e21:  # Go: plain notation below this
            return str(int(value))
        case _:
            return json.dumps(value)


def parse_yaml(text: str) -> Any:
    """The value of the first YAML document, typed as an API server reads it. Raises OverriderError."""
    try:
        return first_value(text.encode())
    except Refused as refused:
        raise OverriderError(f"the field is not YAML: line {refused.line}: {refused.message}") from refused
    except UnicodeEncodeError:
        raise OverriderError("the field is not text") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).translate(_ESCAPES)
