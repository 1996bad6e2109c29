"""The pieces of text that every printer shares: unified diffs of canonical YAML, lists of clusters, harmless words.

Pure. Everything printed may come from a stranger's pull request: control characters and those that reorder text are
made visible, and no input makes the work or the output unbounded.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from itertools import islice
from typing import Any

from reconciler.diff.objects import FieldAction, FieldChange
from reconciler.manifests.emit import emit
from reconciler.model.manifest import Body

# difflib is quadratic where everything differs; beyond this a list of fields says more than a diff.
_LINES_COMPARED = 4_000
_CONTEXT = 3
# C0 and C1 (terminal escapes), line and paragraph separators, and marks that reorder or hide text.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def harmless(text: str) -> str:
    """`text` with every character that a terminal or a reader could be fooled by written as `\\x..` or `\\u....`."""
    return _UNSAFE.sub(_escaped, text)


def one_line(text: str, limit: int = 200) -> str:
    """`text` harmless, on one line, and cut at `limit` characters with a mark."""
    flat = harmless(" ".join(text.split()))
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def cluster_list(names: Sequence[str], everywhere: Sequence[str] = (), shown: int = 4) -> str:
    """Names of clusters in words: `all 12 clusters`, or the first few and how many more."""
    if len(names) > 1 and len(names) == len(everywhere) and set(names) == set(everywhere):
        return f"all {len(names)} clusters"
    if len(names) <= shown + 1:
        return ", ".join(names)
    return f"{', '.join(names[:shown])} and {len(names) - shown} more"


def unified(before: Body | None, after: Body | None, fields: Sequence[FieldChange] = ()) -> list[str]:
    """The lines of a unified diff of the canonical YAML, each with its ` `, `+`, `-` or `@@`, without file headers.

    An object too large to compare by lines is told by its changed fields.
    """
    old = [] if before is None else _lines(before)
    new = [] if after is None else _lines(after)
    if not old:
        return [f"+{harmless(line)}" for line in new]
    if not new:
        return [f"-{harmless(line)}" for line in old]
    if len(old) + len(new) > _LINES_COMPARED:
        return _of_fields(fields)
    # The first two lines are file headers.
    return [
        harmless(line) for line in islice(difflib.unified_diff(old, new, lineterm="", n=_CONTEXT), 2, None)
    ]


def _lines(body: Body) -> list[str]:
    # Not splitlines: it also breaks at separators that are content.
    return emit(body).decode().removesuffix("\n").split("\n")


def _of_fields(fields: Sequence[FieldChange]) -> list[str]:
    lines = []
    for field in fields:
        if field.action is not FieldAction.ADDED:
            lines.append(f"-{one_line(field.where)}: {one_line(_json(field.before))}")
        if field.action is not FieldAction.REMOVED:
            lines.append(f"+{one_line(field.where)}: {one_line(_json(field.after))}")
    return lines


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
