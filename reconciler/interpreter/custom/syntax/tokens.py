"""The tokens of Lua 5.1 with `goto`, each with its line and column.

Promises: linear in the text; anything that is not Lua is refused with its place. Strings are bytes, as in Lua.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final, NamedTuple


class Kind(Enum):
    """What a token is. Keywords and punctuation are told by their text."""

    NAME = auto()
    NUMBER = auto()
    STRING = auto()
    SYMBOL = auto()
    END = auto()


class Token(NamedTuple):
    """One token. `text` is what stands in the script, for strings and numbers too; `value` what these mean."""

    kind: Kind
    text: str
    line: int
    column: int
    value: bytes | float = b""


class LuaSyntaxError(Exception):
    """The text is not Lua: where, counted from 1 within the script, and why."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


KEYWORDS: Final = frozenset(
    [
        "and",
        "break",
        "do",
        "else",
        "elseif",
        "end",
        "false",
        "for",
        "function",
        "goto",
        "if",
        "in",
        "local",
        "nil",
        "not",
        "or",
        "repeat",
        "return",
        "then",
        "true",
        "until",
        "while",
    ]
)

_TOKEN: Final = re.compile(
    r"""
    (?P<space>[ \t\f\v]+)
  | (?P<newline>\r\n|\n\r|\n|\r)
  | (?P<long_comment>--\[(?P<comment_level>=*)\[)
  | (?P<comment>--[^\r\n]*)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<number>0[xX][0-9A-Fa-f]+|(?:[0-9]+(?:\.(?!\.)[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)
  | (?P<long_string>\[(?P<string_level>=*)\[)
  | (?P<quote>["'])
  | (?P<symbol>\.\.\.|\.\.|==|~=|<=|>=|::|[-+*/%^\#<>=(){}\[\];:,.])
    """,
    re.VERBOSE,
)
_NEWLINE: Final = re.compile(r"\r\n|\n\r|\n|\r")
_STRING_PART: Final = re.compile(
    r"""(?P<plain>[^"'\\\r\n]+)|\\(?P<escape>[0-9]{1,3}|\r\n|\n\r|.)|(?P<quote>["'])""", re.DOTALL
)
_ESCAPES: Final = {"a": b"\a", "b": b"\b", "f": b"\f", "n": b"\n", "r": b"\r", "t": b"\t", "v": b"\v"}


def tokens(text: str) -> Iterator[Token]:
    """The tokens of `text`, the last one of kind END. Raises LuaSyntaxError."""
    position, line, line_start = 0, 1, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        column = position - line_start + 1
        if match is None:
            raise LuaSyntaxError(f"{_shown(text[position])} is no part of Lua", line, column)
        group, found = match.lastgroup, match[0]
        end = match.end()
        match group:
            case "name":
                kind = Kind.SYMBOL if found in KEYWORDS else Kind.NAME
                yield Token(kind, found, line, column)
            case "symbol":
                yield Token(Kind.SYMBOL, found, line, column)
            case "number":
                yield _number(text, found, end, line, column)
            case "quote":
                value, end = _quoted(text, position, line, column)
                yield Token(Kind.STRING, found, line, column, value)
            case "string_level" | "long_string" | "comment_level" | "long_comment":
                is_comment = found.startswith("--")
                value, end = _long(text, match, line, column)
                if not is_comment:
                    yield Token(Kind.STRING, found, line, column, value)
            case _:
                pass
        if group not in ("name", "symbol", "number", "space", "comment"):
            for newline in _NEWLINE.finditer(text, position, end):
                line += 1
                line_start = newline.end()
        position = end
    yield Token(Kind.END, "the end of the script", line, position - line_start + 1)


def _number(text: str, found: str, end: int, line: int, column: int) -> Token:
    following = text[end : end + 1]
    value = float(int(found, 16)) if found[:2] in ("0x", "0X") else float(found)
    if following.isalnum() or following == "_" or text.startswith("..", end) or value == float("inf"):
        raise LuaSyntaxError("malformed number", line, column)
    return Token(Kind.NUMBER, found, line, column, value)


def _quoted(text: str, start: int, line: int, column: int) -> tuple[bytes, int]:
    quote, position = text[start], start + 1
    parts: list[bytes] = []
    while position < len(text):
        match = _STRING_PART.match(text, position)
        if match is None:
            break
        position = match.end()
        if match["quote"] == quote:
            return b"".join(parts), position
        if match["escape"] is None:
            parts.append(_utf8(match[0]))
        else:
            parts.append(_escaped(match["escape"], line, column))
    raise LuaSyntaxError("the string does not end on its line", line, column)


def _escaped(escape: str, line: int, column: int) -> bytes:
    if escape[0] in "\r\n":
        return b"\n"
    if escape.isdigit():
        if int(escape) > 255:
            raise LuaSyntaxError("the escape in this string is above 255", line, column)
        return bytes([int(escape)])
    return _ESCAPES.get(escape) or _utf8(escape)


def _long(text: str, match: re.Match[str], line: int, column: int) -> tuple[bytes, int]:
    level = match["string_level"] if match["long_string"] else match["comment_level"]
    closing = f"]{level}]"
    end = text.find(closing, match.end())
    if end < 0:
        what = "string" if match["long_string"] else "comment"
        raise LuaSyntaxError(f"the long {what} is never closed", line, column)
    content = _NEWLINE.sub("\n", text[match.end() : end])
    return _utf8(content.removeprefix("\n")), end + len(closing)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _shown(character: str) -> str:
    return f"`{character}`" if character.isascii() and character.isprintable() else "this character"
