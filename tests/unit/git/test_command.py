from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from reconciler.errors import GitError
from reconciler.git.command import local_git, run_program

PATH = {"PATH": os.environ["PATH"]}


def test_a_program_that_does_not_end_is_killed_with_all_it_started(tmp_path):
    script = f"sleep 60 & echo $! > {tmp_path}/child; echo started; trap '' TERM; wait; sleep 60"
    answer = run_program(["sh", "-c", script], environment=PATH, timeout=2)
    assert answer.timed_out
    assert answer.out == "started\n"
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 30
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _runs(child)


def test_a_program_has_no_terminal_and_no_input():
    answer = run_program(
        ["sh", "-c", "cat; (: < /dev/tty) 2>/dev/null && echo terminal"], environment=PATH, timeout=10
    )
    assert answer.out == ""


def test_only_the_end_of_a_flood_is_kept():
    answer = run_program(
        ["sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' x; echo end"], environment=PATH, timeout=30
    )
    assert len(answer.out) <= 4 << 20
    assert answer.out.endswith("xend\n")


def test_a_file_cannot_grow_beyond_its_limit(tmp_path):
    target = tmp_path / "file"
    answer = run_program(
        ["dd", "if=/dev/zero", f"of={target}", "bs=1M", "count=8"],
        environment=PATH,
        timeout=30,
        largest_file=1 << 20,
    )
    assert answer.code != 0
    assert target.stat().st_size <= (1 << 20) + 512


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(GitError, match="no-such-program"):
        run_program(["no-such-program"], environment=PATH, timeout=1)


def test_a_failed_maintenance_says_gits_words(bare):
    with pytest.raises(GitError, match="unknown-verb"):
        local_git(["unknown-verb"], bare.path)


def test_no_hook_of_a_repository_runs(bare):
    hook = Path(bare.path / "hooks" / "reference-transaction")
    hook.write_text(f"#!/bin/sh\ntouch {bare.path}/ran\n")
    hook.chmod(0o755)
    tree = bare.git("hash-object", "-t", "tree", "-w", "/dev/null")
    commit = bare.git("commit-tree", tree, "-m", "x")
    local_git(["update-ref", "refs/heads/x", commit], bare.path)
    assert bare.branches() == {"x": commit}
    assert not (bare.path / "ran").exists()


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
