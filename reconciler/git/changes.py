"""A tree with a few files changed: only the trees on the way to a change are opened, whatever the size of the rest."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.errors import GitError
from reconciler.git.objects import EMPTY_TREE, FILE, TREE, Kind, check_name, encode_tree, object_id
from reconciler.git.repository import Batch, Repository, raw


def change_tree(
    repository: Repository, previous: str, changes: Mapping[str, bytes | None], batch: Batch
) -> str:
    """The id of `previous` (empty: no tree) with files written (bytes) or removed (None); objects go into the batch.

    Opens only the trees on the way to a change. Directories that become empty go. Removing what is not there is nothing.
    Raises GitError for a name that a tree cannot hold, or for a file that is also a directory.
    """
    root: dict[str, object] = {}
    for path, data in changes.items():
        at = root
        *parents, name = path.split("/")
        for part in parents:
            below = at.setdefault(part, {})
            if not isinstance(below, dict):
                raise GitError(f"{path} would be below a file")
            at = below
        if isinstance(at.get(name), dict):
            raise GitError(f"{path} would be a file and a directory")
        at[name] = data
    oid = _changed(repository, raw(previous) if previous else EMPTY_TREE, root, batch)
    if oid is None:
        oid = batch.add(Kind.TREE, b"")
    return oid.hex()


def _changed(
    repository: Repository, tree: bytes, changes: Mapping[str, object], batch: Batch
) -> bytes | None:
    """The changed tree, or None when nothing is left in it."""
    entries = {entry.name: entry for entry in repository.tree(tree)}
    lines = {name: (entry.mode, entry.oid) for name, entry in entries.items()}
    for name, change in changes.items():
        key = name.encode()
        if isinstance(change, dict):
            here = entries.get(key)
            below = _changed(
                repository, here.oid if here is not None and here.is_tree else EMPTY_TREE, change, batch
            )
            if below is not None:
                check_name(name)
                lines[key] = (TREE, below)
            elif here is not None and here.is_tree:
                del lines[key]
        elif isinstance(change, bytes):
            check_name(name)
            oid = object_id(Kind.BLOB, change)
            lines[key] = (FILE, oid)
            here = entries.get(key)
            if here is None or here.oid != oid:
                batch.put(oid, Kind.BLOB, change)
        else:
            lines.pop(key, None)
    if not lines:
        return None
    if lines == {name: (entry.mode, entry.oid) for name, entry in entries.items()}:
        return tree
    return batch.add(Kind.TREE, encode_tree([(name, mode, oid) for name, (mode, oid) in lines.items()]))
