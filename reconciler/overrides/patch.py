"""RFC 6902 as Karmada applies it (spec rendering-and-status §1.9): add, remove and replace, all or nothing.

Path-copying: the document is never edited, and what a patch does not touch is shared with the result.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from reconciler.model.override import PatchOperation
from reconciler.overrides.outcome import Ineffective, OverriderError, Place

APPEND = "-"
_INDEX = re.compile(r"[+-]?[0-9]+\Z", re.ASCII)


def apply_patch(
    document: Any,
    operations: Sequence[PatchOperation],
    place: Place = ("plaintext",),
    notes: list[Ineffective] | None = None,
) -> Any:
    """The document after all operations, in order. Raises OverriderError at `place`, index when one fails."""
    # Karmada: a path that begins with `//` edits a copy of the document that is then thrown away.
    thrown_away = document
    for index, operation in enumerate(operations):
        try:
            if operation.path == "" and operation.operator != "remove":
                document = apply_operation(document, operation)
                thrown_away = document if operation.operator == "add" else None
            elif "/" in (rest := _after_root(operation.path)) and rest[0] == "/":
                thrown_away = apply_operation(thrown_away, dataclasses.replace(operation, path=rest))
                if notes is not None:
                    notes.append(Ineffective(place=(*place, index), reason="the path starts with '//'"))
            else:
                document = apply_operation(document, operation)
        except OverriderError as error:
            raise OverriderError(str(error), (*place, index)) from None
    return document


def apply_operation(document: Any, operation: PatchOperation) -> Any:
    """The document after one operation. Raises OverriderError."""
    path = operation.path
    if path == "" and operation.operator != "remove":
        replaces_by_null = operation.value is None and operation.operator == "replace"
        if not isinstance(operation.value, dict | list) and not replaces_by_null:
            raise OverriderError("the whole document can only be replaced by an object or a list")
        return operation.value
    tokens = _after_root(path).split("/")
    if "/" not in path and path:
        raise OverriderError(f"the path {path!r} names nothing: a path starts with '/'")
    return _edit(document, [_unescape(token) for token in tokens], 0, operation)


def parse_index(token: str) -> int | None:
    """The array index a token states (a sign is allowed), or None."""
    return int(token) if _INDEX.match(token) else None


def _after_root(path: str) -> str:
    # Karmada: the text before the first `/` is ignored (`x/spec` means `/spec`).
    return path.partition("/")[2]


def _unescape(token: str) -> str:
    return token.replace("~1", "/").replace("~0", "~") if "~" in token else token


def _edit(node: Any, tokens: Sequence[str], depth: int, operation: PatchOperation) -> Any:
    token = tokens[depth]
    if depth == len(tokens) - 1:
        return _last_step(node, token, operation)
    match node:
        case dict() if token in node and token != "":  # Karmada: the key "" cannot be walked through
            copy = dict(node)
            copy[token] = _edit(node[token], tokens, depth + 1, operation)
            return copy
        case list() if (index := _existing(node, token)) is not None:
            items = list(node)
            items[index] = _edit(node[index], tokens, depth + 1, operation)
            return items
        case _:
            raise OverriderError(f"the path {operation.path} is missing at {token!r}")


def _last_step(node: Any, token: str, operation: PatchOperation) -> Any:
    match node:
        case dict():
            return _in_object(node, token, operation)
        case list():
            return _in_list(node, token, operation)
        case _:
            raise OverriderError(f"the path {operation.path} leads through a value that is no object or list")


def _in_object(node: dict[str, Any], key: str, operation: PatchOperation) -> dict[str, Any]:
    # Karmada: an empty last token always exists for replace, and creates the key "".
    if (
        operation.operator != "add"
        and key not in node
        and not (operation.operator == "replace" and key == "")
    ):
        raise OverriderError(f"{operation.operator}: the path {operation.path} does not exist")
    copy = dict(node)
    if operation.operator == "remove":
        del copy[key]
    else:
        copy[key] = operation.value
    return copy


def _in_list(node: list[Any], token: str, operation: PatchOperation) -> list[Any]:
    copy = list(node)
    if operation.operator == "add":
        if token == APPEND:
            copy.append(operation.value)
            return copy
        index = parse_index(token)
        if index is None or not -len(node) - 1 <= index <= len(node):
            raise OverriderError(f"add: the path {operation.path} is no index of a list of {len(node)}")
        # Karmada: a negative index counts from behind the new item, so that -1 appends.
        copy.insert(index if index >= 0 else len(node) + 1 + index, operation.value)
        return copy
    position = _existing(node, token)
    if position is None:
        raise OverriderError(f"{operation.operator}: the path {operation.path} does not exist")
    if operation.operator == "remove":
        del copy[position]
    else:
        copy[position] = operation.value
    return copy


def _existing(node: list[Any], token: str) -> int | None:
    """The position that a token names in a list (negative: from the end), or None."""
    index = parse_index(token)
    if index is None or not -len(node) <= index < len(node):
        return None
    return index if index >= 0 else index + len(node)
