"""SIGKILL of a real process at every step between rendering and the last projection: started again, it converges."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from reconciler.errors import SettingsError
from reconciler.git.mirror import open_mirror
from tests.gitservers import BareRepository, Clone, HttpGitServer

# One pass of a reconciler that knows Git alone: what the remote has, one render, the truth, then its projections.
PASS = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from reconciler.git.branches import Release, project_clusters
from reconciler.git.mirror import open_mirror
from reconciler.git.references import RefUpdate
from reconciler.git.remote import Remote, fetch, publish
from reconciler.git.urls import Role
from reconciler.git.writer import CommitFacts, write_render
from reconciler.model.tree import RenderTree, Variant
from reconciler.settings import BranchNames

data, url, content, point = sys.argv[1:]

def at(name):
    if name == point:
        os.kill(os.getpid(), signal.SIGKILL)

time = datetime(2024, 5, 1, tzinfo=UTC)
names, clusters = BranchNames(), ("a", "b", "c")
remote = Remote(role=Role.RENDERED, url=url)
with open_mirror(Path(data), patience=60) as mirror:
    at("opened")
    tips = fetch(mirror.repository, remote, ["reconciler/rendered", "reconciler/cluster/*"])
    at("fetched")
    tree = RenderTree(clusters=clusters, variants=(Variant(path="n/K/x.yaml", data=content.encode(), clusters=clusters),))
    facts = CommitFacts(message="render", author_time=time, committer_time=time,
                        trailers={"Source-Commit": "1" * 40, "Complete": "true"})
    old = tips.get("reconciler/rendered", "")
    written = write_render(mirror.repository, tree, previous=old, facts=facts)
    at("written")
    if written.changed:
        publish(mirror.repository, (remote, RefUpdate(name="refs/heads/reconciler/rendered", old=old, new=written.commit)))
    at("truth pushed")
    found = project_clusters(
        mirror.repository, written.commit, releases=dict.fromkeys(clusters, Release(complete=True)),
        tips={name: tips.get(names.cluster(name), "") for name in clusters}, branches=names)
    at("projected")
    published = publish(mirror.repository, None, [(remote, update) for update in found.updates], chunk=1)
    assert not published.rejected, published
    print(len(found.updates), "moved")
"""


def run(
    origin: BareRepository, data: Path, content: str, point: str = "", *, url: str = ""
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PASS, str(data), url or origin.url, content, point],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.strip()


def converged(origin: BareRepository, content: str, commits: int) -> None:
    origin.check()
    assert len(origin.log("reconciler/rendered")) == commits
    for name in "abc":
        branch = f"reconciler/cluster/{name}"
        assert origin.read(branch, "n/K/x.yaml") == content
        assert len(origin.log(branch)) == commits  # no commit twice, none lost


@pytest.mark.parametrize("point", ["opened", "fetched", "written", "truth pushed", "projected"])
def test_killed_at_any_step_and_started_again_it_converges(
    git_repository: Callable[..., BareRepository], tmp_path: Path, point: str
) -> None:
    origin = git_repository()
    data = tmp_path / "data"
    assert finished(run(origin, data, "one\n")) == "3 moved"
    killed = run(origin, data, "two\n", point)
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert finished(run(origin, data, "two\n")) == "3 moved"
    converged(origin, "two\n", 2)
    assert finished(run(origin, data, "two\n")) == "0 moved"
    converged(origin, "two\n", 2)


def test_killed_while_a_push_runs_it_converges_whether_or_not_the_push_arrived(
    git_repository: Callable[..., BareRepository], tmp_path: Path
) -> None:
    origin = git_repository()
    data = tmp_path / "data"
    finished(run(origin, data, "one\n"))
    marker = tmp_path / "pushing"
    hook = origin.path / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\ntouch '{marker}'\nsleep 1\n")
    hook.chmod(0o755)
    process = run(origin, data, "two\n")
    _wait_for(marker)
    process.kill()
    process.communicate(timeout=60)
    hook.unlink()
    finished(run(origin, data, "two\n"))
    converged(origin, "two\n", 2)


def test_two_processes_race_for_the_truth_and_one_commit_is_made(
    git_repository: Callable[..., BareRepository], tmp_path: Path
) -> None:
    """Two replicas that both believe to lead: the loser stops before it touches a projection."""
    origin = git_repository()
    finished(run(origin, tmp_path / "first", "one\n"))
    marker = tmp_path / "pushing"
    hook = origin.path / "hooks" / "pre-receive"
    # The first push of the truth is let in when the second has come: whoever is slow to start has read the same truth.
    hook.write_text(
        "#!/bin/sh\nread old new name\ncase $name in */rendered) ;; *) exit 0 ;; esac\n"
        f"mkdir '{marker}' 2>/dev/null || {{ touch '{marker}/second'; exit 0; }}\n"
        f"for n in $(seq 600); do [ -e '{marker}/second' ] && exit 0; sleep 0.1; done\necho nobody came >&2; exit 1\n"
    )
    hook.chmod(0o755)
    one = run(origin, tmp_path / "first", "two\n")
    _wait_for(marker)
    two = run(origin, tmp_path / "second", "three\n")
    outcomes = [process.communicate(timeout=60) for process in (one, two)]
    codes = [one.returncode, two.returncode]
    assert sorted(code == 0 for code in codes) == [False, True], outcomes
    loser = outcomes[codes.index(next(code for code in codes if code))]
    assert "LostRace" in loser[1]
    hook.unlink()
    converged(origin, "two\n" if codes[0] == 0 else "three\n", 2)


@pytest.mark.parametrize("with_git", [False, True], ids=["git goes on", "git is killed too"])
def test_killed_in_the_middle_of_a_fetch_the_next_one_fetches_all(
    git_repository: Callable[..., BareRepository],
    git_clone: Callable[..., Clone],
    tmp_path: Path,
    *,
    with_git: bool,
) -> None:
    origin = git_repository()
    finished(run(origin, tmp_path / "first", "one\n"))
    # Enough to be killed in: a projection's branch holds 50 MB by the time it is fetched.
    clone = git_clone(origin.url)
    (clone.path / "noise").write_bytes(os.urandom(50 << 20))
    clone.commit("large")
    clone.push("HEAD:refs/heads/reconciler/cluster/large")
    data = tmp_path / "data"
    process = run(origin, data, "one\n")
    half = _wait_for_match(data / "mirror.git" / "objects" / "pack", "tmp_pack_*")
    process.kill()
    if with_git:
        for child in _git_in(data):
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
    process.communicate(timeout=60)
    assert finished(run(origin, data, "one\n")) == "0 moved"
    assert not half.exists()
    converged(origin, "one\n", 1)


def test_a_git_that_outlives_its_owner_keeps_the_next_owner_out(tmp_path: Path) -> None:
    """Otherwise its successor would take away the locks and files that it still works with."""
    data = tmp_path / "data"
    with HttpGitServer(tmp_path / "remotes", anonymous="write") as server:
        origin = server.repository("fleet")
        server.pause()
        process = run(origin, data, "one\n", url=server.url("fleet"))
        deadline = time.monotonic() + 30
        while not (left := _git_in(data)):
            assert time.monotonic() < deadline, "git never ran"
            time.sleep(0.01)
        process.kill()
        process.communicate(timeout=60)
        with pytest.raises(SettingsError, match="another process uses the data directory"):
            open_mirror(data, patience=0.2)
        for child in left:
            os.killpg(child, signal.SIGTERM)
        server.resume()
        assert finished(run(origin, data, "one\n", url=server.url("fleet"))) == "3 moved"
    converged(origin, "one\n", 1)


def _git_in(data: Path) -> list[int]:
    """Our `git` processes that work in this data directory; each leads its own group."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with suppress(OSError):
                process = int(path.name)
                ours = f"--git-dir={data}".encode() in (path / "cmdline").read_bytes()
                if ours and os.getpgid(process) == process:
                    found.append(process)
    return found


def _wait_for_match(directory: Path, pattern: str) -> Path:
    deadline = time.monotonic() + 30
    while not (found := next(iter(directory.glob(pattern)), None)):
        assert time.monotonic() < deadline, f"{pattern} never came"
        time.sleep(0.001)
    return found


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.01)
