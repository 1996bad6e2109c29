"""Writing render trees: cold, one file, nothing; and moving a fleet's branches. Ratios to a floor of the same run.

The floor of a write is what cannot be left out: hash, compress and store the same distinct bytes once, in one file, made
durable. Run with the collector off, as the renderer runs.
"""

from __future__ import annotations

import gc
import hashlib
import os
import statistics
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pygit2

from reconciler.git.branches import Release, project_clusters
from reconciler.git.maintenance import maintain
from reconciler.git.references import RefUpdate, update_references
from reconciler.git.repository import Repository, open_repository
from reconciler.git.trees import TreeWriter
from reconciler.git.writer import CommitFacts, write_changes, write_render
from reconciler.model.tree import RenderTree, Variant
from reconciler.settings import BranchNames

TEMPLATES, CLUSTERS = 2000, 50
_TIME = datetime(2024, 5, 1, tzinfo=UTC)
_FACTS = CommitFacts(
    message="render",
    author_time=_TIME,
    committer_time=_TIME,
    trailers={"Source-Commit": "1" * 40, "Complete": "true"},
)
_KINDS = ("Deployment.apps", "Service", "ConfigMap")
_NAMES = tuple(f"member-{number:03d}" for number in range(CLUSTERS))


def scenarios() -> list[dict[str, Any]]:
    """The rows of this file: scenario, value, unit, floor, ratio."""
    return [_cold(), *_small(), _branches(), _growth()]


def _cold() -> dict[str, Any]:
    tree = _tree()

    def once() -> float:
        with _repository() as repository:
            return _seconds(lambda: write_render(repository, tree, previous="", facts=_FACTS))

    value = _median(once, 5)
    floor = _median(
        lambda: _floor_of(lambda repository: write_render(repository, tree, previous="", facts=_FACTS)), 5
    )
    return _row(f"git: write {TEMPLATES} templates x {CLUSTERS} clusters, cold", value, floor)


def _small() -> list[dict[str, Any]]:
    """One file that changes on all clusters, then nothing, with a writer that stays (as in `run`)."""
    changed, nothing, floors = [], [], []
    with _repository() as repository:
        writer = TreeWriter()
        tree = _tree()
        tip = write_render(repository, tree, previous="", facts=_FACTS, writer=writer).commit
        for turn in range(15):
            tree = _tree(tree, turn)
            before = set(repository.pack_directory.iterdir())
            start = time.perf_counter()
            tip = write_render(repository, tree, previous=tip, facts=_FACTS, writer=writer).commit
            changed.append(time.perf_counter() - start)
            same = RenderTree(clusters=tree.clusters, variants=tree.variants, bindings=tree.bindings)
            start = time.perf_counter()
            write_render(repository, same, previous=tip, facts=_FACTS, writer=writer)
            nothing.append(time.perf_counter() - start)
            (pack,) = [
                path for path in set(repository.pack_directory.iterdir()) - before if path.suffix == ".pack"
            ]
            floors.append(_store(_objects_of(repository, pack)))
        lookup = _median(lambda: _seconds(lambda: repository.handle.revparse_single(tip)), 15)
    return [
        _row(
            "git: write one changed file for all clusters",
            statistics.median(changed),
            statistics.median(floors),
        ),
        _row("git: write the same tree again", statistics.median(nothing), lookup),
    ]


def _branches() -> dict[str, Any]:
    """All cluster branches move: commits and references; the floor is one pack and one durable file."""
    names, times, floors = BranchNames(), [], []
    with _repository() as repository:
        writer, tree, tip, tips = TreeWriter(), _tree(), "", dict.fromkeys(_NAMES, "")
        releases = dict.fromkeys(_NAMES, Release(complete=True))
        for turn in range(10):
            tree = _tree(tree, turn)
            tip = write_render(repository, tree, previous=tip, facts=_FACTS, writer=writer).commit
            before = set(repository.pack_directory.iterdir())
            start = time.perf_counter()
            found = project_clusters(repository, tip, releases=releases, tips=tips, branches=names)
            update_references(repository, found.updates)
            times.append(time.perf_counter() - start)
            tips |= {one.name.rpartition("/")[2]: one.new for one in found.updates}
            (pack,) = [
                path for path in set(repository.pack_directory.iterdir()) - before if path.suffix == ".pack"
            ]
            floors.append(_store(_objects_of(repository, pack)))
    return _row(f"git: move {CLUSTERS} cluster branches", statistics.median(times), statistics.median(floors))


def _growth() -> dict[str, Any]:
    """Bytes a status commit costs after maintenance; the floor is what its new blobs and commit hold, compressed."""
    count, objects = 300, 0
    with _repository() as repository:
        tip = ""
        base = {f"clusters/{name}.yaml": f"name: {name}\nready: true\n".encode() for name in _NAMES}
        tip = write_changes(repository, dict(base), previous="", facts=_FACTS).commit
        update_references(repository, [RefUpdate(name="refs/heads/s", old="", new=tip)])
        for turn in range(count):
            data = f"name: {_NAMES[turn % CLUSTERS]}\nready: {turn}\n".encode()
            new = write_changes(
                repository, {f"clusters/{_NAMES[turn % CLUSTERS]}.yaml": data}, previous=tip, facts=_FACTS
            ).commit
            update_references(repository, [RefUpdate(name="refs/heads/s", old=tip, new=new)])
            tip = new
            objects += len(zlib.compress(data, 6)) + len(zlib.compress(repository.handle[new].read_raw(), 6))
            maintain(repository)
        size = sum(path.stat().st_size for path in repository.pack_directory.iterdir())
    return {
        "scenario": "git: status commit on disk",
        "value": round(size / count),
        "unit": "bytes",
        "floor": round(objects / count),
        "ratio": round(size / objects, 1),
    }


def _tree(base: RenderTree | None = None, turn: int = 0) -> RenderTree:
    """2,000 templates of about 1 KB, each on all clusters, every tenth with two variants; or one of them changed."""
    if base is not None:
        place = (turn * 37) % len(base.variants)
        old = base.variants[place]
        data = b"".join([old.data.partition(b"turn:")[0], b"turn: %d\n" % turn])
        new = Variant(path=old.path, data=data, clusters=old.clusters)
        variants = (*base.variants[:place], new, *base.variants[place + 1 :])
        return RenderTree(clusters=base.clusters, variants=variants, bindings=base.bindings)
    variants = []
    half = CLUSTERS // 2
    for number in range(TEMPLATES):
        path = f"team-{number % 40:02d}/{_KINDS[number % 3]}/object-{number:04d}.yaml"
        groups = (_NAMES[:half], _NAMES[half:]) if number % 10 == 0 else (_NAMES,)
        for index, clusters in enumerate(groups):
            lines = "\n".join(f"  key-{line}: value {number} {index} {line * number}" for line in range(36))
            variants.append(Variant(path=path, data=f"kind: X\nspec:\n{lines}\n".encode(), clusters=clusters))
    bindings = {
        one.path: f"binding: {one.path}\n".encode() * 12 for one in variants if one.clusters != _NAMES[half:]
    }
    ordered = tuple(sorted(variants, key=lambda one: (one.path, one.clusters)))
    return RenderTree(clusters=_NAMES, variants=ordered, bindings=bindings)


def _floor_of(write: Callable[[Repository], object]) -> float:
    with _repository() as repository:
        write(repository)
        (pack,) = repository.pack_directory.glob("*.pack")
        return _store(_objects_of(repository, pack))


def _objects_of(repository: Repository, pack: Path) -> list[bytes]:
    """The distinct contents that a write stored."""
    index = pack.with_suffix(".idx").read_bytes()
    count = int.from_bytes(index[8 + 255 * 4 : 8 + 256 * 4])
    start = 8 + 256 * 4
    oids = [index[start + 20 * n : start + 20 * n + 20] for n in range(count)]
    return [bytes(repository.handle.odb.read(pygit2.Oid(raw=oid))[1]) for oid in oids]


def _store(contents: list[bytes]) -> float:
    """Seconds to hash, compress and write these bytes once, durably."""
    gc.collect()
    with tempfile.TemporaryDirectory() as directory:
        start = time.perf_counter()
        parts = []
        for data in contents:
            hashlib.sha1(data, usedforsecurity=False).digest()
            parts.append(zlib.compress(data, 1))
        handle = os.open(Path(directory) / "file", os.O_CREAT | os.O_WRONLY)
        os.write(handle, b"".join(parts))
        os.fsync(handle)
        os.close(handle)
        return time.perf_counter() - start


@contextmanager
def _repository() -> Iterator[Repository]:
    with tempfile.TemporaryDirectory() as directory:
        pygit2.init_repository(directory, bare=True)
        yield open_repository(directory)


def _seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def _median(measure: Callable[[], float], times: int) -> float:
    gc.collect()
    gc.disable()
    try:
        return statistics.median(measure() for _ in range(times))
    finally:
        gc.enable()


def _row(scenario: str, value: float, floor: float) -> dict[str, Any]:
    return {
        "scenario": scenario,
        "value": round(value * 1000, 3),
        "unit": "ms",
        "floor": round(floor * 1000, 3),
        "ratio": round(value / floor, 1),
    }


if __name__ == "__main__":
    for row in scenarios():
        print(row)
