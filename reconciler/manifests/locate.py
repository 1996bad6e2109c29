"""Where a single field stands in the file it was written in.

Parses the file again, and only when somebody asks: problems are rare, documents are many. Never raises for a field that
is absent: the nearest ancestor that exists is the place where it could be written.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from yaml.nodes import MappingNode, Node, SequenceNode

from reconciler.errors import Location
from reconciler.manifests import compose, jsontext
from reconciler.manifests.build import is_merge, key_text
from reconciler.manifests.compose import Refused
from reconciler.model.manifest import Origin


class Found(NamedTuple):
    """The deepest existing step of a path: its value, its key where it has one, and how many steps exist."""

    value: Node
    key: Node | None
    steps: int


def locate(origin: Origin, field_path: Sequence[str | int], *, key: bool = False) -> Location:
    """The line and column of a field's value (of its key with `key=True`), from 1.

    A path is relative to the object, also inside a `List`. Of an absent field: the key of the nearest ancestor that is
    there (the item for a list's item, the object itself in the end).
    """
    root = _root(origin)
    if root is None:
        return origin.location
    found = find(root, field_path)
    if not found.steps:
        return origin.location
    absent = found.steps < len(field_path)
    node = found.key if found.key is not None and (key or absent) else found.value
    return Location(path=origin.path, line=node.start_mark.line + 1, column=node.start_mark.column + 1)


def find(root: Node, field_path: Sequence[str | int]) -> Found:
    """Follow a path as far as it exists; keys as the JSON strings they become, merged keys included."""
    found = Found(root, None, 0)
    for step in field_path:
        child = _child(found.value, step)
        if child is None:
            break
        found = Found(child[0], child[1], found.steps + 1)
    return found


def _child(node: Node, step: str | int) -> tuple[Node, Node | None] | None:
    if isinstance(node, SequenceNode):
        is_there = isinstance(step, int) and -1 < step < len(node.value)
        return (node.value[step], None) if is_there else None
    if not isinstance(node, MappingNode) or not isinstance(step, str):
        return None
    merged: list[Node] = []
    for key, value in node.value:
        if key_text(key) == step:
            return value, key
        if is_merge(key):
            merged += value.value if isinstance(value, SequenceNode) else [value]
    return next((found for each in merged if (found := _child(each, step)) is not None), None)


def _root(origin: Origin) -> Node | None:
    documents = nodes_of(origin.text, is_json_file=origin.path.endswith(".json"))
    if origin.document >= len(documents):
        return None
    root = documents[origin.document]
    if origin.item is None:
        return root
    found = find(root, ("items", origin.item))
    return found.value if found.steps == 2 else None


@lru_cache(maxsize=2)  # nodes are many times the size of their file
def nodes_of(text: bytes, *, is_json_file: bool) -> tuple[Node, ...]:
    """The root nodes of a file's documents, as `load` counts them; none where the file cannot be read."""
    content = text.removeprefix(b"\xef\xbb\xbf")
    try:
        if jsontext.looks_like_json(content, ".json" if is_json_file else ""):
            try:
                return tuple(jsontext.nodes(content))
            except Refused:
                if is_json_file:
                    return ()
        return tuple(compose.documents(content))
    except (Refused, UnicodeDecodeError):
        return ()
