from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.errors import ForeignCommit, GitError
from reconciler.git.branches import (
    RENDERED_TRAILERS,
    Release,
    check_tip,
    project_clusters,
)
from reconciler.git.commits import read_commit
from reconciler.git.errors import foreign_commit_problem
from reconciler.git.reader import (
    Files,
    Limits,
    format_time,
    parse_time,
    read_previous,
    read_tip,
    read_trailers,
)
from reconciler.git.references import update_references
from reconciler.git.writer import write_files, write_render, write_tree
from reconciler.settings import BranchNames
from tests.unit.git.conftest import NOW, render_tree

NAMES = BranchNames()
ONE = {"a": {"n/K/x.yaml": b"x\n"}, "b": {"n/K/x.yaml": b"x\n"}, "quiet": {}}
TWO = {**ONE, "b": {"n/K/x.yaml": b"y\n"}}
DONE = Release(complete=True)


@pytest.fixture
def project(repository, bare):
    def run(commit, releases=None, *, move=True, tips=None):
        found = bare.branches()
        at = (
            {name: found.get(NAMES.cluster(name), "") for name in ("a", "b", "quiet")}
            if tips is None
            else tips
        )
        result = project_clusters(
            repository,
            commit,
            releases=releases if releases is not None else dict.fromkeys(("a", "b", "quiet"), DONE),
            tips=at,
            branches=NAMES,
        )
        if move:
            update_references(repository, result.updates)
        return result

    return run


def test_a_cluster_branch_is_the_subtree_itself(bare, repository, facts, project):
    rendered = write_render(repository, render_tree(ONE), previous="", facts=facts())
    project(rendered.commit)
    for name in ("a", "b", "quiet"):
        branch = NAMES.cluster(name)
        assert bare.git("rev-parse", f"{branch}^{{tree}}") == bare.git(
            "rev-parse", f"{rendered.commit}:clusters/{name}"
        )
        assert read_trailers(repository, bare.branches()[branch])["Rendered-Commit"] == rendered.commit
    assert bare.files(NAMES.cluster("a")) == [".gitattributes", "n/K/x.yaml"]
    bare.check()


def test_only_the_branch_whose_tree_changed_moves(bare, repository, facts, project):
    first = write_render(repository, render_tree(ONE), previous="", facts=facts())
    project(first.commit)
    before = bare.branches()
    second = write_render(repository, render_tree(TWO), previous=first.commit, facts=facts("two"))
    assert [one.name for one in project(second.commit).updates] == ["refs/heads/reconciler/cluster/b"]
    after = bare.branches()
    assert {name for name in after if after[name] != before[name]} == {NAMES.cluster("b")}
    assert bare.log(NAMES.cluster("b")) == [after[NAMES.cluster("b")], before[NAMES.cluster("b")]]


@pytest.mark.parametrize(
    "release",
    [Release(complete=False), Release(complete=True, approved=("drop-db",))],
    ids=["complete", "approved"],
)
def test_completeness_and_approvals_move_a_branch_whose_tree_is_the_same(repository, facts, project, release):
    rendered = write_render(repository, render_tree(ONE), previous="", facts=facts())
    project(rendered.commit)
    (update,) = project(rendered.commit, {"a": release}).updates
    moved = read_commit(repository, update.new)
    assert moved.trailers["Complete"] == ("true" if release.complete else "false")
    assert moved.trailers.get("Approved", "") == ", ".join(release.approved)
    assert not project(rendered.commit, {"a": release}).updates


def test_a_cluster_that_is_not_released_stays_at_what_it_had(bare, repository, facts, project):
    first = write_render(repository, render_tree(ONE), previous="", facts=facts())
    project(first.commit)
    before = bare.branches()
    everything = write_render(
        repository, render_tree({"a": {}, "b": {}}), previous=first.commit, facts=facts("less")
    )
    project(everything.commit, {"b": DONE, "unknown": DONE})
    after = bare.branches()
    assert after[NAMES.cluster("a")] == before[NAMES.cluster("a")]
    assert after[NAMES.cluster("quiet")] == before[NAMES.cluster("quiet")]
    assert after[NAMES.cluster("b")] != before[NAMES.cluster("b")]


def test_projecting_again_after_a_crash_gives_the_same_commits(bare, repository, facts, project):
    first = write_render(repository, render_tree(ONE), previous="", facts=facts())
    project(first.commit)
    second = write_render(repository, render_tree(TWO), previous=first.commit, facts=facts("two"))
    lost = project(second.commit, move=False)  # killed before the references moved
    assert project(second.commit).updates == lost.updates
    assert not project(second.commit).updates


def test_a_foreign_commit_stops_its_branch_and_no_other(bare, repository, facts, project):
    first = write_render(repository, render_tree(ONE), previous="", facts=facts())
    project(first.commit)
    branch = NAMES.cluster("a")
    theirs = bare.git("commit-tree", f"{branch}^{{tree}}", "-p", branch, "-m", "hotfix")
    bare.git("update-ref", f"refs/heads/{branch}", theirs)
    changed = render_tree({**TWO, "a": {}})
    second = write_render(repository, changed, previous=first.commit, facts=facts("two"))
    result = project(second.commit)
    assert list(result.foreign) == ["a"]
    assert "Ada Author" in result.foreign["a"]
    assert [one.name for one in result.updates] == ["refs/heads/reconciler/cluster/b"]
    assert bare.branches()[branch] == theirs


def test_a_foreign_rendered_commit_becomes_a_problem_that_names_it(bare, repository, facts):
    first = write_render(repository, render_tree(ONE), previous="", facts=facts())
    assert check_tip(repository, first.commit, required=RENDERED_TRAILERS) is not None
    assert check_tip(repository, "", required=RENDERED_TRAILERS) is None
    theirs = bare.git("commit-tree", f"{first.commit}^{{tree}}", "-m", "x")
    with pytest.raises(ForeignCommit) as caught:
        read_previous(repository, theirs)
    problem = foreign_commit_problem(caught.value, NAMES.rendered)
    assert problem.code == "R602"
    assert theirs in problem.evidence[0]


def test_the_previous_render_reads_back(repository, facts):
    tree = render_tree(TWO, {"n/K/x.yaml": b"binding\n"})
    given = facts(Status_Commit="2" * 40, Engine="0.1.0", Evaluated_At=format_time(NOW), Complete="false")
    written = write_render(repository, tree, previous="", facts=given)
    previous = read_previous(repository, written.commit)
    assert (previous.commit, previous.source_commit, previous.status_commit) == (
        written.commit,
        "1" * 40,
        "2" * 40,
    )
    assert (previous.evaluated_at, previous.engine, previous.complete) == (NOW, "0.1.0", False)
    assert dict(previous.binding_files) == {"n/K/x.yaml": b"binding\n"}
    assert {name: dict(files) for name, files in previous.trees.items()} == TWO
    assert ".gitattributes" not in previous.trees["a"]
    with pytest.raises(KeyError):
        previous.trees["a"][".gitattributes"]
    empty = read_previous(repository, "")
    assert (empty.commit, len(empty.trees), empty.complete) == ("", 0, True)


def test_times_in_trailers_read_back():
    assert parse_time(format_time(NOW)) == NOW
    assert format_time(NOW) == "2024-05-01T10:00:30Z"
    assert parse_time("yesterday") is None
    assert parse_time("2024-05-01T10:00:30") is None


def test_a_status_branch_reads_back(repository, facts):
    files = {"STATUS.md": b"ok", "clusters/a.yaml": b"a"}
    written = write_files(repository, files, previous="", facts=facts("status"))
    tip = read_tip(repository, written.commit, required=("Source-Commit",))
    assert tip is not None
    assert dict(tip.files) == files
    assert tip.commit.committer_time == NOW
    assert read_tip(repository, "") is None


def test_a_hostile_report_ends_in_an_error_and_not_in_memory(repository, facts):
    limits = Limits(files=10, file_bytes=1000, total_bytes=1500)
    for files in (
        {f"{n}": b"" for n in range(11)},
        {"big": b"0" * 1001},
        {"one": b"1" * 800, "two": b"2" * 800},
        {"/".join("d" * 70): b""},
    ):
        written = write_files(repository, files, previous="", facts=facts())
        with pytest.raises(GitError, match="too"):
            _read_all(repository, written.commit, limits)


def test_links_and_submodules_are_named_and_never_read(bare, repository):
    blob = bare.git("rev-parse", f"{write_tree(repository, '', {'f': b'/etc/passwd'})}:f")
    listing = f"120000 blob {blob}\tlink\n100755 blob {blob}\trun\n160000 commit {'7' * 40}\tmodule\n"
    from tests.gitservers.repository import run_git

    tree = run_git("mktree", "--missing", directory=bare.path, stdin=listing).strip()
    files = Files(repository, tree)
    assert list(files) == ["run"]
    assert files.irregular == ("link", "module")


def test_projections_are_reproducible(bare, repository, facts, project):
    given = replace(facts(), committer_time=NOW)
    rendered = write_render(repository, render_tree(ONE), previous="", facts=given)
    (update,) = project(rendered.commit, {"a": DONE}, tips={}, move=False).updates
    commit = read_commit(repository, update.new)
    assert (commit.committer_time, commit.author_time) == (
        read_commit(repository, rendered.commit).committer_time,
        read_commit(repository, rendered.commit).author_time,
    )
    assert commit.message.startswith("cluster a: ")
    assert commit.message.splitlines()[0].endswith("[skip ci]")
    assert not bare.branches()


def _read_all(repository, commit, limits):
    tip = read_tip(repository, commit, limits=limits)
    assert tip is not None
    return dict(tip.files)
