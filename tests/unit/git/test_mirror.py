from __future__ import annotations

import os
import subprocess
import sys

import pytest

from reconciler.errors import SettingsError
from reconciler.git.maintenance import PACKS, Due, due, maintain
from reconciler.git.mirror import open_mirror
from reconciler.git.references import RefUpdate, list_references, resolve, update_references
from reconciler.git.repository import raw
from reconciler.git.writer import write_changes, write_files
from tests.gitservers.repository import run_git


def test_a_mirror_is_made_once_and_opened_again(tmp_path, facts):
    with open_mirror(tmp_path / "data") as mirror:
        assert not mirror.rebuilt
        commit = write_files(mirror.repository, {"a": b"1"}, previous="", facts=facts()).commit
        update_references(mirror.repository, [RefUpdate(name="refs/heads/x", old="", new=commit)])
        assert mirror.repository.handle.is_bare
    with open_mirror(tmp_path / "data") as mirror:
        assert resolve(mirror.repository, "x") == commit


def test_two_processes_cannot_have_one_data_directory(tmp_path):
    with open_mirror(tmp_path / "data"):
        script = (
            "import sys; from pathlib import Path; from reconciler.git.mirror import open_mirror;"
            "from reconciler.errors import SettingsError\n"
            "try: open_mirror(Path(sys.argv[1]), patience=0)\nexcept SettingsError as error: print(error)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "data")], capture_output=True, text=True, check=True
        )
        assert "another process uses the data directory" in done.stdout
        with pytest.raises(SettingsError):
            open_mirror(tmp_path / "data", patience=0.1)
    open_mirror(tmp_path / "data").close()


def test_what_a_killed_process_left_does_not_stop_the_next(tmp_path, facts):
    with open_mirror(tmp_path / "data") as mirror:
        repository = mirror.repository
        commit = write_files(repository, {"a": b"1"}, previous="", facts=facts()).commit
        update_references(repository, [RefUpdate(name="refs/heads/good", old="", new=commit)])
        directory = repository.directory
    left = [
        "packed-refs.lock", "refs/heads/good.lock", "shallow.lock", "objects/pack/tmp_pack_abc", "objects/pack/tmp_idx_abc",
        f"objects/pack/pack-{'1' * 40}.pack", "refs/heads/empty", "refs/remotes/source/main",
    ]  # fmt: skip
    for name in left:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(f"{'2' * 40}\n" if name.endswith("source/main") else "")
    with open_mirror(tmp_path / "data") as mirror:
        assert not mirror.rebuilt
        assert list_references(mirror.repository, "refs/") == {"refs/heads/good": commit}
        update_references(mirror.repository, [RefUpdate(name="refs/heads/good", old=commit, new="")])
        assert not [name for name in left if (directory / name).exists()]
    run_git("fsck", "--full", "--strict", directory=directory)


def test_a_mirror_that_cannot_be_opened_is_made_anew(tmp_path):
    open_mirror(tmp_path / "data").close()
    (tmp_path / "data" / "mirror.git" / "HEAD").write_text("")
    (tmp_path / "data" / "mirror.git" / "config").write_text("[core")
    for rebuilt in (True, False):
        with open_mirror(tmp_path / "data") as mirror:
            assert mirror.rebuilt is rebuilt
            run_git("fsck", directory=mirror.repository.directory)


def test_half_a_mirror_is_not_one(tmp_path):
    (tmp_path / "data" / "mirror.git.new" / "objects").mkdir(parents=True)
    with open_mirror(tmp_path / "data") as mirror:
        assert not mirror.rebuilt
        run_git("fsck", directory=mirror.repository.directory)


def grown(repository, facts, count, name="refs/heads/status"):
    """Commits of one small change each, one pack each."""
    tip = resolve(repository, name)
    for number in range(count):
        new = write_changes(
            repository,
            {f"clusters/{number % 7}.yaml": os.urandom(40).hex().encode()},
            previous=tip,
            facts=facts(f"{number}"),
        ).commit
        update_references(repository, [RefUpdate(name=name, old=tip, new=new)])
        tip = new
    return tip


def packs(repository):
    return len(list(repository.pack_directory.glob("pack-*.pack")))


def test_packs_are_merged_when_there_are_fifty_and_readers_read_on(tmp_path, facts):
    with open_mirror(tmp_path / "data") as mirror:
        repository = mirror.repository
        tip = grown(repository, facts, PACKS - 1)
        assert due(repository) is maintain(repository) is Due.NOTHING
        tip = grown(repository, facts, 1)
        unreferenced = write_files(repository, {"waits": b"for its push"}, previous="", facts=facts()).commit
        assert maintain(repository) is Due.MERGE
        assert packs(repository) < 5
        assert len(list(repository.handle.walk(tip))) == PACKS  # the handle from before
        assert repository.has(raw(unreferenced))
        run_git("fsck", "--full", "--strict", directory=repository.directory)
        assert grown(repository, facts, 3) != tip


def test_many_commits_stay_within_their_bounds(tmp_path, facts):
    with open_mirror(tmp_path / "data") as mirror:
        repository = mirror.repository
        most = 0
        for _ in range(12):
            grown(repository, facts, 25)
            maintain(repository)
            most = max(most, packs(repository))
        assert most <= 60
        size = sum(
            path.stat().st_size for path in repository.directory.glob("objects/**/*") if path.is_file()
        )
        assert size / 300 < 3000  # bytes a commit
        assert not list(repository.directory.glob("objects/??/*"))


def test_cleaning_drops_what_nobody_needs_and_keeps_what_is_fresh(tmp_path, facts):
    with open_mirror(tmp_path / "data") as mirror:
        repository = mirror.repository
        tip = grown(repository, facts, 3)
        old = write_files(repository, {"old": b"heartbeat"}, previous="", facts=facts()).commit
        hours_ago = 1_000_000_000
        for path in repository.pack_directory.iterdir():
            os.utime(path, (hours_ago, hours_ago))
        fresh = write_files(repository, {"fresh": b"not pushed yet"}, previous="", facts=facts()).commit
        assert maintain(repository, need=Due.CLEAN) is Due.CLEAN
        objects = run_git("cat-file", "--batch-all-objects", "--batch-check", directory=repository.directory)
        assert fresh in objects
        assert tip in objects
        assert old not in objects
        update_references(repository, [RefUpdate(name="refs/heads/fresh", old="", new=fresh)])
        run_git("fsck", "--full", "--strict", directory=repository.directory)
        assert due(repository) is Due.NOTHING
