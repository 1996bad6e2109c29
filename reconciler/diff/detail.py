"""One object in every detail, for a person who asks about it: types that changed, items that moved, values side by side.

Pure. deepdiff does the work; it costs milliseconds for each object, also for equal ones, so it is asked about one at a time
and imported only then.
"""

from __future__ import annotations

import json
from typing import Any

from reconciler.diff.mask import masked_pair
from reconciler.model.manifest import Body


def object_detail(before: Body, after: Body) -> dict[str, Any]:
    """Every change by its sort, as JSON values: `values_changed`, `type_changes`, `iterable_item_added`, and so on.

    Items of lists that are the same elsewhere count as moved, not as removed and added; in a list that holds one item twice
    each is compared with what stands in its place. Empty when nothing changed. Secrets are masked.
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
        verbose_level=2,
        ignore_numeric_type_changes=False,
        iterable_compare_func=is_same,
        threshold_to_diff_deeper=0,
    )
    detail: dict[str, Any] = json.loads(found.to_json())
    return detail


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
