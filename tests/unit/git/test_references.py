from __future__ import annotations

import multiprocessing
import os
import threading

import pytest

from reconciler.errors import GitError, PushRejected, SettingsError
from reconciler.git import references
from reconciler.git.branches import check_local_names, check_names
from reconciler.git.references import (
    RefUpdate,
    clear_stale_locks,
    list_references,
    resolve,
    update_references,
)
from reconciler.git.repository import open_repository, reopened
from reconciler.git.writer import write_files
from reconciler.settings import BranchNames
from tests.gitservers.repository import GitCommandError, run_git


@pytest.fixture
def commits(repository, facts):
    return [
        write_files(repository, {"n": b"%d" % n}, previous="", facts=facts(f"{n}")).commit for n in range(3)
    ]


def test_many_references_move_together_and_git_reads_them(bare, repository, commits):
    one, two, _ = commits
    names = [f"refs/heads/reconciler/cluster/c{n}" for n in range(30)]
    update_references(repository, [RefUpdate(name=name, old="", new=one) for name in names])
    assert bare.refs() == dict.fromkeys(names, one)
    update_references(repository, [RefUpdate(name=name, old=one, new=two) for name in names])
    assert bare.refs() == dict.fromkeys(names, two) == list_references(repository, "refs/heads/")
    update_references(repository, [RefUpdate(name=name, old=two, new="") for name in names[1:]])
    assert bare.refs() == {names[0]: two}
    assert not list(bare.path.rglob("*.lock"))
    bare.check()


def test_one_reference_that_is_elsewhere_moves_none(bare, repository, commits):
    one, two, three = commits
    update_references(repository, [RefUpdate(name=f"refs/heads/{n}", old="", new=one) for n in "ab"])
    with pytest.raises(PushRejected) as caught:
        update_references(
            repository,
            [
                RefUpdate(name="refs/heads/a", old=one, new=two),
                RefUpdate(name="refs/heads/b", old=three, new=two),
            ],
        )
    assert list(caught.value.reasons) == ["refs/heads/b"]
    assert one in caught.value.reasons["refs/heads/b"]
    assert bare.branches() == {"a": one, "b": one}
    with pytest.raises(PushRejected):
        update_references(repository, [RefUpdate(name="refs/heads/a", old="", new=two)])
    with pytest.raises(PushRejected):
        update_references(repository, [RefUpdate(name="refs/heads/absent", old=one, new="")])


def test_loose_references_of_other_programs_are_seen_and_replaced(bare, repository, commits):
    one, two, three = commits
    bare.git("update-ref", "refs/heads/x/y", one)
    assert resolve(repository, "x/y") == one
    update_references(repository, [RefUpdate(name="refs/heads/x/y", old=one, new=two)])
    assert bare.branches() == {"x/y": two}
    bare.git("update-ref", "refs/heads/x/y", three, two)
    assert resolve(repository, "x/y") == three
    bare.git("pack-refs", "--all", "--prune")
    assert (
        resolve(repository, "x/y")
        == three
        == open_repository(bare.path).handle.references["refs/heads/x/y"].raw_target.raw.hex()
    )


def test_tags_stay_as_they_are_peeled(bare, repository, commits):
    one, two, _ = commits
    bare.git("tag", "-a", "-m", "release", "v1", one)
    tag = bare.refs()["refs/tags/v1"]
    bare.git("pack-refs", "--all", "--no-prune")
    for header in (True, False):
        if not header:  # as an old Git, which peels nothing, would have left it
            path = bare.path / "packed-refs"
            path.write_text(
                "".join(line for line in path.read_text().splitlines(True) if line[0] not in "#^")
            )
        update_references(repository, [RefUpdate(name="refs/heads/a", old=resolve(repository, "a"), new=two)])
        assert f"{tag} refs/tags/v1\n^{one}\n" in (bare.path / "packed-refs").read_text()
    assert bare.git("rev-parse", "v1^{commit}") == one


def test_an_open_reader_sees_every_rewrite(bare, repository, commits):
    handle = open_repository(bare.path).handle
    name, at = "refs/heads/fast", ""
    for turn in range(60):  # many within one tick of the file system's clock, all of the same size
        new = commits[turn % 3]
        update_references(repository, [RefUpdate(name=name, old=at, new=new)])
        at = new
        assert str(handle.references[name].target) == at


def test_two_versions_never_have_one_time_even_if_the_clock_stands_still(bare, repository, commits):
    path, at, ahead = bare.path / "packed-refs", "", 0
    for turn in range(4):
        update_references(repository, [RefUpdate(name="refs/heads/x", old=at, new=commits[turn % 3])])
        at = commits[turn % 3]
        assert path.stat().st_mtime_ns > ahead
        ahead = path.stat().st_mtime_ns + 10**12  # as if the clock had been set back since
        os.utime(path, ns=(ahead, ahead))


def test_of_many_writers_exactly_one_wins_each_time(bare, facts, tmp_path):
    """Every success is one commit in the history: none is lost, whoever wrote it."""
    first = write_files(open_repository(bare.path), {"n": b"0"}, previous="", facts=facts("0")).commit
    update_references(open_repository(bare.path), [RefUpdate(name="refs/heads/r", old="", new=first)])
    context = multiprocessing.get_context("fork")
    results = context.Queue()

    def write(worker: int) -> None:
        mine = open_repository(bare.path)
        won = 0
        for turn in range(25):
            tip = resolve(mine, "r")
            new = write_files(mine, {"n": f"{worker} {turn}".encode()}, previous=tip, facts=facts("x")).commit
            try:
                update_references(mine, [RefUpdate(name="refs/heads/r", old=tip, new=new)])
                won += 1
            except PushRejected:
                pass
        results.put(won)

    workers = [context.Process(target=write, args=(n,)) for n in range(4)]
    for worker in workers:
        worker.start()
    won = sum(results.get(timeout=60) for _ in workers)
    for worker in workers:
        worker.join(60)
    assert len(bare.log("r")) == won + 1
    assert won >= 25
    bare.check()


def test_a_lock_that_became_the_file_is_not_removed_a_second_time(repository, commits, monkeypatch):
    """Between our rename and our return another writer may hold the lock of the same name: it is not ours to remove."""
    lock = repository.directory / "packed-refs.lock"
    sync = references.sync_directory

    def another_writer(path):
        sync(path)
        lock.touch(exist_ok=False)

    monkeypatch.setattr(references, "sync_directory", another_writer)
    update_references(repository, [RefUpdate(name="refs/heads/a", old="", new=commits[0])])
    assert lock.exists()
    lock.unlink()


def test_threads_with_handles_of_their_own_lose_no_update(repository, commits):
    failed = []

    def write(number):
        own = reopened(repository)
        try:
            for turn in range(20):
                name = f"refs/remotes/cluster/c{number}-{turn}"
                update_references(own, [RefUpdate(name=name, old="", new=commits[0])])
        except GitError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(list_references(repository, "refs/remotes/")) == 120


def test_git_update_ref_and_we_never_lose_each_others_update(bare, repository, commits):
    update_references(repository, [RefUpdate(name="refs/heads/r", old="", new=commits[0])])
    wins = {"git": 0, "us": 0}
    lost: list[str] = []

    def by_git() -> None:
        for turn in range(15):
            with_old = bare.branches()["r"]
            try:
                run_git("update-ref", "refs/heads/r", commits[(turn + 1) % 3], with_old, directory=bare.path)
                wins["git"] += 1
            except GitCommandError as error:
                lost.append(error.message)

    thread = threading.Thread(target=by_git)
    thread.start()
    while thread.is_alive():
        tip = resolve(repository, "r")
        try:
            update_references(repository, [RefUpdate(name="refs/heads/r", old=tip, new=commits[1])])
            wins["us"] += 1
        except PushRejected:
            pass
    thread.join()
    assert wins["us"]
    assert all("lock" in words for words in lost), lost
    assert bare.branches()["r"] == resolve(repository, "r")


def test_a_branch_named_like_our_prefix_blocks_and_says_so(bare, repository, commits):
    update = RefUpdate(name="refs/heads/reconciler/rendered", old="", new=commits[0])
    for pack in (False, True):
        bare.git("update-ref", "refs/heads/reconciler", commits[0])
        if pack:
            bare.git("pack-refs", "--all")
        with pytest.raises(GitError, match=r"the branch refs/heads/reconciler leaves no place"):
            update_references(repository, [update])
        with pytest.raises(GitError, match=r"the branch reconciler leaves no place"):
            check_local_names(repository, BranchNames())
        bare.git("update-ref", "-d", "refs/heads/reconciler")
    update_references(repository, [update])
    with pytest.raises(GitError, match=r"leaves? no place"):
        update_references(repository, [RefUpdate(name="refs/heads/reconciler", old="", new=commits[0])])
    bare.git("update-ref", "refs/heads/loose/below", commits[0])
    with pytest.raises(GitError, match=r"leaves? no place"):
        update_references(repository, [RefUpdate(name="refs/heads/loose", old="", new=commits[0])])


def test_a_prefix_of_several_parts_is_checked_in_every_part():
    names = BranchNames(prefix="fleet/prod")
    with pytest.raises(GitError, match="the branch fleet leaves no place"):
        check_names(["refs/heads/fleet"], names)
    check_names(["refs/heads/fleet/other", "refs/heads/main"], names)
    with pytest.raises(SettingsError):
        check_names([], BranchNames(source="reconciler/main"))


def test_empty_directories_left_by_others_do_not_block(bare, repository, commits):
    (bare.path / "refs/heads/gone/deep").mkdir(parents=True)
    update_references(repository, [RefUpdate(name="refs/heads/gone", old="", new=commits[0])])
    assert bare.branches() == {"gone": commits[0]}


def test_a_branch_in_somebodys_work_tree_is_not_moved(tmp_path, facts):
    run_git("init", "--quiet", "--initial-branch=reconciler/rendered", str(tmp_path / "work"))
    repository = open_repository(tmp_path / "work")
    commit = write_files(repository, {"a": b""}, previous="", facts=facts()).commit
    with pytest.raises(GitError, match="checked out"):
        update_references(repository, [RefUpdate(name="refs/heads/reconciler/rendered", old="", new=commit)])
    update_references(repository, [RefUpdate(name="refs/heads/main", old="", new=commit)])
    run_git("worktree", "add", "--quiet", str(tmp_path / "second"), "main", directory=tmp_path / "work")
    linked = open_repository(tmp_path / "second")
    assert linked.directory == (tmp_path / "work" / ".git").resolve()
    for each in (repository, linked):
        with pytest.raises(GitError, match="checked out"):
            update_references(each, [RefUpdate(name="refs/heads/main", old=commit, new="")])


@pytest.mark.parametrize(
    "name", ["refs/heads/a..b", "refs/heads/../../x", "refs/heads/a b", "refs/heads/-x~1", "main"]
)
def test_an_impossible_name_is_refused(repository, commits, name):
    with pytest.raises(GitError, match="cannot be the name"):
        update_references(repository, [RefUpdate(name=name, old="", new=commits[0])])


def test_a_commit_that_is_not_stored_cannot_be_pointed_at(repository):
    with pytest.raises(GitError):
        update_references(repository, [RefUpdate(name="refs/heads/a", old="", new="5" * 40)])
    assert resolve(repository, "a") == ""


def test_a_lock_of_a_dead_process_is_named_and_can_be_cleared(bare, repository, commits, monkeypatch):
    monkeypatch.setattr(references, "_LOCK_PATIENCE", 0.05)
    lock = bare.path / "refs/heads/a.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    update = RefUpdate(name="refs/heads/a", old="", new=commits[0])
    with pytest.raises(GitError, match=r"a\.lock: if no Git program is running"):
        update_references(repository, [update])
    assert clear_stale_locks(repository) == ("refs/heads/a.lock",)
    update_references(repository, [update])


def test_a_held_lock_is_waited_for(bare, repository, commits):
    lock = bare.path / "packed-refs.lock"
    os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
    threading.Timer(0.2, lock.unlink).start()
    update_references(repository, [RefUpdate(name="refs/heads/a", old="", new=commits[0])])
    assert bare.branches() == {"a": commits[0]}
