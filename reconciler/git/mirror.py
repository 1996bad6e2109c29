"""The bare repository in the data directory: a cache of the remotes that one process owns and may lose.

Everything in it can be fetched or rendered again. Opening it removes what a killed process left (locks, half-written packs,
references without their commit); what cannot be opened is put aside and made anew. Never anything's only copy.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pygit2

from reconciler.errors import GitError, SettingsError
from reconciler.git.errors import translated
from reconciler.git.pack import sync_directory
from reconciler.git.references import RefUpdate, clear_stale_locks, list_references, update_references
from reconciler.git.repository import Repository, open_repository, raw

_NAME: Final = "mirror.git"
_LOCK: Final = "mirror.lock"
_DAMAGED: Final = "mirror.damaged"


@dataclass(slots=True)
class Mirror:
    """The opened cache. Close it (or use `with`) to let another process have it.

    `rebuilt` says that it starts empty because the old one could not be opened.
    """

    repository: Repository
    rebuilt: bool
    _lock: int

    def close(self) -> None:
        """Let go of the directory."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_mirror(data: Path, *, patience: float = 10.0) -> Mirror:
    """Open, or make, the mirror below a data directory, for this process alone.

    Waits `patience` seconds for it: a `git` program may still run that a killed process started. Raises
    SettingsError when another process has it, GitError when the directory cannot be used.
    """
    with translated(f"cannot use the data directory {data}"):
        data.mkdir(parents=True, exist_ok=True)
        lock = os.open(data / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(lock, data, patience)
        path, rebuilt = data / _NAME, False
        if path.exists():
            try:
                return _mirror(_recovered(path), lock, rebuilt=False)
            except GitError:
                rebuilt = True
                with translated(f"cannot put the damaged {path} aside"):
                    shutil.rmtree(data / _DAMAGED, ignore_errors=True)
                    path.rename(data / _DAMAGED)
        _make(path)
        return _mirror(open_repository(path), lock, rebuilt=rebuilt)
    except BaseException:
        os.close(lock)
        raise


def _take(lock: int, data: Path, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if time.monotonic() > deadline:
                raise SettingsError(
                    f"another process uses the data directory {data}: give each its own"
                ) from error
            time.sleep(0.05)
        else:
            return


def _mirror(repository: Repository, lock: int, *, rebuilt: bool) -> Mirror:
    repository.lock = (lock,)
    return Mirror(repository, rebuilt, lock)


def _make(path: Path) -> None:
    """Made beside its place and renamed, so that it is whole or not there."""
    half = path.with_name(path.name + ".new")
    with translated(f"cannot make {path}"):
        shutil.rmtree(half, ignore_errors=True)
        pygit2.init_repository(str(half), bare=True, initial_head="main")
        half.rename(path)
        sync_directory(path.parent)


def _recovered(path: Path) -> Repository:
    """The repository after whatever stopped its last owner. Raises GitError when there is nothing to go on with."""
    repository = open_repository(path)
    clear_stale_locks(repository)
    with translated(f"cannot clean {path}"):
        for left in repository.directory.glob("objects/**/tmp_*"):
            left.unlink(missing_ok=True) if left.is_file() else shutil.rmtree(left, ignore_errors=True)
        for pack in repository.pack_directory.glob("pack-*.pack"):
            if not pack.with_suffix(".idx").exists():
                pack.unlink(missing_ok=True)
        _remove_unreadable(repository.directory / "refs")
        broken = [
            RefUpdate(name=name, old=oid, new="")
            for name, oid in list_references(repository, "refs/").items()
            if not repository.has(raw(oid))
        ]
    update_references(repository, broken)
    return repository


def _remove_unreadable(directory: Path) -> None:
    """Loose references that a power failure emptied: the remote knows them."""
    for path in directory.rglob("*"):
        with suppress(IsADirectoryError):
            text = path.read_text(errors="replace").strip() if path.is_file() else "ref:"
            if len(text) != 40 and not text.startswith("ref:"):
                path.unlink()
