"""From bytes to nodes: libyaml's parser with constant tags, and guards against what would exhaust it.

Promises bounded time and memory for any bytes within the size limit, and a place (line, column) for every refusal.
Must not know what a value means: that is `scalars` and `load`.
"""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml
from yaml._yaml import CParser
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

DEEPEST: Final = 200
# Not possible as tags in a file.
PLAIN: Final = "\0plain"
QUOTED: Final = "\0quoted"

# libyaml's composer recurses in C: bytes that could nest deeper than this are walked as events first.
_SAFE_TO_RECURSE: Final = 2_000
_INLINE_NESTING: Final = re.compile(rb"[-?:][ \t]+(?=[-?:](?:[ \t]|$))", re.MULTILINE)


class Refused(Exception):  # noqa: N818 - a verdict inside this package; turned into a Problem by `load`
    """Bytes that are not read, why, and where (line and column from 1, or 0 for the whole file)."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        line: int = 0,
        column: int = 0,
        evidence: tuple[str, ...] = (),
        remedy: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line
        self.column = column
        self.evidence = evidence
        self.remedy = remedy


class Refusals(list[Refused]):
    """Refusals of one file. Raises `TooMany` once there are more than anybody reads."""

    LIMIT: Final = 1_000

    def append(self, refused: Refused) -> None:
        """Take one more."""
        super().append(refused)
        if len(self) > self.LIMIT:
            raise TooMany


class TooMany(Exception):  # noqa: N818 - ends the reading of one file
    """A file is refused so often that the rest of it is not looked at."""


class _Parser(CParser):
    """libyaml's composer, told not to resolve: a scalar's tag only says whether it was plain."""

    def resolve(self, _kind: type[Node], value: str | None, implicit: Any) -> str:
        # Collections have no value.
        return PLAIN if value is not None and implicit[0] else QUOTED

    def descend_resolver(self, _parent: Node, _index: Any) -> None:
        """Nothing to do: paths do not influence tags."""

    def ascend_resolver(self) -> None:
        """Nothing to do."""


def documents(data: bytes) -> Iterator[Node]:
    """The root node of each document in UTF-8 without a byte order mark, empty documents included, one at a time.

    Raises `Refused` for anything that libyaml does not accept, and for nesting that is not safe to recurse into.
    """
    if _could_nest_deeply(data):
        _check_depth(data)
    parser = _Parser(data)
    count = 0
    try:
        while parser.check_node():
            root: Any = parser.get_node()
            count += 1
            yield root
    except yaml.composer.ComposerError as error:
        if not str(error.context or "").startswith("found duplicate anchor"):
            raise _refused(error, data) from error
    except yaml.YAMLError as error:
        raise _refused(error, data) from error
    else:
        return
    finally:
        parser.dispose()
    # libyaml's composer takes an anchor once; YAML and Kubernetes let a later one replace it.
    yield from itertools.islice(_composed_from_events(data), count, None)


def _could_nest_deeply(data: bytes) -> bool:
    if len(data) < 2 * _SAFE_TO_RECURSE:
        return False
    brackets = data.count(b"[") + data.count(b"{")
    return brackets + len(_INLINE_NESTING.findall(data)) > _SAFE_TO_RECURSE


def events(data: bytes) -> Iterator[Any]:
    """Libyaml's events. Raises `Refused` where the syntax breaks; does not recurse."""
    parser = _Parser(data)
    try:
        while parser.check_event():
            yield parser.get_event()
    except yaml.YAMLError as error:
        raise _refused(error, data) from error
    finally:
        parser.dispose()


def too_deep(line: int, column: int) -> Refused:
    """The refusal of a value that is nested beyond `DEEPEST` levels."""
    return Refused("R106", f"nested more than {DEEPEST} levels deep", line=line, column=column)


def refusal(node: Node, code: str, message: str, *, evidence: tuple[str, ...] = ()) -> Refused:
    """A refusal of what stands at this node."""
    mark = node.start_mark
    return Refused(code, message, line=mark.line + 1, column=mark.column + 1, evidence=evidence)


def _check_depth(data: bytes) -> None:
    depth = 0
    for event in events(data):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                mark: Any = event.start_mark
                raise too_deep(mark.line + 1, mark.column + 1)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _composed_from_events(data: bytes) -> Iterator[Node]:
    anchors: dict[str, Node] = {}
    stack: list[tuple[Any, list[Node]]] = []
    for event in events(data):
        # PyYAML's published types know nothing of the C parser's marks.
        start: Any = event.start_mark
        end: Any = event.end_mark
        node: Any
        match event:
            case yaml.DocumentStartEvent():
                anchors = {}
                continue
            case yaml.ScalarEvent():
                tag = event.tag if event.tag not in (None, "!") else PLAIN if event.implicit[0] else QUOTED
                node = ScalarNode(tag, event.value, start, end, event.style)
                if event.anchor:
                    anchors[event.anchor] = node
            case yaml.AliasEvent():
                if event.anchor not in anchors:
                    raise _unknown_alias(start)
                node = anchors[event.anchor]
            case yaml.CollectionStartEvent():
                kind = MappingNode if isinstance(event, yaml.MappingStartEvent) else SequenceNode
                tag = event.tag if event.tag not in (None, "!") else QUOTED
                node = kind(tag, [], start, end, event.flow_style)
                if event.anchor:
                    anchors[event.anchor] = node
                stack.append((node, []))
                continue
            case yaml.CollectionEndEvent():
                node, children = stack.pop()
                node.end_mark = end
                is_mapping = isinstance(node, MappingNode)
                node.value = list(zip(children[::2], children[1::2], strict=True)) if is_mapping else children
            case _:
                continue
        if stack:
            stack[-1][1].append(node)
        else:
            yield node


def _unknown_alias(mark: Any) -> Refused:
    return Refused(
        "R114", "alias without an anchor of that name before it", line=mark.line + 1, column=mark.column + 1
    )


def _refused(error: yaml.YAMLError, data: bytes) -> Refused:
    if isinstance(error, yaml.reader.ReaderError):
        return _refused_character(error, data)
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Refused("R103", f"not YAML: {error}")
    mark = error.problem_mark
    if error.problem == "found undefined alias":
        return _unknown_alias(mark)
    evidence: tuple[str, ...] = ()
    lines = Lines(data.decode())
    # libyaml puts the end of a file without a last line break on a line of its own.
    line, column = min((mark.line + 1, mark.column + 1), lines.end)
    at = error.context_mark
    if error.context and at is not None and (at.line, at.column) != (mark.line, mark.column):
        evidence = (f"{error.context} that begins at {at.line + 1}:{at.column + 1}",)
    elif (unclosed := _open_brackets(data)) is not None:
        evidence = (f"inside the brackets that open at {unclosed.line + 1}:{unclosed.column + 1}",)
    return Refused(
        "R103",
        f"not YAML: {error.problem}",
        line=line,
        column=column,
        evidence=evidence,
        remedy=_syntax_remedy(error, data),
    )


def _open_brackets(data: bytes) -> Any:
    """The mark of the innermost bracket that is open where the syntax breaks, or None."""
    parser = _Parser(data)
    opened: list[tuple[bool, Any]] = []
    try:
        while parser.check_event():
            event = parser.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                opened.append((bool(event.flow_style), event.start_mark))
            elif isinstance(event, yaml.CollectionEndEvent):
                opened.pop()
    except yaml.YAMLError:
        return opened[-1][1] if opened and opened[-1][0] else None
    finally:
        parser.dispose()
    return None


_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _refused_character(error: yaml.reader.ReaderError, data: bytes) -> Refused:
    text = data.decode()
    found = _FORBIDDEN.search(text)
    if found is None:
        return Refused("R102", f"not YAML: {error.reason}")
    line, column = Lines(text).place(found.start())
    return Refused(
        "R102", f"character U+{ord(found[0]):04X} is not allowed in YAML", line=line, column=column
    )


class Lines:
    """Where the lines of a text begin."""

    __slots__ = ("_starts", "end")

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in _LINE_BREAK.finditer(text))]
        self.end = self.place(len(text))

    def place(self, index: int) -> tuple[int, int]:
        """Line and column, from 1, of the character at `index`."""
        line = bisect.bisect_right(self._starts, index)
        return line, index - self._starts[line - 1] + 1


_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")

_REMEDIES: Final = {
    "mapping values are not allowed in this context": "quote the value if it holds `: `, or check the indentation of this line",
    "did not find expected key": "check the indentation of this line against the lines above it",
    "did not find expected '-' indicator": "check the indentation of this line against the list above it",
    "could not find expected ':'": "write `key: value`; a text of several lines needs `|` or quotes",
    "found unexpected end of stream": "close the quote that the evidence names",
    "found unknown escape character": "double the backslash, or use single quotes",
}


def _syntax_remedy(error: yaml.MarkedYAMLError, data: bytes) -> str:
    if error.problem == "found character that cannot start any token":
        lines = data.splitlines()
        at = error.problem_mark
        line = lines[at.line] if at is not None and at.line < len(lines) else b""
        if b"\t" in line[: len(line) - len(line.lstrip())]:
            return "indent with spaces: YAML allows no tab there"
        return "quote the value: it begins with a character that YAML keeps for itself"
    return _REMEDIES.get(error.problem or "", "")
