"""JSON files, as strictly as Go reads them, with places.

Promises: duplicate keys, NaN, lone surrogates and nesting beyond the limit are refused with line and column. The fast
path is Python's C decoder; a token walk looks for the place only when something is odd.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from yaml.nodes import Node

from reconciler.manifests import compose, scalars
from reconciler.manifests.compose import DEEPEST, Lines, Refused

_SPACE: Final = re.compile(r"[ \t\r\n]*")
# A string without its end matches too: a walk over hostile text stays linear.
_TOKEN: Final = re.compile(
    r'"(?P<string>(?:[^"\\]|\\.)*)(?:"(?P<colon>[ \t\r\n]*:)?|\\?\Z)|(?P<word>[-+.\w]+)|[\[\]{}]', re.DOTALL
)
_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE_PAIR: Final = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_MOST_NODES: Final = 50  # each costs a walk over what is before it
_LONE: Final = re.compile("[\ud800-\udfff]")


def values(content: bytes) -> list[tuple[Any, int, int]]:
    """Each JSON value of the text with its line and column. Raises `Refused` (R104, R106, R107, R110)."""
    text = content.decode()
    if text.count("{") + text.count("[") > DEEPEST:
        _check_depth(text)
    if _SURROGATE.search(text):
        _look_closely(text)
    found = []
    lines = Lines(text)
    position = _space_end(text, 0)
    while position < len(text):
        line, column = lines.place(position)
        try:
            value, end = _DECODER.raw_decode(text, position)
        except json.JSONDecodeError as error:
            line, column = lines.place(error.pos)
            raise Refused(
                "R104", f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}", line=line, column=column
            ) from error
        except _Odd as odd:
            _look_closely(text)
            raise Refused("R104", "not JSON", line=line, column=column) from odd
        found.append((value, line, column))
        position = _space_end(text, end)
    return found


def nodes(content: bytes) -> list[Node]:
    """The nodes of the first values, for places only. Raises `Refused` where the text is not JSON or libyaml gives none."""
    # YAML knows no surrogate pairs; as many other characters stand in for them.
    text = _SURROGATE_PAIR.sub("x" * 12, content.decode())
    decoder = json.JSONDecoder()
    found: list[Node] = []
    position = _space_end(text, 0)
    while position < len(text) and len(found) < _MOST_NODES:
        try:
            end = decoder.raw_decode(text, position)[1]
        except ValueError as error:
            raise Refused("R104", "not JSON") from error
        # Blanks stand in for what is before, so that lines and columns are those of the file.
        before = "\n".join(" " * len(line) for line in _LINE_BREAK.split(text[:position]))
        found += compose.documents((before + text[position:end]).encode())
        position = _space_end(text, end)
    return found


def looks_like_json(content: bytes, path: str) -> bool:
    """Whether to try JSON first. kubectl too looks at the first character: an object in braces."""
    start = content.lstrip(b" \t\r\n")[:1]
    return start == b"{" or (bool(start) and path.endswith(".json"))


class _Odd(Exception):  # noqa: N818
    """Something JSON does not allow, found where its place is not known."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _Odd
    return result


def _constant(_name: str) -> Any:
    raise _Odd


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _Odd
    return scalars.json_number(number)


def _integer(text: str) -> int | float:
    if len(text) <= 20 and scalars.SMALLEST_INTEGER <= (number := int(text)) <= scalars.LARGEST_INTEGER:
        return number
    return _float(text)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float, parse_int=_integer
)


def _space_end(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    return match.end() if match else start


def _check_depth(text: str) -> None:
    depth = 0
    for match in _BRACKET.finditer(text):
        piece = match[0]
        if piece in "[{":
            depth += 1
            if depth > DEEPEST:
                raise compose.too_deep(*Lines(text).place(match.start()))
        elif piece in "]}":
            depth -= 1


def _look_closely(text: str) -> None:
    """Raises `Refused` at the first duplicate key, lone surrogate, or number that is none."""
    lines = Lines(text)
    keys: list[dict[str, int]] = [{}]
    for match in _TOKEN.finditer(text):
        piece = match[0]
        if piece in "[{":
            keys.append({})
        elif piece in "]}":
            keys = keys[:-1] or [{}]
        elif word := match["word"]:
            if word in ("NaN", "Infinity", "-Infinity") or _is_beyond(word):
                line, column = lines.place(match.start())
                raise Refused(
                    "R110", "NaN, infinity and what exceeds a double are not JSON", line=line, column=column
                )
        else:
            _look_at_string(match, keys[-1], lines)


def _look_at_string(match: re.Match[str], keys: dict[str, int], lines: Lines) -> None:
    try:
        value = json.loads(f'"{match["string"]}"')
    except json.JSONDecodeError:
        return  # the decoder finds it again, and says what it is
    if _LONE.search(value):
        line, column = lines.place(match.start())
        raise Refused("R104", "not JSON: half of a surrogate pair", line=line, column=column)
    if match["colon"]:
        if value in keys:
            line, column = lines.place(match.start())
            first = lines.place(keys[value])
            raise Refused(
                "R107",
                f"duplicate key {shown(value)}",
                line=line,
                column=column,
                evidence=(f"first set at {first[0]}:{first[1]}",),
            )
        keys[value] = match.start()


def _is_beyond(word: str) -> bool:
    try:
        return float(word) in (float("inf"), float("-inf"))
    except ValueError:
        return False


def shown(key: str) -> str:
    """A key as it is named in a message."""
    return f"`{key}`" if len(key) <= 80 and key.isprintable() else "that is too long or unprintable to show"
