"""Edits of an object that copy the path and share the rest: a body is never changed in place.

Paths are keys and list indexes (`("spec", "containers", 0, "image")`). Nothing here knows what a field means.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from reconciler.model.manifest import Body, Manifest

Path = Sequence[str | int]
_Edited = TypeVar("_Edited", Body, Manifest)


def get_in(value: Body | Manifest, path: Path, default: Any = None) -> Any:
    """The value at `path`, or `default` where a step is missing or fits no container. A null that is there is None."""
    current: Any = value.body if isinstance(value, Manifest) else value
    for step in path:
        if isinstance(current, dict):
            if step not in current:
                return default
            current = current[step]
        elif isinstance(current, list) and isinstance(step, int) and -1 < step < len(current):
            current = current[step]
        else:
            return default
    return current


def set_in(value: _Edited, path: Path, new: Any) -> _Edited:
    """A copy with `new` at `path`. Missing (or null) mappings on the way are made; an index may be the list's length.

    A Manifest keeps its identity and origin and loses its digest. Raises KeyError for a step that fits no container,
    IndexError for an index beyond the end.
    """
    if isinstance(value, Manifest):
        return dataclasses.replace(value, body=_set(value.body, tuple(path), new), digest="")
    return cast("_Edited", _set(value, tuple(path), new))


def remove_in(value: _Edited, path: Path) -> _Edited:
    """A copy without what stands at `path`; `value` itself where nothing does. Empty containers stay."""
    if isinstance(value, Manifest):
        body = _remove(value.body, tuple(path))
        return value if body is value.body else dataclasses.replace(value, body=body, digest="")
    return cast("_Edited", _remove(value, tuple(path)))


def _set(container: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(container, list) and isinstance(step, int):
        if not -1 < step <= len(container):
            raise IndexError(step)
        copied = container.copy()
        if step == len(container):
            copied.append(_set(None, rest, new))
        else:
            copied[step] = _set(container[step], rest, new)
        return copied
    if isinstance(step, str) and (container is None or isinstance(container, dict)):
        child = None if container is None else container.get(step)
        return {**(container or {}), step: _set(child, rest, new)}
    raise KeyError(step)


def _remove(container: Any, path: tuple[str | int, ...]) -> Any:
    if not path:
        return container
    step, rest = path[0], path[1:]
    if isinstance(container, dict):
        if step not in container:
            return container
    elif not (isinstance(container, list) and isinstance(step, int) and -1 < step < len(container)):
        return container
    copied = container.copy()
    if not rest:
        del copied[step]
        return copied
    child = _remove(container[step], rest)
    if child is container[step]:
        return container
    copied[step] = child
    return copied
