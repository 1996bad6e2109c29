"""Places inside an object's body, and who manages them (`metadata.managedFields`).

Pure; bodies are path-copied, never edited. Only places reached through maps are known: list items have no stable address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.model.manifest import Body

Path = tuple[str | int, ...]


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


def value_at(body: Any, path: Path) -> Any:
    """The value at `path`, or MISSING."""
    for step in path:
        match body, step:
            case Mapping(), str() if step in body:
                body = body[step]
            case list(), int() if step < len(body):
                body = body[step]
            case _:
                return MISSING
    return body


def with_value(body: Any, path: Path, value: Any) -> Any:
    """A copy of `body` with `value` at `path`, which must exist up to its last step. The rest is shared."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(body, list):
        index = int(step)
        return [*body[:index], with_value(body[index], rest, value), *body[index + 1 :]]
    below = body.get(step) if isinstance(body, Mapping) else None
    return {**(body or {}), step: with_value(below, rest, value)}


def without(body: Any, path: Path) -> Any:
    """A copy of `body` that lacks `path`; `body` itself where it does not hold it."""
    if value_at(body, path) is MISSING:
        return body
    step, rest = path[0], path[1:]
    if isinstance(body, list):
        index = int(step)
        kept = [without(body[index], rest)] if rest else []
        return [*body[:index], *kept, *body[index + 1 :]]
    if not rest:
        return {key: value for key, value in body.items() if key != step}
    return {key: without(value, rest) if key == step else value for key, value in body.items()}


def apply_entry(body: Body, manager: str) -> Any:
    """The fields (`fieldsV1`) that `manager` has applied and still owns, or None where it never applied."""
    for entry in _entries(body):
        if (
            entry.get("manager") == manager
            and entry.get("operation") == "Apply"
            and not entry.get("subresource")
        ):
            return entry.get("fieldsV1") or {}
    return None


def managed_paths(body: Body, *, skip_manager: str) -> tuple[Path, ...]:
    """Every place that a manager other than `skip_manager` owns, sorted."""
    found: set[Path] = set()
    for entry in _entries(body):
        if entry.get("manager") != skip_manager:
            found.update(_paths(entry.get("fieldsV1") or {}, ()))
    return tuple(sorted(found, key=str))


def applied_paths(body: Body, manager: str) -> frozenset[Path]:
    """Every place that `manager` has applied and still owns."""
    return frozenset(_paths(apply_entry(body, manager) or {}, ()))


def differing_paths(before: Any, after: Any, *, limit: int = 4) -> tuple[str, ...]:
    """Names of the places where two bodies differ, dotted, at most `limit`; never a value."""
    found: list[str] = []
    for path in _differences(before, after, ""):
        if len(found) == limit:
            found.append("…")
            break
        found.append(path)
    return tuple(found)


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal and of equal types (Python's `==` takes `True` for 1)."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _entries(body: Body) -> list[dict[str, Any]]:
    return (body.get("metadata") or {}).get("managedFields") or []


def _paths(fields: Mapping[str, Any], path: Path) -> Iterator[Path]:
    for key, below in fields.items():
        if not key.startswith("f:"):
            continue
        here = (*path, key[2:])
        if any(name.startswith("f:") for name in below):
            yield from _paths(below, here)
        else:
            yield here


def _differences(before: Any, after: Any, path: str) -> Iterator[str]:
    match before, after:
        case dict(), dict():
            for key in sorted({*before, *after}, key=str):
                name = f"{path}.{key}" if path else str(key)
                if key not in before or key not in after:
                    yield name
                else:
                    yield from _differences(before[key], after[key], name)
        case list(), list() if len(before) == len(after):
            for index, (one, other) in enumerate(zip(before, after, strict=True)):
                yield from _differences(one, other, f"{path}[{index}]")
        case _:
            if not same(before, after):
                yield path
