"""One object in every detail, for a person who asks about it: types that changed, items that moved, values side by side.

Pure. deepdiff does the work; it costs milliseconds for each object, also for equal ones, so it is asked about one at a time
and imported only then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from reconciler.diff.lines import one_line
from reconciler.diff.mask import masked_pair
from reconciler.diff.objects import path_text
from reconciler.model.manifest import Body

Path = tuple[str | int, ...]


class DetailAction(StrEnum):
    """What happened in one place."""

    CHANGED = "changed"
    RETYPED = "retyped"
    """The value is of another type, `"8"` where it was `8`."""
    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    """An item of a list stands elsewhere in it; what changes inside it is told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One place. `path` is where it was, or is if it is new; `new_path` where it is now. Values are null where there is none."""

    action: DetailAction
    path: Path
    new_path: Path
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        where = one_line(path_text(self.path))
        if self.new_path != self.path:
            where += f" → {one_line(path_text(self.new_path))}"
        before, after = (one_line(json.dumps(each, ensure_ascii=False)) for each in (self.before, self.after))
        match self.action:
            case DetailAction.MOVED:
                return where
            case DetailAction.ADDED:
                return f"{where}: {after}"
            case DetailAction.REMOVED:
                return f"{where}: {before}"
            case _:
                return f"{where}: {before} → {after}"


_ACTIONS: Final = {
    "values_changed": DetailAction.CHANGED,
    "type_changes": DetailAction.RETYPED,
    "dictionary_item_added": DetailAction.ADDED,
    "dictionary_item_removed": DetailAction.REMOVED,
    "iterable_item_added": DetailAction.ADDED,
    "iterable_item_removed": DetailAction.REMOVED,
    "iterable_item_moved": DetailAction.MOVED,
}
"""DeepDiff's names for what can differ between two JSON values."""


def object_detail(before: Body, after: Body) -> tuple[Detail, ...]:
    """Every difference, sorted by place. Empty when nothing changed. Secrets are masked.

    Items of lists that are the same elsewhere count as moved, not as removed and added; in a list that holds one item twice
    each is compared with what stands in its place.
    """
    from deepdiff import DeepDiff  # noqa: PLC0415 - slow to import, and needed by one view alone
    from deepdiff.helper import CannotCompare  # noqa: PLC0415

    old, new = masked_pair(before, after)
    alike: dict[int, bool] = {}

    def is_same(one: Any, other: Any, level: Any) -> bool:
        # DeepDiff takes an item for one that it has met where their hashes are equal; one more of the same would be lost.
        items = level.t2
        if alike.setdefault(id(items), len(items) > len({_like(item) for item in items})):
            raise CannotCompare
        return _is_same_item(one, other)

    found = DeepDiff(
        old,
        new,
        view="tree",
        verbose_level=2,
        ignore_numeric_type_changes=False,
        iterable_compare_func=is_same,
        threshold_to_diff_deeper=0,
    )
    rows = [_detail(_ACTIONS[name], level) for name, levels in found.items() for level in levels]
    return tuple(sorted(rows, key=lambda row: (list(map(_rank, row.path)), row.action)))


def _detail(action: DetailAction, level: Any) -> Detail:
    before = None if action is DetailAction.ADDED else level.t1
    after = None if action is DetailAction.REMOVED else level.t2
    was, now = _paths(level)
    return Detail(action=action, path=was, new_path=now, before=before, after=after)


def _paths(level: Any) -> tuple[Path, Path]:
    """The way to a place before and after. DeepDiff's own `path` exchanges the two inside what moved."""
    was, now, at = [], [], level.all_up
    while at is not level:
        was.append((at.t1_child_rel or at.t2_child_rel).param)
        now.append((at.t2_child_rel or at.t1_child_rel).param)
        at = at.down
    return tuple(was), tuple(now)


def _rank(step: str | int) -> tuple[str, int]:
    """Names by themselves, items of a list in their order."""
    return ("", step) if isinstance(step, int) else (step, -1)


def _like(value: Any) -> str:
    """Equal for values that DeepDiff's hashes cannot tell apart: in lists these know neither order nor repetition."""
    if isinstance(value, dict):
        return json.dumps([[key, _like(item)] for key, item in sorted(value.items())])
    if isinstance(value, list):
        return json.dumps([*sorted({_like(item) for item in value}), "list"])
    return json.dumps(value)


def _is_same_item(one: Any, other: Any) -> bool:
    """Whether two items of a list are versions of one thing: the same name, or else the same value."""
    if isinstance(one, dict) and isinstance(other, dict) and "name" in one and "name" in other:
        return bool(one["name"] == other["name"])
    return type(one) is type(other) and bool(one == other)
