from __future__ import annotations

import subprocess
from pathlib import Path

import pygit2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import GitError, Severity
from reconciler.git.objects import EMPTY_TREE
from reconciler.git.repository import Batch, Repository
from reconciler.git.trees import ATTRIBUTES, TreeWriter, build_files
from reconciler.git.writer import write_tree
from reconciler.model.tree import RenderTree, Variant
from tests.gitservers import BareRepository
from tests.gitservers.repository import run_git
from tests.searching import examples
from tests.unit.git.conftest import render_tree

NAMES = st.sampled_from(
    ["a", "b", "a.b", "a-b", "a0", "shop", "Deployment.apps", "_cluster", "web.yaml", "api.yaml", "z"]
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
FLEETS = st.dictionaries(
    st.sampled_from(["m1", "m2", "m3", "edge-4", "m.5"]),
    st.dictionaries(PATHS, st.sampled_from([b"", b"one\n", b"two\n", b"three\n"]), max_size=8),
    max_size=4,
)


def library_tree(handle: pygit2.Repository, files: dict[str, bytes]) -> str:
    """The plain path: libgit2's own blobs and tree builders."""
    below: dict[str, dict[str, bytes]] = {}
    builder = handle.TreeBuilder()
    for path, data in files.items():
        first, _, rest = path.partition("/")
        if rest:
            below.setdefault(first, {})[rest] = data
        else:
            builder.insert(first, handle.create_blob(data), pygit2.enums.FileMode.BLOB)
    for name, inner in below.items():
        builder.insert(name, library_tree(handle, inner), pygit2.enums.FileMode.TREE)
    return str(builder.write())


def whole(tree: RenderTree) -> dict[str, bytes]:
    """What the root must hold, written out the slow way."""
    files = {".gitattributes": ATTRIBUTES}
    for cluster in tree.clusters:
        files[f"clusters/{cluster}/.gitattributes"] = ATTRIBUTES
        files |= {f"clusters/{cluster}/{path}": data for path, data in tree.of_cluster(cluster).items()}
    return files | {f"bindings/{path}": data for path, data in tree.bindings.items()}


def consistent(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without files that other files need as directories."""
    return {
        path: data for path, data in files.items() if not any(one.startswith(f"{path}/") for one in files)
    }


def store(
    repository: Repository, tree: RenderTree, writer: TreeWriter | None = None, before: str = ""
) -> str:
    writer = writer or TreeWriter()
    batch = Batch(known=writer.known(repository, before))
    built = writer.build(tree, batch)
    repository.write(batch.objects)
    writer.stored(built.root, batch)
    return built.root


@given(fleet=FLEETS, bindings=st.dictionaries(PATHS, st.sampled_from([b"x", b"y"]), max_size=4))
@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_partition_gives_the_tree_that_libgit2_builds_file_by_file(repository, fleet, bindings):
    tree = render_tree({name: consistent(files) for name, files in fleet.items()}, consistent(bindings))
    assert store(repository, tree) == library_tree(repository.handle, whole(tree))


@given(fleets=st.lists(FLEETS, min_size=2, max_size=4))
@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_writer_that_remembers_gives_the_same_trees_as_a_new_one(repository, fleets):
    writer, before = TreeWriter(), ""
    for fleet in fleets:
        tree = render_tree({name: consistent(files) for name, files in fleet.items()})
        before = store(repository, tree, writer, before)
        assert before == library_tree(repository.handle, whole(tree))
        assert before == TreeWriter().build(tree, Batch()).root


def test_git_finds_nothing_wrong_with_what_was_written(bare: BareRepository, repository: Repository):
    contents = {
        "a": {"shop/Deployment.apps/web.yaml": b"a: 1\n", "shop/Service/web.yaml": b"s: 1\n"},
        "b": {"shop/Deployment.apps/web.yaml": b"b: 2\n", "shop/Service/web.yaml": b"s: 1\n"},
        "empty": {},
    }
    tree = store(repository, render_tree(contents, {"shop/Deployment.apps/web.yaml": b"binding\n"}))
    bare.git("update-ref", "refs/heads/check", _commit(bare, tree))
    bare.check()
    assert bare.files("check", "clusters/b") == [
        "clusters/b/.gitattributes",
        "clusters/b/shop/Deployment.apps/web.yaml",
        "clusters/b/shop/Service/web.yaml",
    ]
    assert bare.files("check", "clusters/empty") == ["clusters/empty/.gitattributes"]
    (pack,) = (bare.path / "objects" / "pack").glob("*.pack")
    judged = subprocess.run(
        ["git", "index-pack", "--strict", "--stdin"],
        stdin=pack.open("rb"),
        cwd=_fresh(bare.path.parent / "judge"),
        capture_output=True,
        check=True,
        text=True,
    )
    assert pack.stem == f"pack-{judged.stdout.split()[1]}"


def test_our_index_is_the_one_that_git_would_make(
    bare: BareRepository, repository: Repository, tmp_path: Path
):
    store(repository, render_tree({name: {f"n/K/{n}.yaml": b"%d" % n for n in range(300)} for name in "ab"}))
    (pack,) = (bare.path / "objects" / "pack").glob("*.pack")
    copy = tmp_path / pack.name
    copy.write_bytes(pack.read_bytes())
    subprocess.run(["git", "index-pack", "--strict", str(copy)], check=True, capture_output=True)
    assert copy.with_suffix(".idx").read_bytes() == pack.with_suffix(".idx").read_bytes()


def test_clusters_with_equal_content_share_their_trees(repository: Repository):
    same = {"n/K/x.yaml": b"x"}
    built = TreeWriter().build(render_tree({"a": same, "b": same, "c": {"n/K/x.yaml": b"y"}}), Batch())
    assert built.clusters["a"] == built.clusters["b"] != built.clusters["c"]


def test_only_what_the_previous_tree_lacks_is_written(repository: Repository):
    contents = {name: {f"n{n}/K/x.yaml": b"%d" % n for n in range(10)} for name in ("a", "b")}
    before = store(repository, render_tree(contents))
    contents["a"] = {**contents["a"], "n3/K/x.yaml": b"new"}
    writer, batch = TreeWriter(), None
    batch = Batch(known=writer.known(repository, before))
    writer.build(render_tree(contents), batch)
    # One blob, then the trees on the way up: K, n3, the cluster, clusters, the root.
    assert len(batch.objects) == 6


def test_the_digest_is_the_id_in_the_sha256_format(tmp_path: Path):
    tree = render_tree(
        {"a": {"n/K/x.yaml": b"x", "n.b": b"1", "n-b/y": b"2"}, "b": {"n/K/x.yaml": b"other"}}, {"q/w": b"e"}
    )
    _fresh(tmp_path / "other", "--object-format=sha256")
    for path, data in whole(tree).items():
        (tmp_path / "other" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "other" / path).write_bytes(data)
    run_git("add", "-A", directory=tmp_path / "other")
    expected = run_git("write-tree", directory=tmp_path / "other").strip()
    assert TreeWriter().build(tree, Batch()).digest == f"sha256:{expected}"


@pytest.mark.parametrize(
    "path",
    [
        "../x", "a/../b", "a/./b", "/a", "a//b", ".git/config", "a/.GIT/x", "a/.git./x", "a/.git /x", "git~1/x",
        "a/.g\u200cit/x", "a\\b", "a\nb", "a\x00b", ".gitmodules", "a/.GitModules", "", "a/", "a/\ud800",
    ],
)  # fmt: skip
def test_a_path_that_no_tree_may_hold_is_refused(path):
    variant = Variant(path=path, data=b"", clusters=("a",))
    with pytest.raises(GitError):
        TreeWriter().build(RenderTree(clusters=("a",), variants=(variant,)), Batch())


@pytest.mark.parametrize("path", ["../x", ".git/x", "a//b", "a/.git~1", "x/gi7eba~1"])
def test_an_incremental_change_refuses_such_paths_too(repository: Repository, path):
    if path == "a/.git~1":
        write_tree(repository, "", {path: b""})  # only the short name itself is dangerous
        return
    with pytest.raises(GitError):
        write_tree(repository, "", {path: b""})


def test_names_that_differ_by_case_alone_are_refused_within_a_cluster():
    with pytest.raises(GitError, match="case alone"):
        TreeWriter().build(render_tree({"a": {"n/Foo.x/a.yaml": b"", "n/foo.x/a.yaml": b""}}), Batch())
    TreeWriter().build(
        render_tree({"a": {"n/Foo.x/a.yaml": b""}, "b": {"n/foo.x/a.yaml": b""}}), Batch()
    )  # two clusters never share a checkout


def test_two_contents_at_one_path_are_refused():
    twice = tuple(Variant(path="n/x", data=data, clusters=("a",)) for data in (b"1", b"2"))
    with pytest.raises(GitError, match="two contents"):
        TreeWriter().build(RenderTree(clusters=("a",), variants=twice), Batch())
    with pytest.raises(GitError, match="two contents"):
        TreeWriter().build(render_tree({"a": {"n/x": b"", "n/x/y": b""}}), Batch())


def test_a_variant_for_an_unknown_cluster_is_refused():
    with pytest.raises(GitError, match="has no directory"):
        TreeWriter().build(
            RenderTree(clusters=("a",), variants=(Variant(path="x", data=b"", clusters=("b",)),)), Batch()
        )


@pytest.mark.parametrize(("entries", "warned"), [(2500, False), (2501, True)])
def test_a_directory_that_hosts_truncate_is_a_warning(entries, warned):
    tree = render_tree({"a": {f"n/K/{n}.yaml": b"" for n in range(entries)}})
    for _ in range(2):  # remembered directories warn again
        problems = TreeWriter().build(tree, Batch()).problems
        assert [(one.code, one.severity, one.subject) for one in problems] == (
            [("R601", Severity.WARNING, "clusters/n/K")] if warned else []
        )


def test_changes_to_a_tree_are_what_writing_the_whole_again_would_be(repository: Repository):
    files = {"a/x": b"1", "a/y": b"2", "b/c/z": b"3", "top": b"4"}
    before = write_tree(repository, "", dict(files))
    after = write_tree(
        repository,
        before,
        {"a/x": b"new", "b/c/z": None, "new/deep/file": b"5", "absent/file": None, "a/y": b"2"},
    )
    expected = {"a/x": b"new", "a/y": b"2", "new/deep/file": b"5", "top": b"4"}
    assert after == library_tree(repository.handle, expected)
    assert write_tree(repository, after, {"nothing": None}) == after
    gone = write_tree(repository, after, dict.fromkeys(expected))
    assert gone == EMPTY_TREE.hex()


def test_a_change_opens_no_unchanged_subtree(repository: Repository):
    before = write_tree(repository, "", {f"d{n}/x": b"%d" % n for n in range(20)})
    opened = []
    read = type(repository).read

    class Watching(type(repository)):  # sees what is read; changes nothing
        def read(self, oid, kind):
            opened.append(oid)
            return read(self, oid, kind)

    write_tree(Watching(handle=repository.handle, directory=repository.directory), before, {"d7/x": b"new"})
    assert len(opened) == 2  # the root and d7


def test_a_change_that_changes_nothing_writes_nothing(bare: BareRepository, repository: Repository):
    before = write_tree(repository, "", {"a/x": b"1", "a/y": b"2"})
    packs = set((bare.path / "objects" / "pack").iterdir())
    assert write_tree(repository, before, {"a/x": b"1"}) == before
    assert set((bare.path / "objects" / "pack").iterdir()) == packs


def test_files_and_directories_cannot_share_a_name(repository: Repository):
    with pytest.raises(GitError):
        write_tree(repository, "", {"a": b"", "a/b": b""})
    with pytest.raises(GitError):
        write_tree(repository, "", {"a/b": b"", "a": b""})


def test_exact_files_are_the_tree_that_libgit2_builds(repository: Repository):
    files = {"clusters/a.yaml": b"1", "STATUS.md": b"2", "workloads/n/x.yaml": b"3"}
    assert build_files(files, Batch()) == library_tree(repository.handle, files)
    batch = Batch()
    assert build_files({}, batch) == EMPTY_TREE.hex()
    assert EMPTY_TREE in batch.objects


def _commit(bare: BareRepository, tree: str) -> str:
    return bare.git("commit-tree", tree, "-m", "check")


def _fresh(path: Path, *options: str) -> Path:
    subprocess.run(["git", "init", "--quiet", *options, str(path)], check=True)
    return path
