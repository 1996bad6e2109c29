"""What changed between two versions of one object, field by field, as a reader of Kubernetes would say it.

Pure. Lists whose items have a name are compared by that name (containers, ports, environment), others by position.
`True` and `1` differ here, as they do in YAML; Python's `==` is therefore not asked about scalars of unlike types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class FieldAction(StrEnum):
    """What happened to one field."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    REORDERED = "reordered"
    """The items of a keyed list are the same and stand in another order; the values are their keys."""


@dataclass(frozen=True, slots=True)
class Item:
    """A step into a list by what identifies the item: `[name=web]`."""

    key: str
    value: str

    def __str__(self) -> str:
        return f"[{self.key}={self.value}]"


Step = str | int | Item


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One difference. `before` is None where added, `after` is None where removed (`action` tells it from null)."""

    path: tuple[Step, ...]
    action: FieldAction
    before: Any = None
    after: Any = None

    @property
    def where(self) -> str:
        """The path in words: `spec.template.spec.containers[name=web].image`."""
        return path_text(self.path)


# What identifies an item, in the order in which it is tried. Server-side apply's own keys where it has them.
_KEYS: Final = (
    ("name",),
    ("containerPort", "protocol"),
    ("mountPath",),
    ("devicePath",),
    ("port", "protocol"),
    ("topologyKey", "whenUnsatisfiable"),
    ("key",),
    ("type",),
    ("ip",),
    ("uid",),
    ("host",),
    ("path",),
)
_ABSENT: Final = object()


def field_changes(before: Any, after: Any) -> tuple[FieldChange, ...]:
    """Every difference, in the order of the fields' names. Equal values give an empty tuple."""
    return tuple(_changes((), before, after))


def path_text(path: Sequence[Step]) -> str:
    """`path` as a dotted text; keys that hold a dot or a slash are bracketed and quoted."""
    text = ""
    for step in path:
        match step:
            case Item():
                text += str(step)
            case int():
                text += f"[{step}]"
            case _ if not step or any(c in step for c in "./[]=\"' "):
                text += f'["{step}"]'
            case _:
                text += f".{step}" if text else step
    return text


def same(before: Any, after: Any) -> bool:
    """Whether two JSON values are equal, types included."""
    return next(_changes((), before, after), None) is None


def _changes(path: tuple[Step, ...], before: Any, after: Any) -> Iterator[FieldChange]:
    if before is after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_mappings(path, before, after)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(path, before, after)
    elif type(before) is not type(after) or before != after:
        yield FieldChange(path=path, action=FieldAction.CHANGED, before=before, after=after)


def _of_mappings(
    path: tuple[Step, ...], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[FieldChange]:
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key, _ABSENT), after.get(key, _ABSENT)
        if old is _ABSENT:
            yield FieldChange(path=(*path, key), action=FieldAction.ADDED, after=new)
        elif new is _ABSENT:
            yield FieldChange(path=(*path, key), action=FieldAction.REMOVED, before=old)
        else:
            yield from _changes((*path, key), old, new)


def _of_lists(path: tuple[Step, ...], before: list[Any], after: list[Any]) -> Iterator[FieldChange]:
    keys = _identifying(before, after)
    if keys is None:
        yield from _by_position(path, before, after)
        return
    old = {_item(keys, item): item for item in before}
    new = {_item(keys, item): item for item in after}
    for item in (*old, *(item for item in new if item not in old)):
        if item not in new:
            yield FieldChange(path=(*path, item), action=FieldAction.REMOVED, before=old[item])
        elif item not in old:
            yield FieldChange(path=(*path, item), action=FieldAction.ADDED, after=new[item])
        else:
            yield from _changes((*path, item), old[item], new[item])
    kept_before = [str(item) for item in old if item in new]
    kept_after = [str(item) for item in new if item in old]
    if kept_before != kept_after:
        yield FieldChange(path=path, action=FieldAction.REORDERED, before=kept_before, after=kept_after)


def _by_position(path: tuple[Step, ...], before: list[Any], after: list[Any]) -> Iterator[FieldChange]:
    for index in range(max(len(before), len(after))):
        if index >= len(before):
            yield FieldChange(path=(*path, index), action=FieldAction.ADDED, after=after[index])
        elif index >= len(after):
            yield FieldChange(path=(*path, index), action=FieldAction.REMOVED, before=before[index])
        else:
            yield from _changes((*path, index), before[index], after[index])


def _identifying(before: list[Any], after: list[Any]) -> tuple[str, ...] | None:
    """The keys by which the items of both lists can be told apart, or None."""
    if not (before or after) or not all(isinstance(item, dict) for item in (*before, *after)):
        return None
    for keys in _KEYS:
        if _tells_apart(keys, before) and _tells_apart(keys, after):
            return keys
    return None


def _tells_apart(keys: tuple[str, ...], items: list[Any]) -> bool:
    seen = set()
    for item in items:
        if not isinstance(item.get(keys[0]), str | int):
            return False
        seen.add(_item(keys, item))
    return len(seen) == len(items)


def _item(keys: tuple[str, ...], item: Mapping[str, Any]) -> Item:
    # The second key has a default in Kubernetes (protocol: TCP) and is named only where it is given.
    given = [key for key in keys if key == keys[0] or isinstance(item.get(key), str)]
    return Item(",".join(given), ",".join(str(item[key]) for key in given))
