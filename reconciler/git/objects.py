"""Git objects as bytes: their ids, and trees encoded and parsed (no index, no work tree, no process).

Pure functions on bytes. Ids are raw (20 bytes) in here and in the modules that write; hexadecimal text elsewhere.
`content_id` is the id the same object has in Git's SHA-256 object format: the digest of a tree that does not rest
on SHA-1.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from enum import IntEnum
from typing import Final, NamedTuple

from reconciler.errors import GitError

FILE: Final = b"100644"
TREE: Final = b"40000"
EXECUTABLE: Final = b"100755"
SYMLINK: Final = b"120000"
SUBMODULE: Final = b"160000"

EMPTY_TREE: Final = bytes.fromhex("4b825dc642cb6eb9a060e54bf8d69288fbee4904")

# What HFS+ ignores in names (git's own list, utf8.c): `.g<U+200C>it` is `.git` there.
_IGNORED_BY_HFS: Final = re.compile(
    "[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]",
)
_DOT_GIT: Final = re.compile(r"(\.git|git~\d+)[. ]*(:.*)?", re.IGNORECASE)
_MODULES: Final = re.compile(r"\.git(modules|attributes|ignore)|gitmod~\d+|gi[0-9a-f]{4}~\d+", re.IGNORECASE)


class Kind(IntEnum):
    """The type of an object, as a pack encodes it."""

    COMMIT = 1
    TREE = 2
    BLOB = 3


_TYPE_NAME: Final = {Kind.COMMIT: b"commit", Kind.TREE: b"tree", Kind.BLOB: b"blob"}


class Ids(NamedTuple):
    """One object's id, and its id in the SHA-256 object format (raw bytes)."""

    oid: bytes
    content: bytes


class Entry(NamedTuple):
    """One line of a tree. `mode` is as Git stores it: `40000`, not `040000`."""

    name: bytes
    mode: bytes
    oid: bytes

    @property
    def is_tree(self) -> bool:
        """Whether this is a directory."""
        return self.mode == TREE


def object_id(kind: Kind, data: bytes) -> bytes:
    """The raw id of an object with this content."""
    return hashlib.sha1(b"%s %d\0%s" % (_TYPE_NAME[kind], len(data), data), usedforsecurity=False).digest()


def blob_ids(data: bytes) -> Ids:
    """Both ids of a blob."""
    header = b"blob %d\0" % len(data)
    return Ids(
        hashlib.sha1(header + data, usedforsecurity=False).digest(), hashlib.sha256(header + data).digest()
    )


def encode_tree(entries: Iterable[tuple[bytes, bytes, bytes]]) -> bytes:
    """The bytes of a tree from (name, mode, raw id) in any order. Git sorts a directory as `name/`."""
    ordered = sorted(entries, key=lambda entry: entry[0] + b"/" if entry[1] == TREE else entry[0])
    return b"".join([b"%s %s\0%s" % (mode, name, oid) for name, mode, oid in ordered])


def content_tree_id(entries: Iterable[tuple[bytes, bytes, bytes]]) -> bytes:
    """The SHA-256 format's id of a tree whose entries carry SHA-256 format ids."""
    data = encode_tree(entries)
    return hashlib.sha256(b"tree %d\0" % len(data) + data).digest()


def parse_tree(data: bytes) -> list[Entry]:
    """The entries of a tree, in its own order. Raises GitError if the bytes are not a tree."""
    entries: list[Entry] = []
    position, end = 0, len(data)
    while position < end:
        space = data.find(b" ", position)
        zero = data.find(b"\0", space)
        if space < 0 or zero < 0 or zero + 21 > end:
            raise GitError("a tree object is damaged")
        entries.append(Entry(data[space + 1 : zero], data[position:space], data[zero + 1 : zero + 21]))
        position = zero + 21
    return entries


def check_name(name: str) -> None:
    """Raise GitError for a name that Git, or the file system of a work tree, would not hold as it is."""
    bare = _IGNORED_BY_HFS.sub("", name)
    if not name or name in {".", ".."} or "/" in name or "\\" in name:
        raise GitError(f"{name!r} cannot be a file name in a tree")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in name):
        raise GitError(f"{name!r} holds control characters and cannot be a file name in a tree")
    if _DOT_GIT.fullmatch(bare):
        raise GitError(f"{name!r} is Git's own directory on some file systems and cannot be in a tree")
    if _MODULES.fullmatch(bare) and name not in {".gitattributes", ".gitignore"}:
        raise GitError(f"{name!r} steers Git itself and cannot be in a tree")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise GitError(f"{name!r} is not text and cannot be a file name in a tree") from error


def is_dot_git(name: str) -> bool:
    """Whether some file system takes this name for `.git`."""
    return _DOT_GIT.fullmatch(_IGNORED_BY_HFS.sub("", name)) is not None
