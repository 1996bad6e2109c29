"""Facts about a commit as Git trailers: the last paragraph of its message, `Key: value` a line.

Rendering and parsing are inverses for what we write; what others wrote parses to what Git itself would see.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from reconciler.errors import GitError

SOURCE_COMMIT: Final = "Source-Commit"
STATUS_COMMIT: Final = "Status-Commit"
RENDERED_COMMIT: Final = "Rendered-Commit"
EVALUATED_AT: Final = "Evaluated-At"
ENGINE: Final = "Engine"
TREE_DIGEST: Final = "Tree-Digest"
COMPLETE: Final = "Complete"
PRUNE: Final = "Prune"
PRUNE_BASE: Final = "Prune-Base"
APPROVED: Final = "Approved"
ACCEPTED_HISTORY: Final = "Accepted-History"

_ORDER: Final = (
    SOURCE_COMMIT,
    STATUS_COMMIT,
    RENDERED_COMMIT,
    EVALUATED_AT,
    ENGINE,
    TREE_DIGEST,
    COMPLETE,
    PRUNE,
    PRUNE_BASE,
    APPROVED,
    ACCEPTED_HISTORY,
)
_RANK: Final = {key: rank for rank, key in enumerate(_ORDER)}
_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_LINE: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]*)\s*:\s*(.*)")
SKIP_CI: Final = "[skip ci]"


def format_message(message: str, trailers: Mapping[str, str]) -> str:
    """The whole commit message: a subject that ends in `[skip ci]`, the body, and the trailers in one fixed order.

    Empty values are left out. Raises GitError for a key or value that is no trailer.
    """
    subject, _, body = message.strip().partition("\n")
    subject = subject.strip()
    if not subject.endswith(SKIP_CI):
        subject = f"{subject} {SKIP_CI}".strip()
    lines = [
        _line(key, value)
        for key, value in sorted(
            trailers.items(), key=lambda item: (_RANK.get(item[0], len(_ORDER)), item[0])
        )
        if value
    ]
    parts = [subject, body.strip("\n").rstrip(), "\n".join(lines)]
    return "\n\n".join(part for part in parts if part) + "\n"


def parse_trailers(message: str) -> dict[str, str]:
    """The trailers of a message: its last paragraph, if every line of it is one and it is not the subject.

    A repeated key's values are joined with ", ".
    """
    paragraphs = [
        part for part in re.split(r"\n[ \t]*\n", message.replace("\r\n", "\n").strip()) if part.strip()
    ]
    if len(paragraphs) < 2:
        return {}
    found: dict[str, str] = {}
    for line in paragraphs[-1].strip().split("\n"):
        match = _LINE.fullmatch(line.strip())
        if match is None:
            return {}
        key, value = match.group(1), match.group(2).strip()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def _line(key: str, value: str) -> str:
    if not _KEY.fullmatch(key):
        raise GitError(f"{key!r} cannot be the name of a commit trailer")
    if value != value.strip() or any(ord(character) < 0x20 for character in value):
        raise GitError(f"the value of the commit trailer {key} has control characters or outer spaces")
    return f"{key}: {value}"
