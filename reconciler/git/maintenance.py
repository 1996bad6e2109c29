"""Keeps a mirror small and quick: merges packs off the hot path, drops what no reference needs after a while.

Only for repositories of ours (`mirror`), by their owner. Safe beside a writer: what was written within the last hour
stays, referenced or not, and an open `Repository` reads on.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from reconciler.git.command import local_git
from reconciler.git.errors import translated
from reconciler.git.repository import Repository

PACKS: Final = 50
"""From this number on a missing object costs too much to look for (measured)."""

_GROWTH: Final = 64 << 20
_SIZE_FILE: Final = "reconciler-packed-size"
_KEEP: Final = "1.hour.ago"


class Due(StrEnum):
    """What should be done next."""

    NOTHING = "nothing"
    MERGE = "merge"
    CLEAN = "clean"


def due(repository: Repository) -> Due:
    """MERGE at 50 packs; CLEAN when the packs have doubled (and grown by 64 MiB) since the last cleaning."""
    with translated("cannot measure the packs"):
        sizes = [path.stat().st_size for path in repository.pack_directory.glob("pack-*.pack")]
        path = repository.directory / _SIZE_FILE
        text = path.read_text().strip() if path.exists() else ""
        last = int(text) if text.isdigit() else 0
    if len(sizes) >= PACKS and sum(sizes) > 2 * last + _GROWTH:
        return Due.CLEAN
    return Due.MERGE if len(sizes) >= PACKS else Due.NOTHING


def maintain(repository: Repository, *, need: Due | None = None) -> Due:
    """Do what is due (or `need`); what was done. Runs `git` for seconds, so call it off the hot path. Raises GitError."""
    need = due(repository) if need is None else need
    match need:
        case Due.MERGE:
            _git(repository, "repack", "--geometric=2", "-d", "--quiet")
        case Due.CLEAN:
            _git(repository, "repack", "--cruft", f"--cruft-expiration={_KEEP}", "-d", "--quiet")
            _git(repository, "prune", f"--expire={_KEEP}")
            with translated("cannot measure the packs"):
                size = sum(path.stat().st_size for path in repository.pack_directory.glob("pack-*.pack"))
                (repository.directory / _SIZE_FILE).write_text(f"{size}\n")
        case Due.NOTHING:
            pass
    return need


def _git(repository: Repository, *arguments: str) -> None:
    local_git(arguments, repository.directory, keep_open=repository.lock)
