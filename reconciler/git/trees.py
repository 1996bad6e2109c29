"""Builds Git trees from file contents: a whole render tree by partition refinement, or plain files.

The work is proportional to distinct content: clusters that get the same files share blobs and trees, and what is as it was
last time is neither hashed nor built again. Names that a tree cannot hold are refused here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple, TypeVar

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
)
from reconciler.git.repository import Batch, Repository, raw
from reconciler.model.tree import RenderTree, Variant

DIRECTORY_LIMIT: Final = 2500
"""Entries from which hosts truncate a directory's page."""

ATTRIBUTES_NAME: Final = ".gitattributes"
ATTRIBUTES: Final = b"* linguist-generated=true\n"

CLUSTERS: Final = "clusters"
BINDINGS: Final = "bindings"

_Source = TypeVar("_Source")

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
class _Run:
    """Consecutive contents as given last time, and the items they became, by directory."""

    source: Sequence[Any]
    items: dict[str, list[_Item]]


@dataclass(slots=True)
class TreeWriter:
    """Builds render trees and remembers ids and directories of the last one. Memory changes speed, never the answer."""

    _clusters: tuple[str, ...] = ()
    _blobs: dict[bytes, Ids] = field(default_factory=dict)
    _runs: dict[tuple[str, str], _Run] = field(default_factory=dict)
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
        # Only if the last tree is the one that the batch starts from is all of it stored, and need not be looked at.
        stored = (
            self._last is not None and self._last[1].root == self._known_root and batch.known is self._known
        )
        if stored and self._last is not None and self._last[0] == tree:
            return self._last[1]
        if not stored or tree.clusters != self._clusters:
            self._clusters, self._runs = tree.clusters, {}
        if len(self._blobs) > 2 * (len(tree.variants) + len(tree.bindings)) + 10_000:
            self._blobs = {}
        building = _Building(
            batch, _masks(tree.clusters), self._blobs, self._runs, self._directories, self._check
        )
        built = building.run(tree)
        self._runs, self._directories = building.runs, building.directories
        self._last = (tree, built)
        return built

    def _check(self, name: str) -> None:
        """Check a name once."""
        if name not in self._names:
            check_name(name)
            if len(self._names) > 500_000:
                self._names.clear()
            self._names.add(name)


class _Building:
    """One run of TreeWriter.build: what it remembers comes in, what to remember next is left in `runs`, `directories`."""

    def __init__(
        self,
        batch: Batch,
        masks: Mapping[str, int],
        blobs: dict[bytes, Ids],
        runs: Mapping[tuple[str, str], _Run],
        directories: Mapping[str, _Directory],
        check: Callable[[str], None],
    ) -> None:
        self.batch = batch
        self.masks = masks
        self.everyone = (1 << len(masks)) - 1
        self.mask_by_identity: dict[int, int] = {}
        self.blobs = blobs
        self.runs_before, self.directories_before = runs, directories
        self.runs: dict[tuple[str, str], _Run] = {}
        self.directories: dict[str, _Directory] = {}
        self.check = check
        self.problems: list[Problem] = []

    def run(self, tree: RenderTree) -> BuiltTree:
        attributes = self.blob(ATTRIBUTES)
        root: list[_Item] = [_Item(ATTRIBUTES_NAME.encode(), FILE, attributes, 1)]
        cluster_ids: dict[str, Ids] = {}
        if tree.clusters:
            files = self.gather(CLUSTERS, tree.variants, attrgetter("path"), self.variant)
            top = files.get("", [])
            if not any(item.name == ATTRIBUTES_NAME.encode() for item in top):
                files[""] = [*top, _Item(ATTRIBUTES_NAME.encode(), FILE, attributes, self.everyone)]
            for part in self.partition(CLUSTERS, files, self.everyone):
                for name, mask in self.masks.items():
                    if mask & part.mask:
                        cluster_ids[name] = part.ids
            for name in tree.clusters:
                self.check(name)
            items = [_Item(name.encode(), TREE, ids, 1) for name, ids in cluster_ids.items()]
            root.append(_Item(CLUSTERS.encode(), TREE, self.tree(items), 1))
            self.measure(CLUSTERS, len(items))
        if tree.bindings:
            files = self.gather(BINDINGS, sorted(tree.bindings.items()), itemgetter(0), self.plain)
            (part,) = self.partition(BINDINGS, files, 1)
            root.append(_Item(BINDINGS.encode(), TREE, part.ids, 1))
        ids = self.tree(root)
        return BuiltTree(
            root=ids.oid.hex(),
            digest=f"sha256:{ids.content.hex()}",
            clusters={name: cluster_ids[name].oid.hex() for name in tree.clusters},
            problems=tuple(sorted(self.problems, key=Problem.sort_key)),
        )

    def variant(self, variant: Variant) -> tuple[Ids, int]:
        """A variant's ids and mask. Variants share their cluster tuples, so masks are kept by identity."""
        key = id(variant.clusters)
        mask = self.mask_by_identity.get(key)
        if mask is None:
            mask = 0
            for name in variant.clusters:
                if name not in self.masks:
                    raise GitError(f"{variant.path} is for cluster {name}, which has no directory")
                mask |= self.masks[name]
            self.mask_by_identity[key] = mask
        return (self.blob(variant.data) if mask else _NOTHING), mask

    def plain(self, file: tuple[str, bytes]) -> tuple[Ids, int]:
        """A file that is the same for everybody."""
        return self.blob(file[1]), 1

    def blob(self, data: bytes) -> Ids:
        ids = self.blobs.get(data)
        if ids is None:
            ids = self.blobs[data] = blob_ids(data)
        self.batch.put(ids.oid, Kind.BLOB, data)
        return ids

    def gather(
        self,
        top: str,
        source: Sequence[_Source],
        path_of: Callable[[_Source], str],
        content_of: Callable[[_Source], tuple[Ids, int]],
    ) -> dict[str, list[_Item]]:
        """The files of each directory. A run of contents that is the one of last time is not looked into."""
        directories: dict[str, list[_Item]] = {}
        start = 0
        while start < len(source):
            first = path_of(source[start])
            parent = first.rpartition("/")[0]
            # "0" follows "/": where the paths below this directory end, if the source is sorted; else the runs are short.
            end = bisect_left(source, f"{parent}0", lo=start + 1, key=path_of) if parent else start + 1
            part = source[start:end]
            run = self.runs_before.get((top, first))
            if run is None or run.source != part:
                run = _Run(part, self.items(part, path_of, content_of))
            self.runs[top, first] = run
            for path, items in run.items.items():
                here = directories.get(path)
                directories[path] = items if here is None else here + items
            start = end
        return directories

    def items(
        self,
        part: Sequence[_Source],
        path_of: Callable[[_Source], str],
        content_of: Callable[[_Source], tuple[Ids, int]],
    ) -> dict[str, list[_Item]]:
        found: dict[str, list[_Item]] = {}
        for one in part:
            path = path_of(one)
            parent, slash, name = path.rpartition("/")
            if slash and not parent:
                raise GitError(f"{path!r} is not a relative path")
            self.check(name)
            ids, mask = content_of(one)
            if mask:
                found.setdefault(parent, []).append(_Item(name.encode(), FILE, ids, mask))
        return found

    def partition(self, top: str, files: Mapping[str, list[_Item]], everyone: int) -> list[_Part]:
        """The distinct directories below `top`, each with the clusters that have it; every cluster is in one part."""
        paths = {""}
        for path in files:
            names = path.split("/")
            paths.update("/".join(names[:count]) for count in range(1, len(names) + 1))
        below: dict[str, list[_Item]] = {}
        # The deepest first, so that a directory is complete before its parent is built.
        for path in sorted(paths, key=lambda one: (-one.count("/") if one else 1, one)):
            items = files.get(path, [])
            if path in below:
                items = items + below[path]  # a new list: that of the files is remembered
            found = self.directory(f"{top}/{path}".strip("/"), items, everyone)
            if path:
                parent, _, name = path.rpartition("/")
                self.check(name)
                below.setdefault(parent, []).extend(
                    [_Item(name.encode(), TREE, part.ids, part.mask) for part in found if part.entries]
                )
        return found

    def directory(self, path: str, items: list[_Item], everyone: int) -> list[_Part]:
        """One directory refined: clusters that have the same entries share one tree."""
        before = self.directories_before.get(path)
        if before is None or before.items is not items:
            items.sort()
        if before is not None and before.items == items and self.has(before.parts):
            parts = before.parts
        else:
            _check_clashes(path, items)
            parts = self.refine(items, everyone)
        self.directories[path] = _Directory(items, parts)
        self.measure(path, max(part.entries for part in parts))
        return parts

    def has(self, parts: Iterable[_Part]) -> bool:
        return all(part.ids.oid in self.batch.known for part in parts)

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


def build_files(files: Mapping[str, bytes], batch: Batch) -> str:
    """The id of a tree that holds exactly these files; all its objects go into the batch."""
    building = _Building(batch, {}, {}, {}, {}, check_name)
    found = building.gather("", sorted(files.items()), itemgetter(0), building.plain)
    (part,) = building.partition("", found, 1)
    if not files:
        batch.add(Kind.TREE, b"")  # libgit2, unlike git, has no built-in empty tree
    return part.ids.oid.hex()


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
