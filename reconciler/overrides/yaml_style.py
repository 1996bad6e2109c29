"""YAML text as Karmada writes it into a field (spec §1.8): block style, keys in natural order, lists flush with their key.

Two spaces, quotes only where needed, several lines as `|` blocks, plain text folded at 80 columns. Comments are lost.
"""

from __future__ import annotations

import re
from functools import cmp_to_key
from typing import Any, Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.manifests import scalars

_WIDTH: Final = 80
_STRING: Final = "tag:yaml.org,2002:str"
_BASE_60: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?")
_MERGE: Final = "<<"


def yaml_text(value: Any) -> str:
    """The value as one YAML document, with a newline at the end."""
    text: str = yaml.serialize(_node(value), Dumper=_Dumper, width=_WIDTH, allow_unicode=True)
    # PyYAML marks the end of a document that is one plain scalar.
    return text.removesuffix("...\n")


def _node(value: Any) -> Node:
    match value:
        case dict():
            keys = sorted(value, key=cmp_to_key(compare_keys))
            return MappingNode("", [(_scalar(key), _node(value[key])) for key in keys], flow_style=not value)
        case list():
            return SequenceNode("", [_node(item) for item in value], flow_style=not value)
        case str():
            return _scalar(value)
        case bool():
            return ScalarNode(_STRING, "true" if value else "false")
        case None:
            return ScalarNode(_STRING, "null")
        case float():
            return ScalarNode(_STRING, float_text(value))
        case _:
            return ScalarNode(_STRING, str(value))


def _scalar(text: str) -> ScalarNode:
    if "\n" in text:
        return ScalarNode(_STRING, text, style="|")
    return ScalarNode(_STRING, text, style=None if _is_plain_string(text) else '"')


def _is_plain_string(text: str) -> bool:
    """Whether the text, unquoted, would be read as this string."""
    if _BASE_60.fullmatch(text) or _DATE.fullmatch(text) or text == _MERGE:
        return False
    return isinstance(scalars.plain(text), str)


def float_text(number: float) -> str:
    """The shortest digits of a float in Go's `%g` form: an exponent from a million on, and below a ten-thousandth."""
    text = repr(number)
    mantissa, _, exponent = text.partition("e")
    digits = mantissa.lstrip("-").replace(".", "").strip("0")
    magnitude = _exponent(number)
    if -5 < magnitude < 6:
        return (
            text.removesuffix(".0") if not exponent else f"{number:.{max(len(digits) - 1 - magnitude, 0)}f}"
        )
    sign = "-" if number < 0 else ""
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{magnitude:+03d}"


def _exponent(number: float) -> int:
    return int(f"{number:e}".partition("e")[2]) if number else 0


def compare_keys(one: str, other: str) -> int:
    """Natural order: digit runs as numbers, letters last, letters by code point. Negative: `one` comes first."""
    for index, (here, there) in enumerate(zip(one, other, strict=False)):
        if here == there:
            continue
        if here.isalpha() and there.isalpha():
            return -1 if here < there else 1
        if here.isalpha() or there.isalpha():
            return -1 if there.isalpha() else 1
        return _compare_runs(one, other, index)
    return len(one) - len(other)


def _compare_runs(one: str, other: str, index: int) -> int:
    runs = [_digits_from(text, index) for text in (one, other)]
    numbers = [int(run) if run else 0 for run in runs]
    if "0" in (one[index], other[index]) and _inside_number(one, index):
        # A zero inside a longer number counts by its place: `10` before `100`.
        numbers = [int(f"1{run}") for run in runs]
    if numbers[0] != numbers[1]:
        return -1 if numbers[0] < numbers[1] else 1
    if len(runs[0]) != len(runs[1]):
        return len(runs[0]) - len(runs[1])
    return -1 if one[index] < other[index] else 1


def _digits_from(text: str, index: int) -> str:
    end = index
    while end < len(text) and text[end].isdecimal():
        end += 1
    return text[index:end]


def _inside_number(text: str, index: int) -> bool:
    before = index
    while before and text[before - 1].isdecimal():
        before -= 1
    return bool(text[before:index].strip("0"))


class _Dumper(yaml.SafeDumper):
    """Plain means plain: what a scalar would be read as was decided before it got here."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:  # noqa: ARG002 - PyYAML's signature
        """Every scalar is written as it stands; collections are never tagged."""
        return _STRING if kind is ScalarNode else ""
