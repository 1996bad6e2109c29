"""The history of one file of a branch: the commits that changed it, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.git.commits import Commit, read_commit
from reconciler.git.objects import Kind
from reconciler.git.repository import Repository, raw


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """A commit that changed a file, and what it held from then on; None where it was removed."""

    commit: Commit
    data: bytes | None


def changes_of(repository: Repository, tip: str, path: str) -> Iterator[FileChange]:
    """The changes of `path` along the first parents of `tip`, newest first. Raises GitError."""
    at = read_commit(repository, tip) if tip else None
    oid = _oid(repository, at, path)
    while at is not None:
        before = read_commit(repository, at.parents[0]) if at.parents else None
        old = _oid(repository, before, path)
        if oid != old:
            yield FileChange(commit=at, data=repository.read(oid, Kind.BLOB) if oid else None)
        at, oid = before, old


def _oid(repository: Repository, commit: Commit | None, path: str) -> bytes | None:
    entry = repository.entry(raw(commit.tree), path) if commit is not None else None
    return entry.oid if entry is not None and not entry.is_tree else None
