from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from reconciler.errors import ForeignCommit, GitError, SettingsError
from reconciler.git.commits import Identity, read_commit, require_ours
from reconciler.git.references import RefUpdate, update_references
from reconciler.git.repository import open_repository
from reconciler.git.trailers import format_message, parse_trailers
from reconciler.git.trees import TreeWriter
from reconciler.git.writer import write_changes, write_files, write_render
from tests.gitservers import bare_repository
from tests.gitservers.repository import run_git
from tests.unit.git.conftest import render_tree

ONE = {"a": {"n/K/x.yaml": b"x\n"}, "b": {"n/K/x.yaml": b"x\n"}}
TWO = {"a": {"n/K/x.yaml": b"x\n"}, "b": {"n/K/x.yaml": b"y\n"}}


def test_a_render_commit_reads_back_in_git_as_it_was_asked_for(bare, repository, facts):
    written = write_render(
        repository,
        render_tree(ONE),
        previous="",
        facts=facts("render: 2 clusters\n\nwhy it is so", Engine="0.1.0", Status_Commit="2" * 40),
    )
    update_references(repository, [RefUpdate(name="refs/heads/check", old="", new=written.commit)])
    assert bare.log("check", "%an <%ae>|%aI|%cn|%cI|%P|%s")[0].split("|") == [
        "fleet-reconciler <fleet-reconciler@localhost>",
        "2024-05-01T10:00:00+00:00",
        "fleet-reconciler",
        "2024-05-01T10:00:30+00:00",
        "",
        "render: 2 clusters [skip ci]",
    ]
    message = run_git("log", "-1", "--format=%B", "check", directory=bare.path)
    trailers = run_git("interpret-trailers", "--parse", stdin=message).splitlines()
    digest = TreeWriter().build(render_tree(ONE), _batch()).digest
    assert trailers == [
        f"Source-Commit: {'1' * 40}",
        f"Status-Commit: {'2' * 40}",
        "Engine: 0.1.0",
        f"Tree-Digest: {digest}",
        "Complete: true",
    ]
    assert read_commit(repository, written.commit).trailers == dict(line.split(": ") for line in trailers)
    bare.check()


def test_the_same_inputs_give_the_same_commit_in_another_repository_and_later(tmp_path, facts):
    commits = set()
    for name in ("one", "two"):
        repository = open_repository(bare_repository(tmp_path / name).path)
        first = write_render(repository, render_tree(ONE), previous="", facts=facts())
        second = write_render(repository, render_tree(TWO), previous=first.commit, facts=facts())
        commits.add((first.commit, second.commit))
        assert first.changed
        assert second.changed
    assert len(commits) == 1


def test_the_zone_of_a_time_does_not_reach_the_commit(repository, facts):
    given = facts()
    shifted = replace(given, author_time=given.author_time.astimezone(timezone(timedelta(hours=9))))
    tree = render_tree(ONE)
    assert (
        write_render(repository, tree, previous="", facts=given).commit
        == write_render(repository, tree, previous="", facts=shifted).commit
    )
    with pytest.raises(GitError, match="no zone"):
        write_render(repository, tree, previous="", facts=replace(given, author_time=datetime(2024, 1, 1)))  # noqa: DTZ001


def test_a_render_that_changes_nothing_commits_nothing(bare, repository, facts):
    first = write_render(repository, render_tree(ONE), previous="", facts=facts())
    files = sorted(bare.path.rglob("*"))
    later = replace(facts("later", Source_Commit="3" * 40), committer_time=datetime(2025, 1, 1, tzinfo=UTC))
    again = write_render(repository, render_tree(ONE), previous=first.commit, facts=later)
    assert (again.commit, again.changed) == (first.commit, False)
    assert sorted(bare.path.rglob("*")) == files


def test_a_render_that_becomes_complete_is_committed_though_the_tree_is_the_same(repository, facts):
    first = write_render(repository, render_tree(ONE), previous="", facts=facts(Complete="false"))
    second = write_render(repository, render_tree(ONE), previous=first.commit, facts=facts())
    assert second.changed
    assert second.tree == first.tree
    assert not write_render(repository, render_tree(ONE), previous=second.commit, facts=facts()).changed


def test_an_accepted_history_is_recorded_though_the_tree_is_the_same(repository, facts):
    first = write_render(repository, render_tree(ONE), previous="", facts=facts())
    accepted = facts(Accepted_History="4" * 40)
    second = write_render(repository, render_tree(ONE), previous=first.commit, facts=accepted)
    assert read_commit(repository, second.commit).trailers["Accepted-History"] == "4" * 40
    assert not write_render(repository, render_tree(ONE), previous=second.commit, facts=accepted).changed


def test_objects_that_are_stored_already_are_not_written_again(bare, repository, facts):
    writer = TreeWriter()
    first = write_render(repository, render_tree(ONE), previous="", facts=facts(), writer=writer)
    for keeps in (writer, None):
        before = _objects(bare)
        write_render(repository, render_tree(TWO), previous=first.commit, facts=facts("two"), writer=keeps)
        # blob, K, n, cluster b, clusters, root, commit
        assert len(_objects(bare) - before) in (7, 0)
        assert bare.git("count-objects", "-v").splitlines()[0] == "count: 0"  # nothing loose
    write_render(repository, render_tree(ONE), previous=first.commit, facts=facts("again"), writer=writer)


def test_a_writer_whose_commit_lost_its_race_counts_on_nothing_it_wrote(bare, repository, facts):
    writer = TreeWriter()
    first = write_render(repository, render_tree(ONE), previous="", facts=facts(), writer=writer)
    update_references(repository, [RefUpdate(name="refs/heads/r", old="", new=first.commit)])
    write_render(repository, render_tree(TWO), previous=first.commit, facts=facts("lost"), writer=writer)
    bare.git("repack", "-a", "-d", "-q")  # takes what no branch holds
    fresh = open_repository(bare.path)
    again = write_render(fresh, render_tree(TWO), previous=first.commit, facts=facts("won"), writer=writer)
    update_references(fresh, [RefUpdate(name="refs/heads/r", old=first.commit, new=again.commit)])
    bare.check()
    assert bare.read("r", "clusters/b/n/K/x.yaml") == "y\n"


def test_status_files_are_committed_as_given(bare, repository, facts):
    files = {"STATUS.md": b"# ok\n", "clusters/a.yaml": b"a\n"}
    first = write_files(repository, files, previous="", facts=facts("status"))
    assert not write_files(repository, files, previous=first.commit, facts=facts("status")).changed
    second = write_changes(repository, {"clusters/a.yaml": None}, previous=first.commit, facts=facts("less"))
    update_references(repository, [RefUpdate(name="refs/heads/s", old="", new=second.commit)])
    assert bare.files("s") == ["STATUS.md"]
    assert bare.log("s") == [second.commit, first.commit]
    bare.check()


def test_a_heartbeat_replaces_the_tip_and_grows_no_history(bare, repository, facts):
    first = write_files(repository, {"r": b"1"}, previous="", facts=facts("report"))
    second = write_files(repository, {"r": b"2"}, previous=first.commit, facts=facts("report"))
    later = replace(facts("heartbeat"), committer_time=datetime(2024, 6, 1, tzinfo=UTC))
    beat = write_files(repository, {"r": b"2"}, previous=second.commit, facts=later, replace_tip=True)
    assert beat.changed
    assert read_commit(repository, beat.commit).parents == (first.commit,)
    assert beat.tree == second.tree
    update_references(repository, [RefUpdate(name="refs/heads/report", old="", new=beat.commit)])
    assert len(bare.log("report")) == 2


@pytest.mark.parametrize("value", ["two\nlines", "bell\x07", " outer"])
def test_a_trailer_cannot_smuggle_another(value):
    with pytest.raises(GitError):
        format_message("subject", {"Source-Commit": value})


def test_a_body_that_looks_like_trailers_says_nothing():
    message = format_message("fix\n\nComplete: true\nApproved: all", {"Complete": "false"})
    assert parse_trailers(message) == {"Complete": "false"}
    assert parse_trailers("Complete: true") == {}
    assert parse_trailers("subject\n\ntext\nComplete: true") == {}


def test_the_subject_says_skip_ci_once():
    assert format_message("render [skip ci]", {}) == "render [skip ci]\n"
    assert format_message("render", {}) == "render [skip ci]\n"


def test_a_commit_of_somebody_else_is_foreign(bare, repository, facts):
    ours = write_render(repository, render_tree(ONE), previous="", facts=facts())
    theirs = bare.git("commit-tree", f"{ours.commit}^{{tree}}", "-p", ours.commit, "-m", "hotfix")
    with pytest.raises(ForeignCommit, match=r"Ada Author <ada@example.com>"):
        require_ours(read_commit(repository, theirs), Identity(), ("Source-Commit",))
    with pytest.raises(ForeignCommit, match="lacks the trailer Approved"):
        require_ours(read_commit(repository, ours.commit), Identity(), ("Source-Commit", "Approved"))
    require_ours(read_commit(repository, ours.commit), Identity(), ("Source-Commit", "Complete"))


def test_an_identity_that_breaks_a_commit_is_refused():
    for name in ("", "a<b", "a\nb"):
        with pytest.raises(SettingsError):
            Identity(name=name)


def _batch():
    from reconciler.git.repository import Batch

    return Batch()


def _objects(bare) -> set[str]:
    return set(bare.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").splitlines())
