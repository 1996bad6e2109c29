"""Secrets are masked before anything can print them (DESIGN §5, promise 7).

Pure. Whoever shows a body calls this first; what comes out holds no value of a Secret, only whether it changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body

HIDDEN = "*** (hidden)"
BEFORE = "*** (before)"
AFTER = "*** (after)"
_VALUES = ("data", "stringData")
# kubectl writes the whole object, values included, into this annotation; others have copied the habit.
_COPIES = "last-applied"


def is_secret(id_: ObjectId) -> bool:
    """Whether objects of this identity hold values to hide: core Secrets."""
    return id_.kind == "Secret" and not id_.group


def masked(body: Body) -> Body:
    """`body` with every secret value replaced; the same object where there is none."""
    return _mask(body, lambda _path, _value: HIDDEN)


def masked_pair(before: Body | None, after: Body | None) -> tuple[Body | None, Body | None]:
    """Two versions of one object, masked so that a changed value can be seen to have changed, and no more."""
    old, new = _values(before), _values(after)

    def mark(mine: dict[tuple[str, ...], Any], other: dict[tuple[str, ...], Any], word: str) -> Any:
        def text(path: tuple[str, ...], _value: Any) -> str:
            return word if path in other and other[path] != mine.get(path) else HIDDEN

        return text

    return (
        None if before is None else _mask(before, mark(old, new, BEFORE)),
        None if after is None else _mask(after, mark(new, old, AFTER)),
    )


def _mask(body: Body, text: Callable[[tuple[str, ...], Any], str]) -> Body:
    if not _holds_secrets(body):
        return body
    result = dict(body)
    for field in _VALUES:
        if field in body:
            result[field] = _masked_values((field,), body[field], text)
    metadata = body.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(metadata, dict) and isinstance(annotations, dict):
        hidden = {
            key: text(("metadata", "annotations", str(key)), value) if _COPIES in str(key) else value
            for key, value in annotations.items()
        }
        result["metadata"] = metadata | {"annotations": hidden}
    return result


def _masked_values(path: tuple[str, ...], values: Any, text: Callable[[tuple[str, ...], Any], str]) -> Any:
    if values is None:
        return None
    if isinstance(values, dict):
        return {key: text((*path, str(key)), value) for key, value in values.items()}
    # Not what a Secret may hold: the server will refuse it, and nobody needs to read it here.
    return text(path, values)


def _values(body: Body | None) -> dict[tuple[str, ...], Any]:
    """Every value to hide, by its path."""
    found: dict[tuple[str, ...], Any] = {}
    if body is not None:

        def remember(path: tuple[str, ...], value: Any) -> str:
            found[path] = value
            return HIDDEN

        _mask(body, remember)
    return found


def _holds_secrets(body: Body) -> bool:
    return body.get("kind") == "Secret" and "/" not in str(body.get("apiVersion", ""))
