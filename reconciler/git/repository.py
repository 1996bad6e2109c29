"""One opened repository: where it lies, reading objects by id, and storing new ones as a pack.

Opens bare repositories, work trees and linked work trees alike and writes none of their configuration. One thread at
a time may use a `Repository`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pygit2

from reconciler.errors import GitError
from reconciler.git.errors import translated
from reconciler.git.objects import EMPTY_TREE, Entry, Kind, object_id, parse_tree
from reconciler.git.pack import write_pack

_KINDS: Final = {1: Kind.COMMIT, 2: Kind.TREE, 3: Kind.BLOB}
_TREE_CACHE: Final = 4096


@dataclass(slots=True)
class Repository:
    """An open repository. `directory` is the common Git directory (that of the main work tree for a linked one).

    `lock` are the file handles of its owner's lock: a `git` program that outlives its owner keeps holding them.
    """

    handle: pygit2.Repository
    directory: Path
    lock: tuple[int, ...] = ()
    _trees: dict[bytes, list[Entry]] = field(default_factory=dict)

    @property
    def pack_directory(self) -> Path:
        """Where packs are written."""
        return self.directory / "objects" / "pack"

    def read(self, oid: bytes, kind: Kind) -> bytes:
        """The content of an object. Raises GitError if it is missing or of another kind."""
        with translated(f"cannot read {kind.name.lower()} {oid.hex()}"):
            found, data = self.handle.odb.read(oid.hex())
        if _KINDS.get(int(found)) is not kind:
            raise GitError(f"object {oid.hex()} is not a {kind.name.lower()}")
        return bytes(data)

    def size(self, oid: bytes) -> int:
        """The size of an object in bytes, without inflating it."""
        with translated(f"cannot read object {oid.hex()}"):
            return int(self.handle.odb.read_header(oid.hex())[1])

    def has(self, oid: bytes) -> bool:
        """Whether the object is stored here. A miss is slow when there are many packs."""
        return oid == EMPTY_TREE or bool(self.handle.odb.exists(oid.hex()))

    def tree(self, oid: bytes) -> list[Entry]:
        """The entries of a tree; the list is shared, do not change it."""
        if oid == EMPTY_TREE:
            return []
        entries = self._trees.get(oid)
        if entries is None:
            entries = parse_tree(self.read(oid, Kind.TREE))
            if len(self._trees) >= _TREE_CACHE:
                self._trees.clear()
            self._trees[oid] = entries
        return entries

    def entry(self, tree: bytes, path: str) -> Entry | None:
        """The entry at a path below a tree, or None."""
        found: Entry | None = None
        for part in path.encode().split(b"/"):
            if found is not None:
                if not found.is_tree:
                    return None
                tree = found.oid
            found = next((entry for entry in self.tree(tree) if entry.name == part), None)
            if found is None:
                return None
        return found

    def reachable(self, tree: bytes) -> set[bytes]:
        """The ids of a tree and of everything below it; equal subtrees are opened once."""
        seen = {tree}
        waiting = [tree]
        while waiting:
            for entry in self.tree(waiting.pop()):
                if entry.oid not in seen:
                    seen.add(entry.oid)
                    if entry.is_tree:
                        waiting.append(entry.oid)
        return seen

    def write(self, objects: dict[bytes, tuple[Kind, bytes]]) -> None:
        """Store objects as one pack (nothing for none). They are durable when this returns."""
        write_pack(objects, self.pack_directory)


@dataclass(slots=True)
class Batch:
    """Objects that wait to be written together, less those that the repository is known to hold."""

    known: set[bytes] = field(default_factory=set)
    objects: dict[bytes, tuple[Kind, bytes]] = field(default_factory=dict)

    def add(self, kind: Kind, data: bytes) -> bytes:
        """Take an object; its raw id."""
        oid = object_id(kind, data)
        self.put(oid, kind, data)
        return oid

    def put(self, oid: bytes, kind: Kind, data: bytes) -> None:
        """Take an object whose id is known already."""
        if oid not in self.known:
            self.objects[oid] = (kind, data)


def open_repository(path: Path | str) -> Repository:
    """Open the repository at a path: a bare one, a `.git` directory or a work tree's root.

    Raises GitError with the reason: not a repository, another owner's, or a format that libgit2 cannot read.
    """
    with translated(f"cannot open the Git repository {path}"):
        handle = pygit2.Repository(str(path))
    directory = Path(handle.path)
    common = directory / "commondir"
    if common.is_file():
        directory = (directory / common.read_text().strip()).resolve()
    return Repository(handle=handle, directory=directory)


def reopened(repository: Repository) -> Repository:
    """Another handle on the same repository, for another thread; it holds its owner's lock as well."""
    found = open_repository(repository.directory)
    found.lock = repository.lock
    return found


def raw(oid: str) -> bytes:
    """The raw id of hexadecimal text. Raises GitError if it is none."""
    try:
        value = bytes.fromhex(oid)
    except ValueError:
        value = b""
    if len(value) != 20:
        raise GitError(f"{oid!r} is not the full id of a Git object")
    return value
