"""One Kubernetes object, and where it was written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import Location
from reconciler.model.identity import ObjectId

Body = dict[str, Any]
"""A Kubernetes object as open JSON. Shared between values: never edited in place (`manifests.edit.set_in`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a document stands: file, first line and column (from 1), and its index among the file's documents.

    `item` is its index inside a `List` document, or None. `text` is the whole file, kept so that
    `manifests.locate` can find the place of a single field without a second read; it takes no part in comparison.
    """

    path: str
    line: int = 1
    column: int = 1
    document: int = 0
    item: int | None = None
    text: bytes = field(default=b"", repr=False, compare=False)

    @property
    def location(self) -> Location:
        """The document's first character."""
        return Location(path=self.path, line=self.line, column=self.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One object: its identity (namespace default and scope already applied), its body and its origin.

    Its role (template, policy, rendered work) is where it is kept, not a field.
    """

    id: ObjectId
    body: Body
    origin: Origin
    digest: str = ""
    """Content key for memos: equal digests mean equal bodies. Empty where nobody computed one."""

    @property
    def api_version(self) -> str:
        """The `apiVersion` as written."""
        return str(self.body.get("apiVersion", ""))

    @property
    def labels(self) -> dict[str, str]:
        """`metadata.labels`, empty where absent."""
        return (self.body.get("metadata") or {}).get("labels") or {}

    @property
    def annotations(self) -> dict[str, str]:
        """`metadata.annotations`, empty where absent."""
        return (self.body.get("metadata") or {}).get("annotations") or {}
