"""The budget of aliases: what they may add to a document, so that a small file cannot become a huge object."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from reconciler.manifests import compose
from reconciler.manifests.compose import Refused

# What may stand before an indicator; the last three end the UTF-8 of YAML's other line breaks. Each pattern begins with
# its own character, which is what makes the search fast.
_BEFORE: Final = rb"[\s\[{,:\x85\xa8\xa9]"
_MAY_ANCHOR: Final = re.compile(rb"&(?:(?<=\A&)|(?<=" + _BEFORE + rb"&))[^\s&]")
_MAY_ALIAS: Final = re.compile(rb"\*(?<=" + _BEFORE + rb"\*)[^\s*]")
MAY_BARE_TAG: Final = re.compile(rb"!(?:(?<=\A!)|(?<=" + _BEFORE + rb"!))\s")
_EXPANSION: Final = 10
_FREE_NODES: Final = 1_000
_LARGEST_EXPANSION: Final = 1024 * 1024  # characters


def check(content: bytes) -> None:
    """Raises `Refused` (R113) at the first alias that expands its document beyond the budget, or contains itself.

    A document may mean ten times the nodes it writes plus 1,000, and 1 MiB of text more than it writes.
    """
    if not (_MAY_ANCHOR.search(content) and _MAY_ALIAS.search(content)):
        return
    budget = _Budget()
    for event in compose.events(content):
        budget.take(event)


class _Budget:
    """Counts nodes and characters, as written and as meant, along the events of a file."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._written = self._written_text = self._meant = self._meant_text = 0
        # An anchor whose value is still open has no size yet.
        self._sizes: dict[str, tuple[int, int] | None] = {}
        self._open: list[tuple[str | None, int, int]] = []

    def take(self, event: Any) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._start()
            case yaml.ScalarEvent():
                self._add(1, len(event.value))
                if event.anchor:
                    self._sizes[event.anchor] = (1, len(event.value))
            case yaml.CollectionStartEvent():
                if event.anchor:
                    self._sizes[event.anchor] = None
                self._open.append((event.anchor, self._meant, self._meant_text))
                self._add(1, 0)
            case yaml.CollectionEndEvent():
                anchor, nodes, text = self._open.pop()
                if anchor:
                    self._sizes[anchor] = (self._meant - nodes, self._meant_text - text)
            case yaml.AliasEvent():
                self._expand(event)

    def _add(self, nodes: int, text: int) -> None:
        self._written += nodes
        self._written_text += text
        self._meant += nodes
        self._meant_text += text

    def _expand(self, event: yaml.AliasEvent) -> None:
        mark: Any = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        name = str(event.anchor)
        if name not in self._sizes:
            return  # composing the document says so
        size = self._sizes[name]
        if size is None:
            raise Refused(
                "R113", "this alias stands inside the value that it means", line=line, column=column
            )
        self._meant += size[0]
        self._meant_text += size[1]
        if (
            self._meant > _EXPANSION * self._written + _FREE_NODES
            or self._meant_text > self._written_text + _LARGEST_EXPANSION
        ):
            raise Refused(
                "R113",
                "with this alias the document expands beyond what is allowed",
                line=line,
                column=column,
                evidence=(f"up to here {self._written:,} nodes are written, and {self._meant:,} are meant",),
            )
