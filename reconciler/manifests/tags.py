"""Scalars with an explicit tag, as goyaml resolves them: `!!str 5`, `!!int "5"`, `!!binary aGk=`.

Only the core scalar tags have a meaning; goyaml drops all others without a word, so they are refused.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from typing import Any, Final

import yaml
from yaml.nodes import Node

from reconciler.manifests import compose, scalars
from reconciler.manifests.aliases import MAY_BARE_TAG
from reconciler.manifests.compose import Refused, refusal

_CORE: Final = "tag:yaml.org,2002:"
_TIMESTAMP: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.\d+)?(?:Z|[-+]\d\d:\d\d))"
    r"|(?: (\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.\d+)?))?\Z",
    re.ASCII,
)


def check_bare(content: bytes) -> None:
    """Raises `Refused` (R108) at a scalar tagged `!`: goyaml makes it a string, libyaml hides that it was there."""
    if not MAY_BARE_TAG.search(content):
        return
    for event in compose.events(content):
        if isinstance(event, yaml.ScalarEvent) and event.tag == "!":
            mark: Any = event.start_mark
            raise Refused(
                "R108",
                "tag ! is not one that Kubernetes' YAML has here",
                line=mark.line + 1,
                column=mark.column + 1,
                remedy="quote the value in place of the tag",
            )


def tagged(node: Node) -> Any:
    """The value of a scalar with an explicit tag, as goyaml resolves it. Raises `Refused`."""
    text = str(node.value)
    short = node.tag.removeprefix(_CORE) if node.tag.startswith(_CORE) else ""
    match short:
        case "str":
            return text
        case "binary":
            return _binary(node, text)
        case "null" | "bool":
            value = scalars.WORDS.get(text, text)
            wanted = value is None if short == "null" else isinstance(value, bool)
        case "int" | "float":
            number = scalars.plain_number(text)
            # goyaml turns an int into a float for !!float, and nothing else into anything.
            wanted = number is not None and (
                isinstance(number, int) if short == "int" else not isinstance(number, int) or number < 2**63
            )
            if short == "float" and scalars.WORDS.get(text) is scalars.NOT_JSON:
                raise refusal(node, "R110", "NaN and infinity are not JSON")
            value = (
                None if number is None else scalars.json_number(float(number) if short == "float" else number)
            )
        case "timestamp":
            value, wanted = text, _is_timestamp(text)
        case _:
            raise refusal(
                node, "R108", f"tag {shown_tag(node.tag)} is not one that Kubernetes' YAML has here"
            )
    if not wanted:
        raise refusal(node, "R109", f"this value is no !!{short}")
    return value


def _binary(node: Node, text: str) -> str:
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise refusal(node, "R109", "this value is no !!binary in base64 that holds UTF-8") from error


def _is_timestamp(text: str) -> bool:
    match = _TIMESTAMP.match(text)
    if match is None:
        return False
    year, month, day, *clock = (int(part or 0) for part in match.groups())
    hour, minute, second = (first or later for first, later in zip(clock[:3], clock[3:], strict=True))
    try:
        dt.date(year or 4, month, day)
    except ValueError:
        return False
    return hour < 24 and minute < 60 and second < 60


def shown_tag(tag: str) -> str:
    """A tag as it is named in a message."""
    shown = f"!!{tag.removeprefix(_CORE)}" if tag.startswith(_CORE) else tag
    return shown if len(shown) <= 80 and shown.isprintable() else "(too long or unprintable to show)"
