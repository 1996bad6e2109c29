"""Reads machine branches back: trailers, files by path, the pieces of the previous render. Bytes only; decoding is elsewhere.

Files are read when they are asked for and shared by id, so holding one cluster's tree does not read fifty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from reconciler.errors import GitError
from reconciler.git.commits import Commit, Identity, read_commit, require_ours
from reconciler.git.objects import EXECUTABLE, FILE, Kind
from reconciler.git.repository import Repository, raw
from reconciler.git.trailers import COMPLETE, ENGINE, EVALUATED_AT, SOURCE_COMMIT, STATUS_COMMIT
from reconciler.git.trees import ATTRIBUTES_NAME, BINDINGS
from reconciler.git.writer import OURS, cluster_trees
from reconciler.model.tree import PreviousRender

_DEPTH: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a tree is read before it is refused: what an agent or a stranger wrote may be hostile."""

    files: int = 1_000_000
    file_bytes: int = 1 << 30
    total_bytes: int = 1 << 40


TRUSTED: Final = Limits()
REPORT: Final = Limits(files=50_000, file_bytes=3 << 20, total_bytes=64 << 20)
"""For a report branch: larger than any real report, small enough for memory."""


class Files(Mapping[str, bytes]):
    """The regular files of one tree: path to bytes, sorted by path, each read on first use and kept.

    `irregular` names symbolic links and submodules, which are never followed.
    """

    __slots__ = ("_limits", "_oids", "_read", "_repository", "_used", "irregular")

    def __init__(self, repository: Repository, tree: str, limits: Limits = TRUSTED) -> None:
        oids, irregular = _list(repository, tree, limits)
        self._repository = repository
        self._oids = oids
        self._read: dict[bytes, bytes] = {}
        self._limits = limits
        self._used = 0
        self.irregular = irregular

    def __getitem__(self, path: str) -> bytes:
        oid = self._oids[path]
        data = self._read.get(oid)
        if data is None:
            if self._limits is not TRUSTED:
                size = self._repository.size(oid)  # before it is inflated
                self._used += size
                if size > self._limits.file_bytes or self._used > self._limits.total_bytes:
                    raise GitError(f"{path} is too large to be read ({size} bytes)")
            data = self._repository.read(oid, Kind.BLOB)
            self._read[oid] = data
        return data

    def __iter__(self) -> Iterator[str]:
        return iter(self._oids)

    def __len__(self) -> int:
        return len(self._oids)

    def __contains__(self, path: object) -> bool:
        return path in self._oids

    def oid(self, path: str) -> str:
        """The blob's id: the same id, the same bytes."""
        return self._oids[path].hex()


class ClusterFiles(Mapping[str, Mapping[str, bytes]]):
    """The trees of all clusters of a rendered commit: cluster to path to bytes; listed on first use."""

    __slots__ = ("_opened", "_repository", "_trees")

    def __init__(self, repository: Repository, trees: Mapping[str, str]) -> None:
        self._repository = repository
        self._trees = dict(sorted(trees.items()))
        self._opened: dict[str, Mapping[str, bytes]] = {}

    def __getitem__(self, cluster: str) -> Mapping[str, bytes]:
        tree = self._trees[cluster]
        files = self._opened.get(tree)
        if files is None:
            files = _Without(Files(self._repository, tree), ATTRIBUTES_NAME)
            self._opened[tree] = files
        return files

    def __iter__(self) -> Iterator[str]:
        return iter(self._trees)

    def __len__(self) -> int:
        return len(self._trees)

    def tree(self, cluster: str) -> str:
        """The id of a cluster's tree."""
        return self._trees[cluster]


class _Without(Mapping[str, bytes]):
    """Files less the one that marks a tree as generated: nobody rendered it."""

    __slots__ = ("_files", "_hidden")

    def __init__(self, files: Files, hidden: str) -> None:
        self._files = files
        self._hidden = hidden

    def __getitem__(self, path: str) -> bytes:
        if path == self._hidden:
            raise KeyError(path)
        return self._files[path]

    def __iter__(self) -> Iterator[str]:
        return (path for path in self._files if path != self._hidden)

    def __len__(self) -> int:
        return len(self._files) - (self._hidden in self._files)


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchTip:
    """A machine branch's newest commit with its files."""

    commit: Commit
    files: Mapping[str, bytes] = field(default_factory=dict)


def read_previous(repository: Repository, tip: str, *, identity: Identity = OURS) -> PreviousRender:
    """The last rendered commit (empty `tip`: none) as a PreviousRender whose `bindings` are left to be decoded.

    Raises ForeignCommit if the commit is not ours, GitError if it cannot be read.
    """
    if not tip:
        return PreviousRender()
    commit = read_commit(repository, tip)
    require_ours(commit, identity, (SOURCE_COMMIT, COMPLETE))
    bindings = repository.entry(raw(commit.tree), BINDINGS)
    return PreviousRender(
        commit=tip,
        source_commit=commit.trailers.get(SOURCE_COMMIT, ""),
        status_commit=commit.trailers.get(STATUS_COMMIT, ""),
        evaluated_at=parse_time(commit.trailers.get(EVALUATED_AT, "")),
        engine=commit.trailers.get(ENGINE, ""),
        complete=commit.trailers.get(COMPLETE) == "true",
        binding_files=Files(repository, bindings.oid.hex()) if bindings is not None else {},
        trees=ClusterFiles(repository, cluster_trees(repository, commit.tree)),
    )


def read_tip(
    repository: Repository,
    tip: str,
    *,
    identity: Identity | None = OURS,
    required: tuple[str, ...] = (),
    limits: Limits = TRUSTED,
) -> BranchTip | None:
    """A branch's newest commit and its files (None for an empty id): the status tree, a cluster's tree, a report.

    With an identity, raises ForeignCommit when the commit is not by it or lacks a required trailer.
    """
    if not tip:
        return None
    commit = read_commit(repository, tip)
    if identity is not None:
        require_ours(commit, identity, required)
    return BranchTip(commit=commit, files=_Without(Files(repository, commit.tree, limits), ATTRIBUTES_NAME))


def read_trailers(repository: Repository, commit: str) -> dict[str, str]:
    """The trailers of a commit."""
    return read_commit(repository, commit).trailers


def parse_time(text: str) -> datetime | None:
    """A trailer's RFC 3339 time in UTC, None if it is none."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo is not None else None


def format_time(time: datetime) -> str:
    """A time as a trailer holds it: RFC 3339, UTC, whole seconds unless there are fractions."""
    if time.tzinfo is None:
        raise GitError(f"the time {time} has no zone")
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _list(repository: Repository, tree: str, limits: Limits) -> tuple[dict[str, bytes], tuple[str, ...]]:
    oids: dict[str, bytes] = {}
    irregular: list[str] = []
    waiting: list[tuple[str, bytes, int]] = [("", raw(tree), 0)]
    opened = 0
    while waiting:
        prefix, oid, depth = waiting.pop()
        if limits is not TRUSTED and repository.size(oid) > limits.file_bytes:
            raise GitError(f"directory {prefix or '/'} of tree {tree} is too large to be read")
        entries = repository.tree(oid)
        opened += len(entries) + 1
        if depth > _DEPTH or opened > limits.files:
            raise GitError(f"tree {tree} is too deep or has too many files to be read")
        for entry in entries:
            path = prefix + entry.name.decode("utf-8", "surrogateescape")
            if entry.is_tree:
                waiting.append((f"{path}/", entry.oid, depth + 1))
            elif entry.mode in (FILE, EXECUTABLE, b"100664"):
                oids[path] = entry.oid
            else:
                irregular.append(path)
    return dict(sorted(oids.items())), tuple(sorted(irregular))
