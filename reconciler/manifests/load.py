"""Bytes of one file to Kubernetes objects, each with its place: YAML as the API server reads it, and JSON.

A file is read whole or not at all: after one error no document of it is given, because absence by error must not look
like absence by intent (libyaml cannot find the next document behind a broken one either). Every problem has a line and
a column. Never quotes a value. Bounded for any input: size, depth, and what aliases may expand to.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from yaml.nodes import Node

from reconciler.errors import Location, Problem, Severity
from reconciler.manifests import aliases, compose, jsontext, tags
from reconciler.manifests.build import Builder
from reconciler.manifests.compose import Refusals, Refused, TooMany
from reconciler.manifests.locate import find, locate
from reconciler.model.manifest import Body, Origin
from reconciler.problems import CATALOGUE

LARGEST_FILE: Final = 3 * 1024 * 1024
"""Bytes. An API server takes requests of about 1.5 MiB (etcd's limit); a file may hold several objects."""

_MOST_PROBLEMS: Final = 100
_MANY: Final = Refusals.LIMIT - _MOST_PROBLEMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One object as it stands in a file. `body` may lack `apiVersion` or `kind`: what counts is `fleet.layout`'s matter."""

    body: Body
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What one file holds, in order. `others` are the places of documents that are no mapping (a list, a text)."""

    documents: tuple[Document, ...] = ()
    problems: tuple[Problem, ...] = ()
    others: tuple[Origin, ...] = ()

    @property
    def is_readable(self) -> bool:
        """False when an error hides what the file says: its objects are held, nothing is pruned."""
        return not any(problem.severity is Severity.ERROR for problem in self.problems)


def load(text: bytes, path: str) -> Loaded:
    """The documents of a YAML or JSON file; `List` kinds give their items, each with `origin.item` set.

    Raises nothing for any bytes: what is wrong is in `problems` (R101-R116).
    """
    documents: list[Document] = []
    others: list[Origin] = []
    refusals = Refusals()
    try:
        for index, root in enumerate(_roots(checked_text(text), path, refusals)):
            origin = Origin(path=path, line=root.line, column=root.column, document=index, text=text)
            if root.value is None:
                continue
            if not isinstance(root.value, dict):
                others.append(origin)
            elif _is_list(root.value):
                documents += _items(root, origin, refusals)
            else:
                documents.append(Document(body=root.value, origin=origin))
    except Refused as refused:
        # What stands before it is worth nothing until this is mended.
        return Loaded(problems=(problem_of(refused, path),))
    except TooMany:
        documents.clear()
    if refusals:
        # What stands behind an anchor is met once for each alias.
        problems = sorted({problem_of(refusal, path) for refusal in refusals}, key=Problem.sort_key)
        return Loaded(problems=_first(problems))
    return Loaded(documents=tuple(documents), others=tuple(others))


def _first(problems: list[Problem]) -> tuple[Problem, ...]:
    """As many as a person reads; the last one says that there are more."""
    if len(problems) <= _MOST_PROBLEMS:
        return tuple(problems)
    last = problems[_MOST_PROBLEMS - 1]
    left = len(problems) - _MOST_PROBLEMS
    words = (
        f"and {left} more problems in this file" if left < _MANY else "and many more problems in this file"
    )
    return (*problems[: _MOST_PROBLEMS - 1], dataclasses.replace(last, evidence=(*last.evidence, words)))


def values(text: bytes, path: str) -> list[Any]:
    """The value of every document of a readable file as it is written: empty ones are None, Lists are not expanded.

    Raises `Refused` only where `load` finds a problem too.
    """
    return [root.value for root in _roots(checked_text(text), path, Refusals())]


def first_value(text: bytes) -> Any:
    """The value of the first YAML document of a text inside a field, None where it is empty; what follows does not count.

    Raises `Refused`, with the line and column inside the text.
    """
    refusals = Refusals()
    content = checked_text(text)
    aliases.check(content)
    tags.check_bare(content)
    root = next(compose.documents(content), None)
    try:
        value = None if root is None else Builder(refusals).value(root, 1)
    except TooMany:
        value = None
    if refusals:
        raise refusals[0]
    return value


def checked_text(text: bytes) -> bytes:
    """`text` without its byte order mark. Raises `Refused` when it is too large, an LFS pointer, or not UTF-8."""
    if len(text) > LARGEST_FILE:
        raise Refused("R105", f"{len(text):,} bytes, and {LARGEST_FILE:,} is the limit")
    if text.startswith(b"version https://git-lfs.github.com/spec/"):
        raise Refused("R116", "a Git LFS pointer stands here, not the file's content")
    try:
        text.decode()
    except UnicodeDecodeError as error:
        before = text[: error.start].removeprefix(b"\xef\xbb\xbf").decode()
        line, column = compose.Lines(before).place(len(before))
        raise Refused(
            "R101", f"not UTF-8: byte 0x{text[error.start]:02X} ({error.reason})", line=line, column=column
        ) from error
    return text.removeprefix(b"\xef\xbb\xbf")


def problem_of(refusal: Refused, path: str) -> Problem:
    """The refusal as a value for people, with its code's remedy where it has none of its own."""
    row = CATALOGUE[refusal.code]
    return Problem(
        code=refusal.code,
        message=refusal.message,
        location=Location(path=path, line=refusal.line, column=refusal.column),
        evidence=refusal.evidence,
        remedy=refusal.remedy or row.remedy,
        severity=row.severity,
    )


@dataclass(slots=True)
class _Root:
    """One document before it is judged: its value (None: empty), its place, its node where there is one."""

    value: Any
    line: int
    column: int
    node: Node | None = None


def _roots(content: bytes, path: str, refusals: Refusals) -> Iterator[_Root]:
    if jsontext.looks_like_json(content, path):
        try:
            found = jsontext.values(content)
        except Refused:
            # Braces may be a YAML mapping in flow style.
            if path.endswith(".json"):
                raise
        else:
            yield from (_Root(value, line, column) for value, line, column in found)
            return
    aliases.check(content)
    tags.check_bare(content)
    # One at a time: a document's nodes are several times its size.
    builder = Builder(refusals)
    for node in compose.documents(content):
        value = builder.value(node, 1)
        yield _Root(value, node.start_mark.line + 1, node.start_mark.column + 1, node)


# ---- Lists


def _is_list(body: Body) -> bool:
    kind = body.get("kind")
    return (
        isinstance(kind, str)
        and kind.endswith("List")
        and "apiVersion" in body
        and ("items" in body or kind == "List")
    )


def _items(root: _Root, origin: Origin, refusals: Refusals) -> list[Document]:
    """Each item with its own place. As in Kubernetes, an item that names no kind is of the kind that the list names."""
    body = root.value
    items = body.get("items")
    whole = _place_of(root, ("items",), origin)
    if not isinstance(items, list):
        refusals.append(Refused("R115", "`items` of this list is not a list", line=whole[0], column=whole[1]))
        return []
    documents = []
    for index, item in enumerate(items):
        line, column = _place_of(root, ("items", index), origin)
        if not isinstance(item, dict):
            refusals.append(
                Refused("R115", f"item {index} of this list is not an object", line=line, column=column)
            )
            continue
        if "apiVersion" not in item and "kind" not in item and body["kind"] != "List":
            item = {"apiVersion": body["apiVersion"], "kind": body["kind"].removesuffix("List"), **item}  # noqa: PLW2901
        if _is_list(item):
            refusals.append(
                Refused("R115", f"item {index} of this list is a list itself", line=line, column=column)
            )
            continue
        place = Origin(
            path=origin.path, line=line, column=column, document=origin.document, item=index, text=origin.text
        )
        documents.append(Document(body=item, origin=place))
    return documents


def _place_of(root: _Root, path: tuple[str | int, ...], origin: Origin) -> tuple[int, int]:
    node = root.node
    if node is None:
        place = locate(origin, path)
        return place.line, place.column
    mark = find(node, path).value.start_mark
    return mark.line + 1, mark.column + 1
