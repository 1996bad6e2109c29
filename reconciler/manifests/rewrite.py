"""Edits of people's own files: comments, order, quotes and layout stay, and nothing changes but what was asked for.

Every edit is checked before it is given back: the file reads as intended, its other documents are the same bytes, and no
line was lost that the edit does not concern. Otherwise `FleetError` (R124), and the file stays as it is.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from reconciler.errors import FleetError, Location, Problem
from reconciler.manifests import compose, edit, emit, jsontext
from reconciler.manifests.compose import Refused
from reconciler.manifests.load import load, values
from reconciler.manifests.locate import nodes_of
from reconciler.manifests.splice import APPEND, REMOVE, CannotSplice, Step, region, splice
from reconciler.model.manifest import Body
from reconciler.problems import CATALOGUE

__all__ = ["APPEND", "REMOVE", "Edit", "append_document", "remove_document", "rewrite"]

_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change: `value` at `path` (keys as JSON strings, list indexes, `APPEND` as the last step of a list).

    `REMOVE` as the value takes away what is there; where nothing is, nothing happens. Missing containers are made.
    """

    path: tuple[Step, ...]
    value: Any


def rewrite(text: bytes, document: int, edits: Sequence[Edit], *, path: str = "") -> bytes:
    """`text` with the edits made, in order, to its `document`-th document (as `load` counts in `Origin.document`).

    A path inside a `List` begins with `items`. Raises FleetError: R1xx where the file cannot be read, R124 where an edit
    cannot be made without touching more than it concerns.
    """
    for one in edits:
        text = _rewritten(text, document, one, path)
    return text


def append_document(text: bytes, body: Body, *, path: str = "") -> bytes:
    """`text` with one more document at its end, in canonical form. Raises FleetError as `rewrite`."""
    bodies = _bodies(text, path)
    if _is_json(text.removeprefix(_MARK), path):
        raise _refusal(path, "a JSON file holds one document; write a file of its own")
    before = text if not text or text.endswith(b"\n") else text + b"\n"
    is_first = not list(compose.documents(text.removeprefix(_MARK)))
    written = emit.emit(body) if is_first else b"---\n" + emit.emit(body)
    if b"\r\n" in before:
        written = written.replace(b"\n", b"\r\n")
    result = before + written
    _compare([*bodies, body], result, path)
    return result


def remove_document(text: bytes, document: int, *, path: str = "") -> bytes:
    """`text` without one document and its separator. What is left may hold no document: then the file can go."""
    bodies = _bodies(text, path)
    content = text.removeprefix(_MARK)
    if _is_json(content, path) or not 0 <= document < len(bodies):
        raise _refusal(path, f"there is no document {document} that can be cut out")
    characters = content.decode()
    begin, end = _spans(content)[document]
    result = text[: len(text) - len(content)] + (characters[:begin] + characters[end:]).encode()
    _compare(bodies[:document] + bodies[document + 1 :], result, path)
    return result


# ---- One edit


def _rewritten(text: bytes, document: int, one: Edit, path: str) -> bytes:
    bodies = _bodies(text, path)
    if not 0 <= document < len(bodies):
        raise _refusal(path, f"there is no document {document}")
    try:
        wanted = _edited(bodies[document], one)
    except (KeyError, IndexError) as error:
        raise _refusal(path, f"{_shown(one.path)} does not fit what the document holds") from error
    if emit.emit_json(wanted) == emit.emit_json(bodies[document]):
        return text
    bodies[document] = wanted
    for attempt in (_spliced, _round_tripped):
        try:
            result = attempt(text, document, one, path)
        except (CannotSplice, Refused):
            continue
        if _is_as_intended(bodies, result, path) and _is_local(text, result, document, one):
            return result
    raise _refusal(path, f"{_shown(one.path)} cannot be edited without touching more than it")


def _spliced(text: bytes, document: int, one: Edit, path: str) -> bytes:
    content = text.removeprefix(_MARK)
    is_json = _is_json(content, path)
    roots = jsontext.nodes(content) if is_json else list(compose.documents(content))
    characters = splice(content.decode(), roots[document], one.path, one.value, is_json=is_json)
    return text[: len(text) - len(content)] + characters.encode()


def _edited(body: Any, one: Edit) -> Any:
    """The object as it is to be, by path copying."""
    steps: list[Any] = list(one.path)
    if APPEND in steps[:-1]:
        raise KeyError(APPEND)
    if one.value is REMOVE:
        return edit.remove_in(body, steps)
    value = one.value
    if steps and steps[-1] is APPEND:
        existing = edit.get_in(body, steps[:-1])
        steps[-1] = len(existing) if isinstance(existing, list) else 0
    while steps and isinstance(steps[-1], int) and edit.get_in(body, steps[:-1]) is None:
        # A list that is not there yet.
        if steps.pop() != 0:
            raise IndexError
        value = [value]
    edited: Any = edit.set_in(body, steps, value)
    return edited


# ---- ruamel.yaml, for what cannot be cut and inserted


def _round_tripped(text: bytes, document: int, one: Edit, path: str) -> bytes:
    """The document written again by ruamel.yaml with its comments; its neighbours stay the bytes they are."""
    content = text.removeprefix(_MARK)
    if _is_json(content, path):
        raise CannotSplice
    characters = content.decode()
    begin, end = _spans(content)[document]
    written = _written_by_ruamel(characters[begin:end], one)
    return text[: len(text) - len(content)] + (characters[:begin] + written + characters[end:]).encode()


def _written_by_ruamel(part: str, one: Edit) -> str:
    # Imported here: it costs 60 ms, and most commands never edit a file.
    from ruamel.yaml import YAML  # noqa: PLC0415
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    writer: Any = YAML(typ="rt")
    writer.preserve_quotes = True
    writer.width = 1_000_000
    offset = _list_offset(part)
    writer.indent(mapping=2, sequence=offset + 2, offset=offset)
    if "\r\n" in part:
        writer.line_break = "\r\n"
    try:
        tree = writer.load(part)
        _apply(tree, one)
        out = io.StringIO(newline="")
        writer.dump(tree, out)
    except (YAMLError, KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise CannotSplice from error
    written = out.getvalue()
    if part.startswith("---") and not written.startswith("---"):
        written = f"---{writer.line_break or chr(10)}{written}"
    return written


def _apply(tree: Any, one: Edit) -> None:
    container = tree
    for step in one.path[:-1]:
        if isinstance(container, dict) and step not in container:
            raise CannotSplice
        container = container[step]
    last = one.path[-1]
    if one.value is REMOVE:
        del container[last]
    elif last is APPEND:
        container.append(_quoted_where_needed(one.value))
    else:
        container[last] = _quoted_where_needed(one.value)


def _quoted_where_needed(value: Any) -> Any:
    """ruamel.yaml writes YAML 1.2, where `yes` needs no quotes."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString  # noqa: PLC0415

    if isinstance(value, dict):
        return {_quoted_where_needed(key): _quoted_where_needed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_quoted_where_needed(item) for item in value]
    is_plain = not isinstance(value, str) or emit.quoted(value) == value
    return value if is_plain else DoubleQuotedScalarString(value)


def _list_offset(part: str) -> int:
    """How far this document's first list stands behind its key."""
    before = 0
    for line in part.splitlines():
        bare = line.lstrip(" ")
        if bare.startswith("- "):
            return max(len(line) - len(bare) - before, 0)
        if bare and not bare.startswith("#"):
            before = len(line) - len(bare)
    return 0


# ---- What must hold


def _is_json(content: bytes, path: str) -> bool:
    if not jsontext.looks_like_json(content, path):
        return False
    try:
        jsontext.values(content)
    except Refused:
        return False
    return True


def _bodies(text: bytes, path: str) -> list[Any]:
    """The value of every document, empty ones included, Lists as they are written. Raises FleetError."""
    loaded = load(text, path)
    if not loaded.is_readable:
        raise FleetError(f"{path or 'the file'} cannot be read, so it is not edited", loaded.problems)
    return values(text, path)


def _is_as_intended(bodies: list[Any], result: bytes, path: str) -> bool:
    try:
        return emit.emit_json(_bodies(result, path)) == emit.emit_json(bodies)
    except FleetError:
        return False


def _compare(bodies: list[Any], result: bytes, path: str) -> None:
    if not _is_as_intended(bodies, result, path):
        raise _refusal(path, "the file would not read as intended")


def _is_local(before: bytes, after: bytes, document: int, one: Edit) -> bool:
    """Whether every line that the edit does not concern is still there, comments included."""
    old, new = before.decode().split("\n"), after.decode().split("\n")
    root = nodes_of(before, is_json_file=False)[document]
    try:
        first, behind = region(before.removeprefix(_MARK).decode(), root, one.path)
    except CannotSplice:
        return False
    rest = len(old) - behind
    if rest == 1 and not old[-1] and new[-1]:
        rest = 0  # a last line without its end
    kept = new[:first]
    if first == len(old) and kept:
        kept[-1] = kept[-1].removesuffix("\r")
    return old[:first] == kept and (not rest or old[behind:] == new[-rest:])


def _spans(content: bytes) -> list[tuple[int, int]]:
    """Begin and end of each document in characters, its separator and what follows the one before it included."""
    events = [event for event in compose.events(content) if isinstance(event, yaml.DocumentStartEvent)]
    marks: list[Any] = [event.start_mark for event in events]
    starts = [mark.index if event.explicit else 0 for event, mark in zip(events, marks, strict=True)]
    return list(zip(starts, [*starts[1:], len(content.decode())], strict=True))


def _shown(path: tuple[Step, ...]) -> str:
    return ".".join(map(str, path)) or "the document"


def _refusal(path: str, message: str) -> FleetError:
    row = CATALOGUE["R124"]
    location = Location(path=path) if path else None
    problem = Problem(code="R124", message=message, location=location, remedy=row.remedy)
    return FleetError(message, (problem,))
