"""Files below a directory as they lie there, for local runs: what `git.checkout` is for a commit."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pygit2

from reconciler.errors import GitError, Problem
from reconciler.git.entries import (
    CONTROL,
    DEEPEST,
    LARGEST_FILE,
    MOST_BYTES,
    MOST_ENTRIES,
    Link,
    inside,
    is_candidate,
    link_problem,
    measureless,
    problem_at,
    too_large,
)
from reconciler.git.errors import translated
from reconciler.model.fleet import Source, SourceFile


def read_work_tree(root: Path | str) -> Source:
    """The files below a directory as they lie there, for local runs: uncommitted and ignored ones included.

    Not entered: `.git`, and directories whose name begins with a dot. `commit` is empty; `time` is HEAD's committer
    date, or without a commit the newest modification time of a file that was read (whole seconds). Problems as
    `read_commit` gives them; R122 for what the operating system does not let us read. Raises GitError where `root` is
    no directory.
    """
    base = Path(root)
    if not base.is_dir():
        raise GitError(f"{base} is not a directory")
    files: list[SourceFile] = []
    problems: list[Problem] = []
    newest, size = 0, 0
    for path in _walk(base, problems):
        try:
            found = _read_file(base / path)
        except OSError as error:
            problems.append(problem_at("R122", path, f"cannot be read: {error.strerror or error}"))
            continue
        if isinstance(found, int):
            problems.append(too_large(path, found))
            continue
        newest, size = max(newest, found.changed), size + len(found.data)
        if size > MOST_BYTES:
            raise measureless("", f"its manifests have more than {MOST_BYTES:,} bytes")
        files.append(
            SourceFile(path=path, data=found.data, oid=str(pygit2.hash(found.data)), mode=found.mode)
        )
    time = _head_time(base)
    return Source(
        commit="",
        time=datetime.fromtimestamp(newest, UTC) if time is None else time,
        files=tuple(sorted(files, key=lambda file: file.path)),
        problems=tuple(sorted(problems, key=Problem.sort_key)),
    )


class _File(NamedTuple):
    data: bytes
    mode: int
    changed: int


def _walk(base: Path, problems: list[Problem]) -> Iterator[str]:
    """The path of every candidate file. What else deserves a word goes to `problems`."""
    pending = [""]
    entries = 0
    while pending:
        prefix = pending.pop()
        if prefix.count("/") > DEEPEST:
            raise measureless(prefix, f"it has more than {DEEPEST} levels of directories")
        found = _listed(base, prefix, problems)
        entries += len(found)
        if entries > MOST_ENTRIES:
            raise measureless("", f"it has more than {MOST_ENTRIES:,} entries")
        if prefix and any(entry.name == ".git" for entry in found):
            words = "a repository of its own: Git records it as a submodule, without its files"
            problems.append(problem_at("R117", prefix.rstrip("/"), words))
            continue
        for entry in found:
            path = prefix + entry.name
            is_directory = entry.is_dir(follow_symlinks=False)
            if entry.is_symlink():
                problem = _link_problem(base, path)
                problems += [problem] if problem else []
            elif (is_directory and entry.name.startswith(".")) or (
                not is_directory and not is_candidate(entry.name)
            ):
                continue
            elif refusal := _unfit(entry.name):
                problems.append(problem_at("R120", _printable(path), refusal))
            elif is_directory:
                pending.append(f"{path}/")
            else:
                yield path


def _listed(base: Path, prefix: str, problems: list[Problem]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(base / prefix) as scan:
            return sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        problems.append(problem_at("R122", prefix.rstrip("/"), f"cannot be listed: {error.strerror}"))
        return []


def _read_file(path: Path) -> _File | int:
    # A pipe must not block, and a link that took the file's place must not be followed.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as handle:
        status = os.fstat(handle.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is no regular file")
        if status.st_size > LARGEST_FILE:
            return status.st_size
        data = handle.read(LARGEST_FILE + 1)
        mode = 0o100755 if status.st_mode & stat.S_IXUSR else 0o100644
        return len(data) if len(data) > LARGEST_FILE else _File(data, mode, int(status.st_mtime))


def _link_problem(base: Path, path: str) -> Problem | None:
    link = Link(_printable(path), os.fspath((base / path).readlink()))
    target = inside(link)
    kind = ""
    if target is not None:
        place = base / target
        kind = "file" if place.is_file() else "directory" if place.is_dir() else ""
        if kind and not place.resolve().is_relative_to(base.resolve()):
            kind = ""
    return link_problem(link, kind)


def _unfit(name: str) -> str:
    if _printable(name) != name:
        return "this name is not UTF-8"
    return "this name holds control characters" if CONTROL.search(name) else ""


def _printable(path: str) -> str:
    return path.encode(errors="surrogateescape").decode(errors="replace")


def _head_time(base: Path) -> datetime | None:
    found = pygit2.discover_repository(str(base))
    if found is None:
        return None
    with translated(f"cannot open the Git repository of {base}"):
        repository = pygit2.Repository(found)
        if repository.head_is_unborn:
            return None
        return datetime.fromtimestamp(repository.head.peel(pygit2.Commit).committer.time, UTC)
