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

    Items of lists that are the same elsewhere count as moved, not as removed and added. Empty when nothing changed.
    Secrets are masked.
    """
    from deepdiff import DeepDiff  # noqa: PLC0415 - slow to import, and needed by one view alone

    old, new = masked_pair(before, after)
    found = DeepDiff(
        old,
        new,
        verbose_level=2,
        ignore_numeric_type_changes=False,
        iterable_compare_func=_is_same_item,
        threshold_to_diff_deeper=0,
    )
    detail: dict[str, Any] = json.loads(found.to_json())
    return detail


def _is_same_item(one: Any, other: Any, _level: Any = None) -> bool:
    """Whether two items of a list are versions of one thing: the same name, or else the same value."""
    if isinstance(one, dict) and isinstance(other, dict) and "name" in one and "name" in other:
        return bool(one["name"] == other["name"])
    return type(one) is type(other) and bool(one == other)
