"""One edit of a YAML or JSON text by cutting and inserting: every byte that the edit does not concern stays.

Works on places, not on meaning: who calls it reads the result again and compares. Raises `CannotSplice` where an edit
needs more than that (aliases and anchors in the way, unusual layout).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.manifests import emit
from reconciler.manifests.build import key_text


class CannotSplice(Exception):  # noqa: N818 - a verdict inside this package
    """This edit cannot be made by cutting and inserting."""


class Mark:
    """A value of its own kind: `REMOVE` in place of a value, `APPEND` as a path's last step."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


REMOVE: Final = Mark("REMOVE")
APPEND: Final = Mark("APPEND")

Step = str | int | Mark


@dataclass(frozen=True, slots=True)
class _At:
    """One step of a path that exists: the container, the index of the entry in it, its key and its value (nodes)."""

    container: Any
    index: int
    key: Any
    value: Any


@dataclass(frozen=True, slots=True)
class _Layout:
    """How this document indents: a mapping inside a mapping, and the dashes of a list below its key."""

    step: int
    offset: int


def splice(text: str, root: Node, path: Sequence[Step], value: Any, *, is_json: bool = False) -> str:
    """`text` with `value` at `path` of the document whose root node is given. Removing what is absent is nothing."""
    return _Splicer(text, root, is_json=is_json).edit(tuple(path), value)


def region(text: str, root: Node, path: Sequence[Step]) -> tuple[int, int]:
    """The lines (from 0; first, and behind the last) that an edit at `path` may change; equal: it may only insert there."""
    return _Splicer(text, root, is_json=False).region(tuple(path))


class _Splicer:
    def __init__(self, text: str, root: Node, *, is_json: bool) -> None:
        self._text = text
        self._root = root
        self._is_json = is_json
        self._layout = _layout(root)
        self._newline = "\r\n" if "\r\n" in text else "\n"

    def edit(self, path: tuple[Step, ...], value: Any) -> str:
        found, missing = self._follow(path)
        if value is REMOVE:
            return self._text if missing else self._remove(found)
        if not missing:
            return self._replace(found, value)
        step, new = missing[0], _nested(missing[1:], value)
        node: Any = found[-1].value if found else self._root
        if isinstance(node, MappingNode) and isinstance(step, str):
            return self._add(found, node, new, key=step)
        if isinstance(node, SequenceNode) and (step is APPEND or step == len(node.value)):
            return self._add(found, node, new, key=None)
        if found and isinstance(node, ScalarNode):
            # Nothing but null gives way to a container; the reader of the result sees to that.
            return self._replace(found, {step: new} if isinstance(step, str) else [new])
        raise CannotSplice

    def _follow(self, path: tuple[Step, ...]) -> tuple[list[_At], tuple[Step, ...]]:
        found: list[_At] = []
        node: Any = self._root
        for depth, step in enumerate(path):
            at = _entry(node, step)
            if at is None:
                return found, path[depth:]
            begin = at.key.end_mark.index if at.key is not None else at.container.start_mark.index
            if at.value.start_mark.index < begin:
                raise CannotSplice  # an alias: the value stands elsewhere
            found.append(at)
            node = at.value
        return found, ()

    def region(self, path: tuple[Step, ...]) -> tuple[int, int]:
        found, missing = self._follow(path)
        if missing:
            node = found[-1].value if found else self._root
            if _is_block(node):
                line = self._line(self._end(node)) + 1
                return line, line
        while len(found) > 1 and len(found[-1].container.value) == 1:
            found.pop()  # with its last entry a container becomes another one
        if not found:
            return self._line(self._root.start_mark.index), self._line(self._end(self._root)) + 1
        at = found[-1]
        end = self._end(at.value)
        if at.index == 0 and len(at.container.value) > 1 and not missing:
            following = at.container.value[1]
            end = max(end, (following[0] if isinstance(following, tuple) else following).start_mark.index)
        begin = at.key if at.key is not None else at.value
        return self._line(begin.start_mark.index), self._line(end) + 1

    def _line(self, place: int) -> int:
        return self._text.count("\n", 0, place)

    # ---- Replacing

    def _replace(self, found: list[_At], value: Any) -> str:
        if not found:
            raise CannotSplice
        at = found[-1]
        if self._is_json or any(each.container.flow_style for each in found):
            return self._put(at.value, self._like(at.value, value))
        if _is_block(at.value):
            return self._replace_block(at, value)
        begin, end = at.value.start_mark.index, self._end(at.value)
        is_alone = not self._text[end : self._line_end(end)].strip()
        if at.key is None:
            if not is_alone and _is_full(value):
                raise CannotSplice
            return self._cut(begin, end, self._item(value, self._dash(at)))
        if _is_full(value):
            # The block stands behind the rest of the line, a comment perhaps.
            colon = self._colon(at.key)
            rest = self._text[end : self._line_end(end)].rstrip()
            block = self._below(value, self._column(at.key))
            return self._cut(colon, self._line_end(end), (f" {rest.lstrip()}" if rest else "") + block)
        if is_alone and isinstance(value, str) and emit.is_literal(value):
            return self._put(at.value, self._inline(value, self._column(at.key)))
        return self._put(at.value, self._like(at.value, value))

    def _replace_block(self, at: _At, value: Any) -> str:
        end = self._end(at.value)
        if at.key is None:
            return self._cut(at.value.start_mark.index, end, self._item(value, self._dash(at)))
        colon = self._colon(at.key)
        rest = self._text[colon : self._line_end(colon)].strip()
        if rest and not rest.startswith("#"):
            raise CannotSplice
        column = self._column(at.key)
        new = self._below(value, column) if _is_full(value) else ""
        inline = "" if new else f" {self._inline(value, column)}"
        comment = f" {rest}" if rest else ""
        if rest and "\n" in inline:
            raise CannotSplice
        return self._cut(colon, end, inline + comment + new)

    def _put(self, node: Node, written: str) -> str:
        begin = node.start_mark.index
        if node.start_mark.index == node.end_mark.index:
            written = f" {written}"  # nothing is written there yet
        return self._cut(begin, self._end(node), written)

    def _like(self, node: Node, value: Any) -> str:
        """A value in the quotes of the one it replaces."""
        if isinstance(value, str) and isinstance(node, ScalarNode):
            if node.style == '"':
                return emit.double_quoted(value)
            if node.style == "'" and value.isprintable():
                return "'" + value.replace("'", "''") + "'"
        return self._flow(value)

    # ---- Adding

    def _add(self, found: list[_At], node: Any, value: Any, *, key: str | None) -> str:
        if not node.value:
            return self._replace(found, [value] if key is None else {key: value})
        last = node.value[-1] if key is None else node.value[-1][1]
        end = self._end(last)
        if node.flow_style:
            written = self._flow(value) if key is None else f"{self._flow_key(key)}: {self._flow(value)}"
            return self._cut(end, end, f", {written}")
        if key is None:
            column = self._dash(_At(node, 0, None, node.value[0]))
            new = self._items([value], column)
        else:
            column = self._column(node.value[0][0])
            new = f"\n{' ' * column}{emit.scalar(key)}:{self._behind_colon(value, column)}"
        place = self._line_end(end)
        return self._cut(place, place, new)

    # ---- Removing

    def _remove(self, found: list[_At]) -> str:
        at = found[-1]
        siblings = at.container.value
        if len(siblings) == 1:
            return self._replace(found[:-1], {} if at.key is not None else [])
        starts = [(each[0] if isinstance(each, tuple) else each).start_mark.index for each in siblings]
        end = self._end(at.value)
        if at.container.flow_style:
            if at.index == 0:
                return self._cut(starts[0], starts[1], "")
            return self._cut(self._end(_value_of(siblings[at.index - 1])), end, "")
        begin = starts[at.index]
        column = self._column(at.key) if at.key is not None else self._dash(at)
        line = self._line_of_dash(at, column) if at.key is None else self._line_start(begin)
        if not self._text[line : line + column].strip():
            return self._cut(line, self._next_line(end), "")
        if at.index == 0:
            # It shares its line with the dash of the list it stands in: the next one moves up.
            return self._cut(begin, starts[1], "")
        raise CannotSplice

    # ---- Places

    def _end(self, node: Any) -> int:
        """Behind the last character that is written for a node."""
        begin: int = node.start_mark.index
        if isinstance(node, ScalarNode):
            if node.style in ("|", ">"):
                return begin + len(self._text[begin : node.end_mark.index].rstrip())
            return int(node.end_mark.index)
        if node.flow_style:
            return int(node.end_mark.index)
        last = node.value[-1]
        value, before = (last[1], last[0].end_mark.index) if isinstance(last, tuple) else (last, begin)
        if value.start_mark.index < before:
            raise CannotSplice  # an alias: where it ends is not known
        return self._end(value)

    def _column(self, key: Node) -> int:
        return int(key.start_mark.column)

    def _colon(self, key: Node) -> int:
        """Behind the colon of a key."""
        end: int = key.end_mark.index
        colon = self._text.find(":", end)
        if colon < 0 or self._text[end:colon].strip():
            raise CannotSplice
        return colon + 1

    def _dash(self, at: _At) -> int:
        """The column of a list's dashes."""
        before = self._text[: at.container.value[0].start_mark.index].rstrip()
        if not before.endswith("-"):
            raise CannotSplice  # a comment behind the dash, or an alias
        return len(before) - 1 - self._line_start(len(before))

    def _line_of_dash(self, at: _At, column: int) -> int:
        """The start of the line on which an item's dash stands: that of the item, or one above it."""
        line = self._line_start(at.value.start_mark.index)
        while self._text[line + column : line + column + 1] != "-" or self._text[line : line + column].strip(
            " -"
        ):
            if line == 0:
                raise CannotSplice
            line = self._line_start(line - 1)
        return line

    def _line_start(self, place: int) -> int:
        return self._text.rfind("\n", 0, place) + 1

    def _line_end(self, place: int) -> int:
        end = self._text.find("\n", place)
        if end < 0:
            return len(self._text)
        return end - 1 if self._text[end - 1 : end] == "\r" and end > place else end

    def _next_line(self, place: int) -> int:
        end = self._text.find("\n", place)
        return len(self._text) if end < 0 else end + 1

    def _cut(self, begin: int, end: int, new: str) -> str:
        return self._text[:begin] + new.replace("\n", self._newline) + self._text[end:]

    # ---- Writing in the document's own layout

    def _flow_key(self, key: str) -> str:
        return emit.double_quoted(key) if self._is_json else emit.scalar(key)

    def _flow(self, value: Any) -> str:
        if isinstance(value, dict):
            pairs = [f"{self._flow_key(key)}: {self._flow(value[key])}" for key in sorted(value)]
            return "{" + ", ".join(pairs) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self._flow, value)) + "]"
        if isinstance(value, str):
            return self._flow_key(value)
        return emit.scalar(value)

    def _inline(self, value: Any, column: int) -> str:
        """What follows a colon or dash on its line: a scalar, or an empty container."""
        if isinstance(value, str) and emit.is_literal(value):
            return emit.literal(value, column + 2)
        return self._flow(value)

    def _behind_colon(self, value: Any, column: int) -> str:
        return self._below(value, column) if _is_full(value) else f" {self._inline(value, column)}"

    def _below(self, value: Any, column: int) -> str:
        """A filled container on the lines below its key."""
        if isinstance(value, list):
            return self._items(value, column + self._layout.offset)
        return self._pairs(value, column + self._layout.step)

    def _pairs(self, value: dict[str, Any], column: int) -> str:
        return "".join(
            f"\n{' ' * column}{emit.scalar(key)}:{self._behind_colon(value[key], column)}"
            for key in sorted(value)
        )

    def _items(self, value: list[Any], column: int) -> str:
        return "".join(f"\n{' ' * column}- {self._item(item, column)}" for item in value)

    def _item(self, value: Any, column: int) -> str:
        """An item behind its dash."""
        if not _is_full(value):
            return self._inline(value, column)
        inner = column + 2
        block = self._items(value, inner) if isinstance(value, list) else self._pairs(value, inner)
        return block[1 + inner :]


def _entry(node: Node, step: Step) -> _At | None:
    """The entry of a container that is written there: what a merge key brings is not."""
    if isinstance(node, MappingNode):
        for index, (key, value) in enumerate(node.value):
            if key_text(key) == step:
                return _At(node, index, key, value)
    elif isinstance(node, SequenceNode) and isinstance(step, int) and -1 < step < len(node.value):
        return _At(node, step, None, node.value[step])
    return None


def _nested(path: tuple[Step, ...], value: Any) -> Any:
    """`value` inside the containers that the rest of a path names."""
    for step in reversed(path):
        if isinstance(step, str):
            value = {step: value}
        elif step is APPEND or step == 0:
            value = [value]
        else:
            raise CannotSplice
    return value


def _is_block(node: Any) -> bool:
    return not isinstance(node, ScalarNode) and not node.flow_style


def _is_full(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)


def _value_of(entry: Any) -> Any:
    return entry[1] if isinstance(entry, tuple) else entry


def _layout(root: Node) -> _Layout:
    """The first nested mapping and the first list below a key set the example."""
    step, offset = 0, -1
    pending = [root]
    while pending and (not step or offset < 0):
        node = pending.pop(0)
        if not _is_block(node):
            continue
        for entry in node.value:
            value = _value_of(entry)
            if isinstance(entry, tuple) and _is_block(value) and value.value:
                column = entry[0].start_mark.column
                if isinstance(value, SequenceNode):
                    offset = value.start_mark.column - column if offset < 0 else offset
                else:
                    step = step or value.value[0][0].start_mark.column - column
            pending.append(value)
    return _Layout(step=step if step > 0 else 2, offset=max(offset, 0))
