"""What is remembered between two calls of `assemble`: readings and manifests by blob id. Changes speed, never the answer."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.fleet.reading import Reading, read_file
from reconciler.model.fleet import SourceFile

Memo = MutableMapping[tuple[str, ...], Any]
"""What the last call computed, by blob id. Kept by the caller between two calls of one process; holds one commit's worth."""


@dataclass(slots=True)
class Recollection:
    """A memo during one call: what is not used again is forgotten when the call ends."""

    memo: Memo
    used: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def recall(self, key: tuple[str, ...]) -> Any:
        """What is known under `key`, or None."""
        found = self.memo.get(key)
        if found is not None:
            self.used[key] = found
        return found

    def settle(self) -> None:
        """Keep what this call used, and forget the rest."""
        self.memo.clear()
        self.memo.update(self.used)

    def reading(self, file: SourceFile) -> Reading:
        """What the file says; read again only where its bytes are new."""
        if not file.oid:
            return read_file(file)
        key = ("reading", file.oid, file.path)
        found: Reading | None = self.recall(key)
        if found is None:
            found = self.used[key] = read_file(file)
        return found
