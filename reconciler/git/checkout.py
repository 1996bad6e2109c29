"""A commit's files as bytes, straight from the object store: no index, no work tree, nothing followed.

What a stranger may have put into a tree (links, submodules, names that lead elsewhere, bombs) ends in a `Problem` or a
`FleetError`, in bounded time and memory. Which files count, and what they mean, is decided elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import pygit2

from reconciler.errors import GitError, Problem
from reconciler.git.entries import (
    DEEPEST,
    LARGEST_FILE,
    MOST_BYTES,
    MOST_ENTRIES,
    REGULAR,
    Link,
    inside,
    is_candidate,
    link_problem,
    measureless,
    problem_at,
    shown,
    too_large,
    unfit,
)
from reconciler.git.errors import scrub, translated
from reconciler.git.objects import SUBMODULE, SYMLINK, TREE, Entry, parse_tree
from reconciler.git.worktree import read_work_tree
from reconciler.model.fleet import Source, SourceFile

__all__ = ["FileChange", "ReadCache", "changed_files", "read_commit", "read_work_tree", "resolve"]

_LONGEST_LINK: Final = 4096
# Names that need no closer look; `.git` and its short name on Windows begin otherwise.
_ORDINARY: Final = re.compile(rb"(?!\.|[gG][iI])[A-Za-z0-9._+@=,~ -]+\Z")


class _Listing(NamedTuple):
    """What one directory (a tree's id) holds: its own files, and everything with what is below."""

    tree: bytes
    own: tuple[SourceFile, ...]
    files: tuple[SourceFile, ...]
    problems: tuple[Problem, ...]
    links: tuple[Link, ...]
    entries: int
    directories: int


@dataclass(slots=True)
class ReadCache:
    """What the last reads of one repository found, by directory: one that is unchanged is not opened again.

    Kept by the caller between reads. About one commit's worth; changes speed, never the result.
    """

    listings: dict[str, _Listing] = field(default_factory=dict)


def read_commit(repository: pygit2.Repository, commit: str, cache: ReadCache | None = None) -> Source:
    """The files of a commit (full id) that could be manifests or settings, sorted by path, with mode and blob id.

    `problems` hold what was found and not read: submodules, symbolic links, impossible names, files too large
    (R105, R117-R120); each names its path, so that ignored paths can be left out. Raises GitError for a commit that is
    not there, FleetError (R123) for a tree without measure.
    """
    found = _commit(repository, commit)
    reader = _Reader(repository, ReadCache() if cache is None else cache)
    root = bytes.fromhex(str(found.tree_id))
    listing = reader.root(root)
    judged = [reader.judge(link, root) for link in listing.links]
    problems = [*listing.problems, *(problem for problem in judged if problem is not None)]
    return Source(
        commit=str(found.id),
        time=datetime.fromtimestamp(found.committer.time, UTC),
        files=tuple(sorted(listing.files, key=lambda file: file.path)),
        problems=tuple(sorted(problems, key=Problem.sort_key)),
    )


def resolve(repository: pygit2.Repository, revision: str) -> str:
    """The full id of the commit that a revision names (branch, tag, id, `HEAD~2`); annotated tags are followed.

    Raises GitError, with the command that may fetch what is missing.
    """
    try:
        found = repository.revparse_single(revision).peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.GitError) as error:
        raise GitError(scrub(_missing(repository, revision))) from error
    return str(found.id)


def _missing(repository: pygit2.Repository, revision: str) -> str:
    words = f"{revision} is no commit in this repository"
    remotes = [str(remote.name) for remote in repository.remotes]
    if not remotes and repository.head_is_unborn and not list(repository.references):
        return f"{words}: it has none yet; commit first"
    fetched = next(
        (
            f"{name}/{revision}"
            for name in remotes
            if f"refs/remotes/{name}/{revision}" in repository.references
        ),
        "",
    )
    if fetched:
        return f"{words}; {fetched} is: say that, or make the branch with git branch {revision} {fetched}"
    remote, _, branch = revision.partition("/")
    if remote not in remotes or not branch:
        remote, branch = (remotes or [""])[0], revision
    if remote and re.fullmatch(r"[A-Za-z0-9][\w./-]*", branch):
        words += f"; to fetch it: git fetch {remote} +refs/heads/{branch}:refs/remotes/{remote}/{branch}"
        if revision == branch:
            words += f", then say {remote}/{branch}"
    if repository.is_shallow:
        words += "; this clone is shallow, `git fetch --unshallow` completes it"
    return words


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class FileChange:
    """One path that differs between two trees. `old` and `new` are blob ids; empty: not there."""

    path: str
    old: str = ""
    new: str = ""


def changed_files(repository: pygit2.Repository, base: str, head: str) -> tuple[FileChange, ...]:
    """The paths that differ between two commits or trees (ids; empty: nothing), sorted. Equal subtrees are not opened.

    A change of mode alone counts, with `old` equal to `new`.
    """
    changes: list[FileChange] = []
    pending = [("", _tree_of(repository, base), _tree_of(repository, head))]
    while pending:
        prefix, old_tree, new_tree = pending.pop()
        old = {entry.name: entry for entry in _entries(repository, old_tree)}
        new = {entry.name: entry for entry in _entries(repository, new_tree)}
        for name in old.keys() | new.keys():
            before, after = old.get(name), new.get(name)
            if before == after:
                continue
            path = prefix + shown(name)
            old_below, new_below = (
                entry.oid if entry and entry.mode == TREE else None for entry in (before, after)
            )
            if old_below or new_below:
                pending.append((f"{path}/", old_below, new_below))
            old_blob = before.oid.hex() if before and before.mode != TREE else ""
            new_blob = after.oid.hex() if after and after.mode != TREE else ""
            if old_blob or new_blob:
                changes.append(FileChange(path=path, old=old_blob, new=new_blob))
    return tuple(sorted(changes))


def _tree_of(repository: pygit2.Repository, revision: str) -> bytes | None:
    if not revision:
        return None
    with translated(f"cannot read the tree of {revision}"):
        return bytes.fromhex(str(repository[revision].peel(pygit2.Tree).id))


def _entries(repository: pygit2.Repository, tree: bytes | None) -> list[Entry]:
    if tree is None:
        return []
    with translated(f"cannot read tree {tree.hex()}"):
        return parse_tree(repository.odb.read(tree.hex())[1])


def _commit(repository: pygit2.Repository, commit: str) -> Any:
    with translated(f"cannot read commit {commit}"):
        found: Any = repository[commit]
    if not isinstance(found, pygit2.Commit):
        raise GitError(f"{commit} is not a commit")
    return found


class _Reader:
    """One walk over a commit's trees."""

    def __init__(self, repository: pygit2.Repository, cache: ReadCache) -> None:
        self._repository = repository
        self._listings = cache.listings
        self._blobs: dict[bytes, bytes] = {}
        self._trees: dict[bytes, list[Entry]] = {}
        self._entries = 0
        self._size = 0

    def root(self, tree: bytes) -> _Listing:
        """The listing of the whole tree."""
        try:
            listing = self._directory("", tree, 0)
        except BaseException:
            # Half a walk, of a hostile tree perhaps, is nothing to keep.
            self._listings.clear()
            raise
        if len(self._listings) > 2 * listing.directories + 1_000:
            # Directories that are long gone.
            self._listings.clear()
        return listing

    def _directory(self, prefix: str, tree: bytes, depth: int) -> _Listing:
        if depth > DEEPEST:
            raise measureless(prefix, f"it has more than {DEEPEST} levels of directories")
        known = self._listings.get(prefix)
        if known is not None:
            if known.tree == tree:
                self._count(known.entries)
                return known
            self._blobs.update((bytes.fromhex(file.oid), file.data) for file in known.own)
        listing = self._listing(prefix, tree, depth)
        self._listings[prefix] = listing
        return listing

    def _listing(self, prefix: str, tree: bytes, depth: int) -> _Listing:
        entries = self._trees.get(tree)
        if entries is None:
            entries = self._trees[tree] = _entries(self._repository, tree)
        self._count(len(entries))
        own: list[SourceFile] = []
        problems: list[Problem] = []
        links: list[Link] = []
        below: list[_Listing] = []
        for entry in entries:
            name = shown(entry.name)
            path = prefix + name
            is_read = entry.mode in REGULAR and is_candidate(name)
            if not _ORDINARY.match(entry.name) and (refusal := unfit(entry, name, is_read=is_read)):
                problems.append(problem_at("R120", path, refusal))
            elif entry.mode == TREE:
                below.append(self._directory(f"{path}/", entry.oid, depth + 1))
            elif is_read:
                data = self._blob(entry.oid)
                if isinstance(data, int):
                    problems.append(too_large(path, data))
                else:
                    own.append(SourceFile(path=path, data=data, oid=entry.oid.hex(), mode=int(entry.mode, 8)))
            elif entry.mode == SYMLINK:
                links.append(Link(path, self._target(entry.oid)))
            elif entry.mode == SUBMODULE:
                problems.append(problem_at("R117", path, "a submodule: its files are not in this repository"))
            elif entry.mode not in REGULAR:
                words = f"mode {entry.mode.decode(errors='replace')} is none of Git's"
                problems.append(problem_at("R120", path, words))
        return _Listing(
            tree=tree,
            own=tuple(own),
            files=(*own, *(file for each in below for file in each.files)),
            problems=(*problems, *(problem for each in below for problem in each.problems)),
            links=(*links, *(link for each in below for link in each.links)),
            entries=len(entries) + sum(each.entries for each in below),
            directories=1 + sum(each.directories for each in below),
        )

    def _count(self, entries: int) -> None:
        self._entries += entries
        if self._entries > MOST_ENTRIES:
            raise measureless("", f"it has more than {MOST_ENTRIES:,} entries")

    def _blob(self, oid: bytes) -> bytes | int:
        """A blob's bytes, or its size where that is beyond the limit. Equal files share their bytes."""
        data = self._blobs.get(oid)
        if data is None:
            with translated(f"cannot read blob {oid.hex()}"):
                size = int(self._repository.odb.read_header(oid.hex())[1])
                if size > LARGEST_FILE:
                    return size
                data = bytes(self._repository.odb.read(oid.hex())[1])
            self._size += size
            if self._size > MOST_BYTES:
                raise measureless("", f"its manifests have more than {MOST_BYTES:,} bytes")
            self._blobs[oid] = data
        return data

    def _target(self, oid: bytes) -> str | None:
        with translated(f"cannot read blob {oid.hex()}"):
            size = int(self._repository.odb.read_header(oid.hex())[1])
            return shown(self._repository.odb.read(oid.hex())[1]) if size <= _LONGEST_LINK else None

    def judge(self, link: Link, root: bytes) -> Problem | None:
        """What is to be said about a link: it is never followed."""
        target = inside(link)
        mode = None if target is None else self._mode_at(root, target)
        return link_problem(link, "file" if mode in REGULAR else "directory" if mode == TREE else "")

    def _mode_at(self, root: bytes, path: str) -> bytes | None:
        if path == ".":
            return TREE
        tree, mode = root, TREE
        for part in path.split("/"):
            if mode != TREE:
                return None
            entry = next((one for one in _entries(self._repository, tree) if shown(one.name) == part), None)
            if entry is None:
                return None
            tree, mode = entry.oid, entry.mode
        return mode
