"""Plain scalars that other tools read differently: a warning, never a change of meaning.

kubectl and the API server read YAML 1.1 words and numbers (`yes`, `0755`, `1_000`); tools with YAML 1.2 see text or
another number. The values count as kubectl reads them; see `scalars`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.errors import Location, Problem
from reconciler.manifests import scalars
from reconciler.manifests.compose import PLAIN
from reconciler.manifests.locate import nodes_of
from reconciler.problems import CATALOGUE

_CODE: Final = "R121"
_WORDS: Final = frozenset(
    word
    for word, value in scalars.WORDS.items()
    if isinstance(value, bool) and word.lower() not in {"true", "false"}
)
_LEADING_ZERO: Final = re.compile(r"[-+]?0[0-9_]+\Z")


def portability_warnings(text: bytes, path: str) -> tuple[Problem, ...]:
    """A warning (R121) for each plain scalar of a readable file that YAML 1.2 reads otherwise, in order of place.

    Empty for JSON, and for a file that cannot be read: `load` says why.
    """
    found = {
        (mark.line + 1, mark.column + 1): words
        for root in nodes_of(text, is_json_file=path.endswith(".json"))
        for mark, words in _ambiguous(root)
    }
    row = CATALOGUE[_CODE]
    return tuple(
        Problem(
            code=_CODE,
            message=words,
            location=Location(path=path, line=line, column=column),
            remedy=row.remedy,
            severity=row.severity,
        )
        for (line, column), words in sorted(found.items())
    )


def _ambiguous(root: Node) -> Iterator[tuple[Any, str]]:
    """The mark of each such scalar, and what is to be said. A value behind aliases is looked at once."""
    seen: set[int] = set()
    pending: list[tuple[Node, bool]] = [(root, False)]
    while pending:
        node, is_key = pending.pop()
        if isinstance(node, ScalarNode):
            if node.tag is PLAIN and (words := _words(node.value, is_key=is_key)):
                yield node.start_mark, words
        elif id(node) not in seen:
            seen.add(id(node))
            if isinstance(node, MappingNode):
                pending += [pair for key, value in node.value for pair in ((key, True), (value, False))]
            elif isinstance(node, SequenceNode):
                pending += [(item, False) for item in node.value]


def _words(text: str, *, is_key: bool) -> str:
    """What kubectl makes of a scalar that other tools read differently; nothing for all others.

    Safe to show: only words of YAML itself are quoted.
    """
    if text in _WORDS:
        value = "true" if scalars.WORDS[text] else "false"
        return f'the key `{text}` is "{value}" to kubectl' if is_key else f"`{text}` is {value} to kubectl"
    number = scalars.plain_number(text)
    if number is None:
        return ""
    if "_" in text:
        return "a number with underscores is text to YAML 1.2"
    if _LEADING_ZERO.match(text) and isinstance(number, int) and number:
        return "a number that begins with 0 is octal to kubectl"
    return ""
