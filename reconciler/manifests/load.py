"""Bytes of one file to Kubernetes objects, each with its place: YAML as the API server reads it, and JSON.

A file is read whole or not at all: after one error no document of it is given, because absence by error must not look
like absence by intent (libyaml cannot find the next document behind a broken one either). Every problem has a line and
a column. Never quotes a value. Bounded for any input: size, depth, and what aliases may expand to.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.errors import Location, Problem, Severity
from reconciler.manifests import compose, jsontext, scalars
from reconciler.manifests.compose import DEEPEST, PLAIN, QUOTED, Refused
from reconciler.model.manifest import Body, Origin
from reconciler.problems import CATALOGUE

LARGEST_FILE: Final = 3 * 1024 * 1024
"""Bytes. An API server takes requests of about 1.5 MiB (etcd's limit); a file may hold several objects."""


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
    try:
        content = checked_text(text)
        roots = _roots(content, path)
    except Refused as refusal:
        return Loaded(problems=(problem_of(refusal, path),))
    documents: list[Document] = []
    others: list[Origin] = []
    refusals: list[Refused] = []
    for index, root in enumerate(roots):
        origin = Origin(path=path, line=root.line, column=root.column, document=index, text=text)
        refusals += root.refusals
        if root.refusals or root.value is None:
            continue
        if not isinstance(root.value, dict):
            others.append(origin)
        elif _is_list(root.value):
            documents += _items(root, origin, refusals)
        else:
            documents.append(Document(body=root.value, origin=origin))
    if refusals:
        problems = sorted((problem_of(refusal, path) for refusal in refusals), key=Problem.sort_key)
        return Loaded(problems=tuple(problems))
    return Loaded(documents=tuple(documents), others=tuple(others))


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
    refusals: list[Refused]
    node: Node | None = None


def _roots(content: bytes, path: str) -> Iterator[_Root]:
    start = content.lstrip(b" \t\r\n")[:1]
    if start == b"{" or (start and path.endswith(".json")):
        # kubectl too looks at the first character: an object in braces is JSON, and YAML when it is not.
        try:
            values = jsontext.values(content)
        except Refused:
            if path.endswith(".json"):
                raise
        else:
            return iter([_Root(value, line, column, []) for value, line, column in values])
    roots = compose.documents(content)
    may_alias = _MAY_ANCHOR.search(content) is not None and _MAY_ALIAS.search(content) is not None
    if may_alias:
        check_aliases(roots, content)
    return map(_built, roots)


def _built(node: Node) -> _Root:
    refusals: list[Refused] = []
    value = Builder(refusals).value(node, 1)
    return _Root(value, node.start_mark.line + 1, node.start_mark.column + 1, refusals, node)


# ---- Lists


def _is_list(body: Body) -> bool:
    kind = body.get("kind")
    return (
        isinstance(kind, str)
        and kind.endswith("List")
        and "apiVersion" in body
        and ("items" in body or kind == "List")
    )


def _items(root: _Root, origin: Origin, refusals: list[Refused]) -> list[Document]:
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
        try:
            node = jsontext.document_node(origin.text.removeprefix(b"\xef\xbb\xbf"), origin.document)
        except Refused:
            return root.line, root.column
        root.node = node
    for step in path:
        child = child_node(node, step)
        if child is None:
            break
        node = child
    return node.start_mark.line + 1, node.start_mark.column + 1


def child_node(node: Node, step: str | int) -> Node | None:
    """The value node under a key (merged keys included) or an index; None where there is none."""
    if isinstance(node, SequenceNode):
        return node.value[step] if isinstance(step, int) and -1 < step < len(node.value) else None
    if not isinstance(node, MappingNode) or not isinstance(step, str):
        return None
    merged: list[Node] = []
    for key, value in node.value:
        if key_text(key) == step:
            return value  # type: ignore[no-any-return]  # PyYAML's nodes are untyped
        if is_merge(key):
            merged += value.value if isinstance(value, SequenceNode) else [value]
    return next((found for each in merged if (found := child_node(each, step)) is not None), None)


# ---- Values


def is_merge(key: Node) -> bool:
    """Whether this key is `<<`, unquoted."""
    return isinstance(key, ScalarNode) and key.value == "<<" and key.tag in (PLAIN, "tag:yaml.org,2002:merge")


def key_text(key: Node) -> str | None:
    """The JSON key this node is, or None where it cannot be one. `<<` has none."""
    if not isinstance(key, ScalarNode) or is_merge(key):
        return None
    if key.tag == QUOTED:
        return str(key.value)
    if key.tag == PLAIN:
        text = _KEYS[key.value]
        return text if isinstance(text, str) else None
    try:
        value = tagged(key)
    except Refused:
        return None
    return value if isinstance(value, str) else None


_MEMO_LIMIT: Final = 65_536
_MEMO_LENGTH: Final = 64


class _Memo(dict[str, Any]):
    """Plain scalar to value: most manifests repeat the same few hundred words. Bounded; changes speed only."""

    def __init__(self, meaning: Any) -> None:
        super().__init__()
        self._meaning = meaning

    def __missing__(self, text: str) -> Any:
        value = self._meaning(text)
        if len(text) <= _MEMO_LENGTH:
            if len(self) >= _MEMO_LIMIT:
                self.clear()
            self[text] = value
        return value


_ODD_KEY: Final = scalars.NOT_JSON
_VALUES: Final = _Memo(scalars.plain)
_KEYS: Final = _Memo(lambda text: _ODD_KEY if text == "<<" else scalars.plain_key(text))


class Builder:
    """Nodes to plain Python values. Refusals are collected, so that one pass shows all of them."""

    __slots__ = ("_refusals",)

    def __init__(self, refusals: list[Refused]) -> None:
        self._refusals = refusals

    def value(self, node: Node, depth: int) -> Any:
        """The JSON value of `node`; what was refused inside is None. Fresh containers: an alias shares nothing."""
        kind = type(node)
        if kind is ScalarNode:
            return self._scalar(node)
        if depth > DEEPEST:
            mark = node.start_mark
            self._refusals.append(compose.too_deep(mark.line + 1, mark.column + 1))
            return None
        if kind is SequenceNode:
            return self._sequence(node, depth)
        return self._mapping(node, depth)

    def _scalar(self, node: Node) -> Any:
        tag = node.tag
        if tag is QUOTED:
            return node.value
        if tag is PLAIN:
            value = _VALUES[node.value]
            if value is not scalars.NOT_JSON:
                return value
            return self._refuse(node, "R110", "NaN and infinity are not JSON")
        try:
            return tagged(node)
        except Refused as refusal:
            self._refusals.append(refusal)
            return None

    def _sequence(self, node: Node, depth: int) -> list[Any]:
        if node.tag is not QUOTED and node.tag is not PLAIN and node.tag != "tag:yaml.org,2002:seq":
            self._refuse_tag(node)
        values = _VALUES
        result = []
        for item in node.value:
            if item.__class__ is ScalarNode:
                tag = item.tag
                if tag is QUOTED:
                    result.append(item.value)
                    continue
                if tag is PLAIN:
                    value = values[item.value]
                    if value is not _ODD_KEY:
                        result.append(value)
                        continue
            result.append(self.value(item, depth + 1))
        return result

    def _mapping(self, node: Node, depth: int) -> dict[str, Any]:
        if node.tag is not QUOTED and node.tag is not PLAIN and node.tag != "tag:yaml.org,2002:map":
            self._refuse_tag(node)
        values, keys = _VALUES, _KEYS
        result: dict[str, Any] = {}
        odd = False
        key: Any
        for key_node, item in node.value:
            key = (
                keys[key_node.value]
                if key_node.tag is PLAIN and key_node.__class__ is ScalarNode
                else _ODD_KEY
            )
            if key is _ODD_KEY:
                if key_node.tag is QUOTED and key_node.__class__ is ScalarNode:
                    key = key_node.value
                else:
                    odd = True
                    self._odd_key(key_node, item, result, depth)
                    continue
            if item.__class__ is ScalarNode:
                tag = item.tag
                if tag is PLAIN:
                    value = values[item.value]
                    if value is not _ODD_KEY:
                        result[key] = value
                        continue
                elif tag is QUOTED:
                    result[key] = item.value
                    continue
            result[key] = self.value(item, depth + 1)
        if odd or len(result) != len(node.value):
            self._check_keys(node)
        return result

    def _odd_key(self, key: Node, item: Node, result: dict[str, Any], depth: int) -> None:
        """A key that is merged, tagged, or none at all."""
        if is_merge(key):
            self._merge(item, result, depth)
            return
        if not isinstance(key, ScalarNode):
            self._refuse(key, "R111", "a list or mapping cannot be a key")
            return
        if key.tag in (PLAIN, QUOTED):
            self._refuse(key, "R111", "this key is null, or a number beyond 64 bits")
            return
        try:
            value = tagged(key)
        except Refused as refusal:
            self._refusals.append(refusal)
            return
        if isinstance(value, str):
            result[value] = self.value(item, depth + 1)
        else:
            self._refuse(key, "R111", "a key with this tag is not a string")

    def _merge(self, item: Node, result: dict[str, Any], depth: int) -> None:
        sources = item.value if isinstance(item, SequenceNode) else [item]
        merged: dict[str, Any] = {}
        # The first source wins; keys after `<<` replace what was merged.
        for source in reversed(sources):
            if not isinstance(source, MappingNode):
                self._refuse(source, "R112", "`<<` merges a mapping, or a list of mappings")
                return
            part = self.value(source, depth + 1)
            if isinstance(part, dict):
                merged.update(part)
        for key in merged:
            if key in result:
                # YAML's merge type keeps the written value, kubectl takes the merged one.
                self._refuse(
                    item,
                    "R112",
                    f"`<<` merges the key {jsontext.shown(key)}, which is written above it: tools disagree on which one counts",
                )
        result.update(merged)

    def _check_keys(self, node: Node) -> None:
        first: dict[str, Node] = {}
        for key, _ in node.value:
            text = "<<" if is_merge(key) else key_text(key)
            if text is None:
                continue
            # A quoted "<<" is an ordinary key.
            text = f"\0{text}" if is_merge(key) else text
            if text in first:
                at = first[text].start_mark
                self._refuse(
                    key,
                    "R107",
                    f"duplicate key {jsontext.shown(text.removeprefix(chr(0)))}",
                    evidence=(f"first set at {at.line + 1}:{at.column + 1}",),
                )
            else:
                first[text] = key

    def _refuse_tag(self, node: Node) -> None:
        self._refuse(node, "R108", f"tag {_short(node.tag)} is not one that Kubernetes' YAML has here")

    def _refuse(self, node: Node, code: str, message: str, *, evidence: tuple[str, ...] = ()) -> None:
        mark = node.start_mark
        self._refusals.append(
            Refused(code, message, line=mark.line + 1, column=mark.column + 1, evidence=evidence)
        )


# ---- Tags

_CORE: Final = "tag:yaml.org,2002:"
_TIMESTAMP: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.\d+)?(?:Z|[-+]\d\d:\d\d))"
    r"|(?: (\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.\d+)?))?\Z",
    re.ASCII,
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
                raise _refusal(node, "R110", "NaN and infinity are not JSON")
            value = (
                None if number is None else scalars.json_number(float(number) if short == "float" else number)
            )
        case "timestamp":
            value, wanted = text, _is_timestamp(text)
        case _:
            raise _refusal(node, "R108", f"tag {_short(node.tag)} is not one that Kubernetes' YAML has here")
    if not wanted:
        raise _refusal(node, "R109", f"this value is no !!{short}")
    return value


def _binary(node: Node, text: str) -> str:
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _refusal(node, "R109", "this value is no !!binary in base64 that holds UTF-8") from error


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


def _short(tag: str) -> str:
    shown = f"!!{tag.removeprefix(_CORE)}" if tag.startswith(_CORE) else tag
    return shown if len(shown) <= 80 and shown.isprintable() else "(too long or unprintable to show)"


def _refusal(node: Node, code: str, message: str) -> Refused:
    mark = node.start_mark
    return Refused(code, message, line=mark.line + 1, column=mark.column + 1)


# ---- Aliases

_MAY_ANCHOR: Final = re.compile(rb"(?:^|[\s\[{,])&[^\s&]", re.MULTILINE)
_MAY_ALIAS: Final = re.compile(rb"(?:^|[\s\[{,])\*[^\s*]", re.MULTILINE)
_FREE_NODES: Final = 1_000
_EXPANSION: Final = 10
_LARGEST_EXPANSION: Final = 1024 * 1024  # characters and nodes that aliases add


def check_aliases(roots: list[Node], content: bytes) -> None:
    """Raises `Refused` (R113) when aliases would expand a document beyond its budget, or refer to themselves."""
    for root in roots:
        written, expanded, size = _expansion(root)
        if expanded > _EXPANSION * written + _FREE_NODES or size > _LARGEST_EXPANSION + len(content):
            mark = root.start_mark
            raise Refused(
                "R113",
                "the aliases of this document expand beyond what is allowed",
                line=mark.line + 1,
                column=mark.column + 1,
                evidence=(f"{written:,} nodes are written, and {expanded:,} are meant",),
            )


def _expansion(root: Node) -> tuple[int, int, int]:
    """Nodes written, nodes after expansion, and nodes plus characters after expansion."""
    sizes: dict[int, tuple[int, int]] = {}
    open_nodes: set[int] = set()
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, is_done = stack.pop()
        key = id(node)
        if is_done:
            children = _children(node)
            sizes[key] = (
                1 + sum(sizes[id(child)][0] for child in children),
                1 + sum(sizes[id(child)][1] for child in children),
            )
            open_nodes.discard(key)
        elif key in open_nodes:
            raise _refusal(node, "R113", "this anchor's value contains an alias to itself")
        elif key not in sizes:
            if isinstance(node, ScalarNode):
                sizes[key] = (1, 1 + len(node.value))
                continue
            open_nodes.add(key)
            stack.append((node, True))
            stack += [(child, False) for child in _children(node)]
    return len(sizes), *sizes[id(root)]


def _children(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [each for pair in node.value for each in pair]
    return node.value if isinstance(node, SequenceNode) else []
