"""What a plain YAML scalar means to Kubernetes: goyaml.v2's resolver, then JSON.

Kubernetes reads YAML as `sigs.k8s.io/yaml` does: YAML 1.1 words (`yes`, `on`, `y`), Go's integer syntax (`0755`, `0x1F`,
`1_000`), no base 60, timestamps as strings; then the value goes through JSON, which has one kind of number. A whole
number is therefore an `int` here however it was written (`1e3`, `3.0`, `08`), as an API server stores it.
"""

from __future__ import annotations

import re
import struct
from decimal import Decimal
from typing import Any, Final

SMALLEST_INTEGER: Final = -(2**63)
LARGEST_INTEGER: Final = 2**64 - 1


class NotJson:
    """A scalar that JSON has no value for (NaN and the infinities), or that no JSON key can be."""

    def __repr__(self) -> str:
        return "NOT_JSON"


NOT_JSON: Final = NotJson()

_TRUE: Final = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE: Final = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_NULL: Final = ("", "~", "null", "Null", "NULL")
_NOT_A_NUMBER: Final = (".nan", ".NaN", ".NAN")
_INFINITE: Final = (
    *(".inf", ".Inf", ".INF"),
    *("+.inf", "+.Inf", "+.INF"),
    *("-.inf", "-.Inf", "-.INF"),
)
WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(_TRUE, True),
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(_NULL),
    **dict.fromkeys((*_NOT_A_NUMBER, *_INFINITE), NOT_JSON),
}

_INTEGER: Final = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<binary>[01]+)|0[oO]?(?P<octal>[0-7]+)"
    r"|(?P<decimal>0|[1-9][0-9]*))\Z"
)
_BASES: Final = {"hex": 16, "binary": 2, "octal": 8, "decimal": 10}
# Go's second look at binary: whatever follows `0b` may carry a sign of its own.
_ODD_BINARY: Final = re.compile(r"0b(?P<digits>[-+]?[01]+)\Z")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_DOT_FLOAT: Final = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?\Z")
_LONGEST_INTEGER: Final = 80  # digits; a 64-bit number in base 2 with sign and prefix is 67 long


def plain(text: str) -> Any:
    """The JSON value of a plain (unquoted, untagged) scalar; `NOT_JSON` for NaN and the infinities."""
    number = plain_number(text)
    if number is not None:
        return json_number(number)
    return WORDS.get(text, text)


def plain_number(text: str) -> int | float | None:
    """The number a plain scalar is to goyaml, before JSON; None where it is none. Never NaN nor infinite."""
    first = text[:1]
    if first == ".":
        return _finite(text.replace("_", "")) if _DOT_FLOAT.match(text) else None
    if not first or first not in "0123456789+-":
        return None
    digits = text.replace("_", "") if "_" in text else text
    if (match := _INTEGER.match(digits)) and (integer := _integer(match)) is not None:
        return integer
    if _FLOAT.match(digits):
        return _finite(digits)
    if (match := _ODD_BINARY.match(digits)) and len(digits) <= _LONGEST_INTEGER:
        integer = int(match["digits"], 2)
        return integer if SMALLEST_INTEGER <= integer <= LARGEST_INTEGER else None
    return None


def json_number(number: float) -> int | float:
    """`number` as JSON carries it to an API server: a whole number within int64 is an `int`, however it was written."""
    if isinstance(number, float) and number.is_integer() and -(2**63) <= number < 2**63:
        # Go prints the shortest digits that give the float, padded with zeros; those are what the server reads.
        whole = int(Decimal(repr(number)))
        return whole if -(2**63) <= whole < 2**63 else number
    return number


def plain_key(text: str) -> str | NotJson:
    """The JSON key that a plain scalar becomes (`yes` -> `true`, `0x10` -> `16`); `NOT_JSON` for null and above int64."""
    number = plain_number(text)
    if isinstance(number, float):
        return float_key(number)
    if number is not None:
        return str(number) if number < 2**63 else NOT_JSON
    if text in _NULL:
        return NOT_JSON
    if text in _INFINITE:
        return "-.inf" if text[0] == "-" else ".inf"
    if text in _NOT_A_NUMBER:
        return ".nan"
    value = WORDS.get(text, text)
    return value if isinstance(value, str) else str(value).lower()


def float_key(number: float) -> str:
    """`number` as sigs.k8s.io/yaml writes it as a key: the shortest digits that give the same 32-bit float (Go's `g`)."""
    try:
        single = struct.pack("<f", number)
    except OverflowError:
        return "-.inf" if number < 0 else ".inf"
    value = struct.unpack("<f", single)[0]
    digits = next(
        shortest
        for precision in range(9)
        if struct.pack("<f", float(shortest := f"{value:.{precision}e}")) == single or precision == 8
    )
    mantissa, _, exponent = digits.partition("e")
    power = int(exponent)
    # Go's `g` with the shortest digits turns to an exponent below 1e-4 and from 1e6.
    if -4 <= power < 6 or value == 0:
        decimals = max(len(mantissa.replace("-", "").replace(".", "")) - 1 - power, 0)
        return f"{value:.{decimals}f}"
    return f"{mantissa}e{power:+03d}"


def _integer(match: re.Match[str]) -> int | None:
    kind = match.lastgroup or ""
    digits = match[kind]
    if len(digits) > _LONGEST_INTEGER:
        return None
    magnitude = int(digits, _BASES[kind])
    if match["sign"] == "-":
        return -magnitude if magnitude <= -SMALLEST_INTEGER else None
    # ParseUint takes no sign: `+` and more than 63 bits is no integer to Go.
    limit = 2**63 - 1 if match["sign"] else LARGEST_INTEGER
    return magnitude if magnitude <= limit else None


def _finite(text: str) -> float | None:
    number = float(text)
    return None if number in (float("inf"), float("-inf")) else number
