"""Writes file contents as Git trees: a whole render tree by partition refinement, or a few changes to an older tree.

The work is proportional to distinct content: clusters that get the same files share blobs and trees, directories that are
as they were are not built again, and an incremental change never opens an unchanged subtree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from reconciler.errors import GitError, Problem
from reconciler.git.errors import large_directory_problem
from reconciler.git.objects import (
    EMPTY_TREE,
    FILE,
    TREE,
    Ids,
    Kind,
    blob_ids,
    check_name,
    content_tree_id,
    encode_tree,
    object_id,
)
from reconciler.git.repository import Batch, Repository, raw
from reconciler.model.tree import RenderTree

DIRECTORY_LIMIT: Final = 2500
"""Entries from which hosts truncate a directory's page."""

ATTRIBUTES_NAME: Final = ".gitattributes"
ATTRIBUTES: Final = b"* linguist-generated=true\n"

CLUSTERS: Final = "clusters"
BINDINGS: Final = "bindings"

_NOTHING: Final = Ids(EMPTY_TREE, content_tree_id(()))


class _Item(NamedTuple):
    """One content at one name of a directory, for the clusters of `mask` (bit = index of the cluster)."""

    name: bytes
    mode: bytes
    ids: Ids
    mask: int


class _Part(NamedTuple):
    """The clusters of `mask` share this directory."""

    mask: int
    ids: Ids
    entries: int


@dataclass(slots=True)
class _Directory:
    """What a directory was built from last time, and the answer."""

    items: list[_Item]
    parts: list[_Part]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltTree:
    """A render tree as Git trees (hexadecimal ids). `digest` is the root's id in the SHA-256 object format."""

    root: str
    digest: str
    clusters: Mapping[str, str]
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class TreeWriter:
    """Builds render trees and remembers ids and directories of the last one. Memory changes speed, never the answer."""

    _clusters: tuple[str, ...] = ()
    _blobs: dict[bytes, Ids] = field(default_factory=dict)
    _directories: dict[str, _Directory] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)
    _last: tuple[RenderTree, BuiltTree] | None = None
    _known_root: str = ""
    _known: set[bytes] = field(default_factory=set)

    def known(self, repository: Repository, root: str) -> set[bytes]:
        """What a repository that holds this root tree (empty: none) holds: only this is never written again.

        Bound to a tree that a branch holds, so that objects a clean-up may take are not counted upon.
        """
        if not root:
            return set()
        if root != self._known_root:
            self._known = repository.reachable(raw(root))
            self._known_root = root
        return self._known

    def stored(self, root: str, batch: Batch) -> None:
        """Remember that the batch was written and that `root` is the next tree to start from."""
        self._known_root, self._known = root, batch.known
        self._known.update(batch.objects)
        if len(self._known) > 4 * (len(self._blobs) + len(self._directories)) + 100_000:
            self._known_root, self._known = "", set()  # mostly history by now: walk the tree again next time

    def build(self, tree: RenderTree, batch: Batch) -> BuiltTree:
        """Put the tree's objects into the batch. Raises GitError for names and paths that a tree cannot hold."""
        if self._last is not None and self._last[0] is tree and raw(self._last[1].root) in batch.known:
            return self._last[1]
        if tree.clusters != self._clusters:
            self._clusters = tree.clusters
            self._directories = {}
        building = _Building(self, batch, _masks(tree.clusters))
        built = building.run(tree)
        self._blobs, self._directories = building.blobs, building.directories
        self._last = (tree, built)
        return built

    def check(self, name: str) -> None:
        """Check a name once."""
        if name not in self._names:
            check_name(name)
            if len(self._names) > 500_000:
                self._names.clear()
            self._names.add(name)


class _Building:
    """One run of TreeWriter.build."""

    def __init__(self, writer: TreeWriter, batch: Batch, masks: Mapping[str, int]) -> None:
        self.writer = writer
        self.batch = batch
        self.masks = masks
        self.everyone = (1 << len(masks)) - 1
        self.blobs: dict[bytes, Ids] = {}
        self.directories: dict[str, _Directory] = {}
        self.problems: list[Problem] = []

    def run(self, tree: RenderTree) -> BuiltTree:
        attributes = self.blob(ATTRIBUTES)
        root: list[_Item] = [_Item(ATTRIBUTES_NAME.encode(), FILE, attributes, 1)]
        cluster_ids: dict[str, Ids] = {}
        if tree.clusters:
            files = self.files(tree)
            if not any(path == ATTRIBUTES_NAME for path, _, _ in files):
                files.append((ATTRIBUTES_NAME, attributes, self.everyone))
            for part in self.partition(CLUSTERS, files):
                for name, mask in self.masks.items():
                    if mask & part.mask:
                        cluster_ids[name] = part.ids
            items = []
            for name in tree.clusters:
                self.writer.check(name)
                items.append(_Item(name.encode(), TREE, cluster_ids[name], 1))
            root.append(_Item(CLUSTERS.encode(), TREE, self.tree(items), 1))
            self.measure(CLUSTERS, len(items))
        if tree.bindings:
            files = [(path, self.blob(data), 1) for path, data in tree.bindings.items()]
            (part,) = self.partition(BINDINGS, files, everyone=1)
            root.append(_Item(BINDINGS.encode(), TREE, part.ids, 1))
        ids = self.tree(root)
        return BuiltTree(
            root=ids.oid.hex(),
            digest=f"sha256:{ids.content.hex()}",
            clusters={name: one.oid.hex() for name, one in cluster_ids.items()},
            problems=tuple(sorted(self.problems, key=Problem.sort_key)),
        )

    def files(self, tree: RenderTree) -> list[tuple[str, Ids, int]]:
        """Every variant as (path, ids, mask). Variants share their cluster tuples, so masks are kept by identity."""
        by_identity: dict[int, int] = {}
        masks = self.masks
        found = []
        for variant in tree.variants:
            if not variant.clusters:
                continue
            key = id(variant.clusters)
            mask = by_identity.get(key)
            if mask is None:
                mask = 0
                for name in variant.clusters:
                    if name not in masks:
                        raise GitError(f"{variant.path} is for cluster {name}, which has no directory")
                    mask |= masks[name]
                by_identity[key] = mask
            found.append((variant.path, self.blob(variant.data), mask))
        return found

    def blob(self, data: bytes) -> Ids:
        ids = self.blobs.get(data)
        if ids is None:
            ids = self.writer._blobs.get(data) or blob_ids(data)  # noqa: SLF001 - one class in two halves
            self.blobs[data] = ids
            self.batch.put(ids.oid, Kind.BLOB, data)
        return ids

    def partition(
        self, top: str, files: Iterable[tuple[str, Ids, int]], everyone: int | None = None
    ) -> list[_Part]:
        """The distinct directories below `top`, each with the clusters that have it; every cluster is in one part."""
        everyone = self.everyone if everyone is None else everyone
        check = self.writer.check
        directories: dict[str, list[_Item]] = {}
        for path, ids, mask in files:
            parent, slash, name = path.rpartition("/")
            if slash and not parent:
                raise GitError(f"{path!r} is not a relative path")
            check(name)
            directories.setdefault(parent, []).append(_Item(name.encode(), FILE, ids, mask))
        for below in list(directories):
            parts = below.split("/")
            for count in range(1, len(parts)):
                directories.setdefault("/".join(parts[:count]), [])
        directories.setdefault("", [])
        # The deepest first, so that a directory is complete before its parent is built.
        for path in sorted(directories, key=lambda one: (-one.count("/") if one else 1, one)):
            found = self.directory(f"{top}/{path}".strip("/"), directories[path], everyone)
            if not path:
                return found
            parent, _, name = path.rpartition("/")
            check(name)
            directories[parent] += [
                _Item(name.encode(), TREE, part.ids, part.mask) for part in found if part.entries
            ]
        raise AssertionError("the top directory is always there")

    def directory(self, path: str, items: list[_Item], everyone: int) -> list[_Part]:
        """One directory refined: clusters that have the same entries share one tree."""
        items.sort()
        before = self.writer._directories.get(path)  # noqa: SLF001 - one class in two halves
        known = self.batch.known
        if (
            before is not None
            and before.items == items
            and all(part.ids.oid in known for part in before.parts)
        ):
            parts = before.parts
        else:
            _check_clashes(path, items)
            parts = self.refine(items, everyone)
        self.directories[path] = _Directory(items, parts)
        self.measure(path, max(part.entries for part in parts))
        return parts

    def refine(self, items: list[_Item], everyone: int) -> list[_Part]:
        cells = [everyone]
        masks = {item.mask for item in items}
        for mask in sorted(masks):
            split = []
            for cell in cells:
                inside, outside = cell & mask, cell & ~mask
                split += [part for part in (inside, outside) if part]
            cells = split
        found: dict[bytes, _Part] = {}
        for cell in cells:
            here = {mask for mask in masks if mask & cell}
            entries = [item for item in items if item.mask in here]
            ids = self.tree(entries)
            known = found.get(ids.oid)
            # Two cells with the same entries by other variants are one part: names and contents decide.
            mask = cell if known is None else known.mask | cell
            found[ids.oid] = _Part(mask, ids, len(entries))
        return list(found.values())

    def tree(self, items: list[_Item]) -> Ids:
        if not items:
            return _NOTHING  # nobody refers to it
        data = encode_tree([(item.name, item.mode, item.ids.oid) for item in items])
        oid = self.batch.add(Kind.TREE, data)
        return Ids(oid, content_tree_id([(item.name, item.mode, item.ids.content) for item in items]))

    def measure(self, path: str, entries: int) -> None:
        if entries > DIRECTORY_LIMIT:
            self.problems.append(large_directory_problem(path, entries, DIRECTORY_LIMIT))


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


def build_files(files: Mapping[str, bytes], batch: Batch) -> str:
    """The id of a tree that holds exactly these files; all its objects go into the batch."""
    building = _Building(TreeWriter(), batch, {})
    (part,) = building.partition(
        "", [(path, building.blob(data), 1) for path, data in files.items()], everyone=1
    )
    if not files:
        batch.add(Kind.TREE, b"")  # libgit2, unlike git, has no built-in empty tree
    return part.ids.oid.hex()


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


def _masks(clusters: tuple[str, ...]) -> dict[str, int]:
    if len(set(clusters)) != len(clusters):
        raise GitError("a cluster is listed twice in the render tree")
    return {name: 1 << index for index, name in enumerate(clusters)}


def _check_clashes(path: str, items: list[_Item]) -> None:
    """One content a name and cluster; and no two names in one cluster that a case-folding file system takes for one."""
    taken: dict[str, list[_Item]] = {}
    for item in items:
        others = taken.setdefault(item.name.decode().casefold(), [])
        for other in others:
            if not other.mask & item.mask:
                continue
            if other.name == item.name:
                raise GitError(f"{path}/{item.name.decode()} has two contents for one cluster")
            raise GitError(f"{path}: {other.name.decode()} and {item.name.decode()} differ by case alone")
        others.append(item)
