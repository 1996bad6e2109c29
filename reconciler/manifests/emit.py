"""Kubernetes objects to canonical bytes: the one writer of manifests.

Equal objects give equal bytes, on every machine. `load(emit(body))` is `body`, with the type of every value, and other
YAML readers (1.1 and 1.2) see the same strings. The form is a wire format: changing it changes every render tree.
"""

from __future__ import annotations

import math
import re
from json.encoder import encode_basestring
from typing import Any, Final

import orjson

from reconciler.manifests import scalars
from reconciler.model.manifest import Body

_FIRST: Final[tuple[str, ...]] = ("apiVersion", "kind", "metadata")

# Plain only where no reader can see anything but this string. Everything else stands in double quotes.
_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9_./@%+=-]*\Z")
_AMBIGUOUS: Final = frozenset(
    variant
    for word in ("y", "yes", "n", "no", "on", "off", "true", "false", "null")
    for variant in (word, word.capitalize(), word.upper())
)
# What JSON leaves as it is and YAML readers drop, refuse or take for a line break.
_ESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_NOT_IN_BLOCK: Final = re.compile(
    "[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_LONGEST_SIMPLE_KEY: Final = 1_000  # characters; YAML allows 1,024 before the colon
_MEMO_LIMIT: Final = 65_536
_MEMO_LENGTH: Final = 64


def emit(body: Body) -> bytes:
    """The canonical YAML of an object: `apiVersion`, `kind`, `metadata`, then the other keys sorted; no line folded.

    Raises TypeError for what is not JSON, ValueError for NaN, infinity, integers beyond 64 bits and lone surrogates.
    """
    lines: list[str] = []
    if body:
        ordered = [key for key in _FIRST if key in body]
        ordered += sorted(key for key in body if key not in _FIRST)
        _mapping(body, ordered, "\n", lines)
        lines[0] = lines[0][1:]
    else:
        lines.append("{}")
    lines.append("\n")
    return "".join(lines).encode()


def emit_json(body: Any) -> bytes:
    """The canonical JSON of any JSON value: sorted keys, no blanks. For digests and requests."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def scalar(value: Any) -> str:
    """A scalar as `emit` writes it on one line."""
    if value.__class__ is str:
        return _QUOTED[value]
    if value is True:
        return "true"
    if value is False:
        return "false"
    if value is None:
        return "null"
    if isinstance(value, int):
        if not scalars.SMALLEST_INTEGER <= value <= scalars.LARGEST_INTEGER:
            raise ValueError("an integer beyond 64 bits is not in Kubernetes' JSON")
        return int.__repr__(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        return _QUOTED[str(value)]
    raise TypeError(f"{type(value).__name__} is not JSON")


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("NaN and infinity are not JSON")
    number = scalars.json_number(value)
    if isinstance(number, int):
        return repr(number)
    text = repr(number)
    mantissa, mark, exponent = text.partition("e")
    # YAML 1.1 takes an exponent for part of a number only behind a point.
    return text if not mark or "." in mantissa else f"{mantissa}.0e{exponent}"


def quoted(text: str) -> str:
    """A string as it stands on one line: plain where that is safe, else in double quotes."""
    if _PLAIN.match(text) and text not in _AMBIGUOUS:
        return text
    return double_quoted(text)


def double_quoted(text: str) -> str:
    """A string in double quotes, as JSON and every YAML reader take it."""
    result = encode_basestring(text)
    if _ESCAPED.search(result):
        result = _ESCAPED.sub(_escape, result)
    return result


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


class _Memo(dict[str, str]):
    """Strings to their written form. Bounded; changes speed only."""

    def __missing__(self, text: str) -> str:
        if text.__class__ is not str:
            raise TypeError(f"a key of type {type(text).__name__} is not JSON")
        written = quoted(text)
        if len(text) <= _MEMO_LENGTH:
            if len(self) >= _MEMO_LIMIT:
                self.clear()
            self[text] = written
        return written


_QUOTED: Final = _Memo()


def is_literal(text: str) -> bool:
    """Whether a text of several lines reads better, and safely, as a literal block (`|`)."""
    return (
        text[-1:] == "\n" and text[-2:-1] != "\n" and text[0] not in " \n" and not _NOT_IN_BLOCK.search(text)
    )


def literal(text: str, column: int) -> str:
    """A text for which `is_literal` holds, as a block whose lines begin at a column (from 0)."""
    return _block(text, "\n" + " " * column)


def _block(text: str, indent: str) -> str:
    """`|` and its lines, each behind `indent` (a line break and blanks); empty lines stay empty."""
    lines = text[:-1].split("\n")
    return "|" + "".join(indent + line if line else "\n" for line in lines)


def _mapping(body: Body, ordered: list[str], indent: str, lines: list[str]) -> None:
    """Appends `indent + key: value` for each key. `indent` is a line break and blanks."""
    memo = _QUOTED
    deeper = indent + "  "
    for key in ordered:
        name = memo[key]
        if len(name) > _LONGEST_SIMPLE_KEY:
            name = f"? {double_quoted(key)}{indent}"
        value = body[key]
        kind = value.__class__
        if kind is str:
            if "\n" in value and is_literal(value):
                lines.append(f"{indent}{name}: {_block(value, deeper)}")
            else:
                lines.append(f"{indent}{name}: {memo[value]}")
        elif kind is dict:
            if value:
                lines.append(f"{indent}{name}:")
                _mapping(value, sorted(value), deeper, lines)
            else:
                lines.append(f"{indent}{name}: {{}}")
        elif kind is list:
            if value:
                lines.append(f"{indent}{name}:")
                _sequence(value, indent, lines)
            else:
                lines.append(f"{indent}{name}: []")
        else:
            lines.append(f"{indent}{name}: {scalar(value)}")


def _sequence(items: list[Any], indent: str, lines: list[str]) -> None:
    """Appends `indent + - item` for each item. The first line of a collection follows its dash."""
    memo = _QUOTED
    deeper = indent + "  "
    for item in items:
        kind = item.__class__
        if kind is str:
            if "\n" in item and is_literal(item):
                lines.append(f"{indent}- {_block(item, deeper)}")
            else:
                lines.append(f"{indent}- {memo[item]}")
        elif kind is dict and item:
            lines.append(f"{indent}- ")
            first = len(lines)
            _mapping(item, sorted(item), deeper, lines)
            lines[first] = lines[first][len(deeper) :]
        elif kind is list and item:
            lines.append(f"{indent}- ")
            first = len(lines)
            _sequence(item, deeper, lines)
            lines[first] = lines[first][len(deeper) :]
        else:
            lines.append(
                f"{indent}- {{}}"
                if kind is dict
                else f"{indent}- []"
                if kind is list
                else f"{indent}- {scalar(item)}"
            )
