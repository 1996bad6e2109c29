from __future__ import annotations

import os
import threading
from dataclasses import replace

import pytest

import reconciler.git.remote as remote_module
from reconciler.errors import FetchFailed, GitError, HistoryRewritten, LostRace, PushRejected, SettingsError
from reconciler.git.branches import Release, project_clusters
from reconciler.git.history import check_history
from reconciler.git.mirror import open_mirror
from reconciler.git.references import RefUpdate, resolve
from reconciler.git.remote import Remote, check_remote_names, fetch, publish, push, remote_references
from reconciler.git.repository import open_repository, raw
from reconciler.git.urls import Role
from reconciler.git.writer import write_files, write_render
from reconciler.settings import BranchNames
from tests.gitservers import Clone, bare_repository
from tests.unit.git.conftest import render_tree

NAMES = BranchNames()
RENDERED = "refs/heads/reconciler/rendered"
FLEET = {name: {"n/K/x.yaml": name.encode()} for name in ("a", "b", "c")}


@pytest.fixture
def mirror(tmp_path):
    with open_mirror(tmp_path / "data") as opened:
        yield opened.repository


@pytest.fixture
def origin(tmp_path):
    return bare_repository(tmp_path / "origin.git")


@pytest.fixture
def remote(origin):
    return Remote(role=Role.RENDERED, url=origin.url)


@pytest.fixture
def rendered(mirror, facts):
    return write_render(mirror, render_tree(FLEET), previous="", facts=facts()).commit


def projections(mirror, commit, remote, tips=None):
    releases = dict.fromkeys(FLEET, Release(complete=True))
    found = project_clusters(mirror, commit, releases=releases, tips=tips or {}, branches=NAMES)
    return [(remote, update) for update in found.updates]


def truth(commit, old=""):
    return RefUpdate(name=RENDERED, old=old, new=commit)


def test_one_branch_is_fetched_and_nothing_else(mirror, origin, tmp_path):
    clone = Clone(tmp_path / "clone", origin.url)
    first = clone.commit_and_push("one", {"a.yaml": "1"})
    clone.git("tag", "v1")
    clone.git("push", "-q", "origin", "HEAD:refs/heads/other", "v1")
    source = Remote(role=Role.SOURCE, url=str(origin.path))
    assert fetch(mirror, source, ["main"]) == {"main": first}
    assert mirror.handle.references.get("refs/tags/v1") is None
    assert resolve(mirror, "refs/remotes/source/main") == first
    assert resolve(mirror, "refs/remotes/source/other") == ""
    second = clone.commit_and_push("two", {"a.yaml": "2"})
    assert fetch(mirror, source, ["main"]) == {"main": second}
    assert not list((mirror.directory / "objects").glob("??/*"))  # packs only, no loose object


def test_a_branch_that_is_not_there_is_no_error_and_is_forgotten(mirror, origin, remote, rendered):
    names = ["reconciler/rendered", "reconciler/status"]
    assert fetch(mirror, remote, names) == {}
    push(mirror, remote, [truth(rendered)])
    assert fetch(mirror, remote, names) == {"reconciler/rendered": rendered}
    origin.git("update-ref", "-d", RENDERED)
    assert fetch(mirror, remote, names) == {}
    assert resolve(mirror, remote.tracking(RENDERED)) == ""


def test_a_hundred_branches_that_are_not_there_yet_cost_no_hundred_requests(
    mirror, origin, remote, tmp_path, monkeypatch
):
    Clone(tmp_path / "clone", origin.url).commit_and_push("one", {"a.yaml": "1"})
    asked = []
    run = remote_module._git

    def counted(repository, where, options, names):
        asked.append(options[0])
        return run(repository, where, options, names)

    monkeypatch.setattr(remote_module, "_git", counted)
    names = [f"reconciler/cluster/c{number:03}" for number in range(100)]
    assert set(fetch(mirror, remote, ["main", *names])) == {"main"}
    assert asked == ["fetch", "ls-remote", "fetch"]


def test_all_reports_are_fetched_by_one_pattern(mirror, origin, facts):
    remote = Remote(role=Role.REPORT, url=origin.url, strict=True, largest_pack=1 << 20)
    commits = {
        f"reconciler/report/{name}": write_files(
            mirror, {"r": name.encode()}, previous="", facts=facts()
        ).commit
        for name in ("a", "b")
    }
    push(
        mirror,
        remote,
        [RefUpdate(name=f"refs/heads/{name}", old="", new=new) for name, new in commits.items()],
    )
    other = open_mirror(mirror.directory.parent.parent / "other").repository
    assert fetch(other, remote, ["reconciler/report/*"]) == commits
    origin.git("update-ref", "-d", "refs/heads/reconciler/report/a")
    assert list(fetch(other, remote, ["reconciler/report/*"])) == ["reconciler/report/b"]


def test_a_report_that_is_larger_than_allowed_is_not_taken(mirror, origin, tmp_path):
    clone = Clone(tmp_path / "clone", origin.url)
    (clone.path / "blob").write_bytes(os.urandom(600_000))
    clone.commit("large")
    clone.push("HEAD:refs/heads/reconciler/report/a")
    remote = Remote(role=Role.REPORT, url=origin.url, strict=True, largest_pack=200_000)
    with pytest.raises(FetchFailed, match="may not send more than 200000 bytes"):
        fetch(mirror, remote, ["reconciler/report/a"])
    assert not list(mirror.pack_directory.glob("*"))  # nothing of it stays
    assert fetch(mirror, replace(remote, largest_pack=2_000_000), ["reconciler/report/a"])


def test_a_report_with_a_malicious_tree_is_not_taken(mirror, origin):
    from tests.gitservers.repository import run_git

    inner = run_git("mktree", directory=origin.path, stdin="").strip()
    blob = origin.git("hash-object", "-w", "/dev/null")
    inner = run_git("mktree", directory=origin.path, stdin=f"100644 blob {blob}\tconfig\n").strip()
    tree = run_git("mktree", directory=origin.path, stdin=f"040000 tree {inner}\t.git\n").strip()
    origin.git("update-ref", "refs/heads/reconciler/report/a", origin.git("commit-tree", tree, "-m", "x"))
    remote = Remote(role=Role.REPORT, url=origin.url, strict=True)
    with pytest.raises(FetchFailed, match="hasDotgit"):
        fetch(mirror, remote, ["reconciler/report/a"])


def test_a_remote_that_is_not_there_is_a_failed_fetch_with_gits_words(mirror, tmp_path):
    remote = Remote(role=Role.SOURCE, url=str(tmp_path / "absent.git"))
    with pytest.raises(FetchFailed, match=r"source remote .*absent\.git.*does not (exist|appear)"):
        fetch(mirror, remote, ["main"])
    with pytest.raises(FetchFailed):
        remote_references(mirror, remote)
    with pytest.raises(PushRejected) as caught:
        push(mirror, remote, [RefUpdate(name="refs/heads/x", old="", new="1" * 40)])
    assert caught.value.reasons == {}
    with pytest.raises(SettingsError):
        fetch(mirror, Remote(role=Role.SOURCE, url="ext::sh"), ["main"])


def test_the_truth_and_its_projections_arrive_together(mirror, origin, remote, rendered):
    clusters = replace(remote, role=Role.CLUSTER)
    published = publish(mirror, (remote, truth(rendered)), projections(mirror, rendered, clusters))
    assert published.rejected == {}
    assert sorted(published.pushed) == sorted(origin.refs())
    assert origin.branches()["reconciler/rendered"] == rendered
    for name in FLEET:
        assert origin.git("rev-parse", f"reconciler/cluster/{name}^{{tree}}") == origin.git(
            "rev-parse", f"reconciler/rendered:clusters/{name}"
        )
    assert resolve(mirror, remote.tracking(RENDERED)) == rendered
    assert resolve(mirror, clusters.tracking("reconciler/cluster/a"))
    origin.check()
    # Once more, as after a crash that lost the answer: nothing moves, nobody complains.
    again = publish(mirror, (remote, truth(rendered)), projections(mirror, rendered, clusters))
    assert again.rejected == {}


def test_of_two_writers_one_wins_and_the_other_hears_of_it(mirror, origin, remote, rendered, facts):
    push(mirror, remote, [truth(rendered)])
    ours = write_render(mirror, render_tree({"a": {}}), previous=rendered, facts=facts("ours")).commit
    theirs = write_render(mirror, render_tree({"b": {}}), previous=rendered, facts=facts("theirs")).commit
    push(mirror, remote, [truth(theirs, rendered)])
    with pytest.raises(LostRace) as caught:
        publish(mirror, (remote, truth(ours, rendered)), projections(mirror, ours, remote))
    assert "stale info" in caught.value.reasons[RENDERED]
    assert origin.branches() == {"reconciler/rendered": theirs}  # and no projection of the loser
    with pytest.raises(LostRace):
        push(mirror, remote, [truth(ours)])  # "it does not exist yet" is stale too


def test_many_writers_to_one_remote_lose_no_commit(origin, facts, tmp_path):
    remote = Remote(role=Role.STATUS, url=origin.url)
    wins: list[str] = []
    faults: list[Exception] = []

    def write(number: int) -> None:
        with open_mirror(tmp_path / f"writer-{number}") as mirror:
            for turn in range(6):
                try:
                    tip = fetch(mirror.repository, remote, ["s"]).get("s", "")
                    content = {"n": f"{number} {turn}".encode()}
                    new = write_files(
                        mirror.repository, content, previous=tip, facts=facts(content["n"].decode())
                    ).commit
                    push(mirror.repository, remote, [RefUpdate(name="refs/heads/s", old=tip, new=new)])
                    wins.append(new)
                except LostRace:
                    continue
                except Exception as error:  # noqa: BLE001 - reported below
                    faults.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert sorted(origin.log("s")) == sorted(wins)
    assert len(wins) >= 6
    origin.check()


def test_a_hooks_words_reach_the_reader(mirror, origin, remote, rendered):
    origin.refuse_pushes("no pushes on Friday, ask Mallory's team")
    with pytest.raises(PushRejected, match="no pushes on Friday, ask Mallory's team") as caught:
        publish(mirror, (remote, truth(rendered)), projections(mirror, rendered, remote))
    assert not isinstance(caught.value, LostRace)
    assert "pre-receive hook declined" in caught.value.reasons[RENDERED]
    assert origin.refs() == {}
    origin.accept_pushes()
    assert publish(mirror, (remote, truth(rendered))).pushed == (RENDERED,)


def test_a_refused_projection_holds_up_neither_the_truth_nor_the_others(mirror, origin, remote, rendered):
    origin.refuse_pushes("branch a is protected", refs="refs/heads/reconciler/cluster/a")
    published = publish(mirror, (remote, truth(rendered)), projections(mirror, rendered, remote))
    assert list(published.rejected) == ["refs/heads/reconciler/cluster/a"]
    assert "branch a is protected" in published.rejected["refs/heads/reconciler/cluster/a"]
    assert sorted(origin.branches()) == [
        "reconciler/cluster/b",
        "reconciler/cluster/c",
        "reconciler/rendered",
    ]
    assert resolve(mirror, remote.tracking("reconciler/cluster/a")) == ""
    assert resolve(mirror, remote.tracking("reconciler/cluster/b"))


def test_a_refused_truth_takes_no_projection_with_it(mirror, origin, remote, rendered, tmp_path):
    origin.refuse_pushes("frozen", refs=RENDERED)
    elsewhere = bare_repository(tmp_path / "clusters.git")
    apart = Remote(role=Role.CLUSTER, url=elsewhere.url)
    for where in (remote, apart):
        with pytest.raises(PushRejected, match="frozen"):
            publish(mirror, (remote, truth(rendered)), projections(mirror, rendered, where))
    assert origin.refs() == elsewhere.refs() == {}


def test_a_server_that_knows_no_atomic_push_gets_the_truth_first(mirror, origin, remote, rendered):
    origin.git("config", "receive.advertiseAtomic", "false")
    log = origin.path / "order"
    hook = origin.path / "hooks" / "update"
    hook.write_text(f'#!/bin/sh\necho "$1" >> {log}\n')
    hook.chmod(0o755)
    assert not publish(mirror, (remote, truth(rendered)), projections(mirror, rendered, remote)).rejected
    assert log.read_text().splitlines()[0] == RENDERED
    assert len(origin.refs()) == 4


def test_many_projections_go_in_chunks_after_the_truth(mirror, origin, remote, rendered):
    log = origin.path / "pushes"
    hook = origin.path / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\ngrep -c . >> {log}\n")
    hook.chmod(0o755)
    published = publish(mirror, (remote, truth(rendered)), projections(mirror, rendered, remote), chunk=2)
    assert log.read_text().split() == ["1", "2", "1"]
    assert len(published.pushed) == 4


def test_projections_lost_between_truth_and_their_push_are_made_again(
    mirror, origin, remote, rendered, tmp_path
):
    publish(mirror, (remote, truth(rendered)))  # killed here
    with open_mirror(tmp_path / "restarted") as fresh:
        tips = fetch(fresh.repository, remote, ["reconciler/rendered", "reconciler/cluster/*"])
        assert tips == {"reconciler/rendered": rendered}
        published = publish(fresh.repository, None, projections(fresh.repository, rendered, remote))
    assert len(published.pushed) == 3
    assert origin.branches()["reconciler/cluster/a"] == next(
        one.new for _, one in projections(mirror, rendered, remote) if one.name.endswith("/a")
    )


def test_each_cluster_may_have_its_own_repository(mirror, remote, rendered, origin, tmp_path):
    sites = {name: bare_repository(tmp_path / f"site-{name}.git") for name in FLEET}
    moves = []
    for _, update in projections(mirror, rendered, remote):
        name = update.name.rpartition("/")[2]
        moves.append((Remote(role=Role.CLUSTER, url=sites[name].url), update))
    sites["b"].path.rename(tmp_path / "gone.git")
    published = publish(mirror, (remote, truth(rendered)), moves)
    assert list(published.rejected) == ["refs/heads/reconciler/cluster/b"]
    assert "site-b" in published.rejected["refs/heads/reconciler/cluster/b"]
    for name in ("a", "c"):
        assert list(sites[name].branches()) == [f"reconciler/cluster/{name}"]
        stored = sites[name].git("cat-file", "--batch-all-objects", "--batch-check").split()
        assert (
            origin.git("rev-parse", "reconciler/rendered:clusters/b/n") not in stored
        )  # another site's content
        sites[name].check()
    assert list(origin.branches()) == ["reconciler/rendered"]


def test_a_branch_can_be_deleted_only_where_it_was_left(mirror, origin, remote, rendered):
    push(mirror, remote, [truth(rendered)])
    with pytest.raises(LostRace):
        push(mirror, remote, [RefUpdate(name=RENDERED, old="1" * 40, new="")])
    push(mirror, remote, [RefUpdate(name=RENDERED, old=rendered, new="")])
    assert origin.refs() == {}


def test_a_heartbeat_replaces_the_tip_on_the_remote(mirror, origin, facts):
    remote = Remote(role=Role.REPORT, url=origin.url)
    name = "refs/heads/reconciler/report/a"
    first = write_files(mirror, {"r": b"1"}, previous="", facts=facts()).commit
    push(mirror, remote, [RefUpdate(name=name, old="", new=first)])
    beat = write_files(mirror, {"r": b"1"}, previous=first, facts=facts("heartbeat"), replace_tip=True).commit
    push(mirror, remote, [RefUpdate(name=name, old=first, new=beat)])
    assert origin.log(name) == [beat]
    other = write_files(mirror, {}, previous="", facts=facts()).commit
    with pytest.raises(LostRace):
        push(mirror, remote, [RefUpdate(name=name, old=first, new=other)])


def test_a_branch_named_like_our_prefix_is_found_on_the_remote(mirror, origin, remote, rendered):
    check_remote_names(mirror, remote, NAMES)
    push(mirror, remote, [RefUpdate(name="refs/heads/x/refs/heads/reconciler", old="", new=rendered)])
    check_remote_names(mirror, remote, NAMES)  # `ls-remote` matches from the end
    push(mirror, remote, [RefUpdate(name="refs/heads/reconciler", old="", new=rendered)])
    with pytest.raises(
        GitError, match="the branch reconciler leaves no place for reconciler/rendered: rename it"
    ):
        check_remote_names(mirror, remote, NAMES)
    with pytest.raises(PushRejected, match="reconciler"):
        push(mirror, remote, [truth(rendered)])


def test_a_rewritten_source_history_is_not_followed(mirror, origin, tmp_path):
    clone = Clone(tmp_path / "clone", origin.url)
    source = Remote(role=Role.SOURCE, url=origin.url)
    base = clone.commit_and_push("base", {"a": "0"})
    old = clone.commit_and_push("one", {"a": "1"})
    assert check_history(mirror, "", fetch(mirror, source, ["main"])["main"]) is False
    ahead = clone.commit_and_push("two", {"a": "2"})
    assert check_history(mirror, old, fetch(mirror, source, ["main"])["main"]) is False
    clone.git("reset", "--hard", "-q", base)
    new = clone.commit("rewritten", {"a": "9"})
    clone.git("push", "-q", "--force", "origin", "HEAD")
    tip = fetch(mirror, source, ["main"])["main"]
    assert tip == new
    with pytest.raises(HistoryRewritten, match=f"{new} does not contain {ahead}.*--accept-history {new}"):
        check_history(mirror, ahead, tip)
    with pytest.raises(HistoryRewritten):
        check_history(mirror, ahead, tip, accepted=old)
    assert check_history(mirror, ahead, tip, accepted=new) is True
    later = clone.commit_and_push("later", {"a": "10"})
    assert check_history(mirror, ahead, fetch(mirror, source, ["main"])["main"], accepted=new) is True
    assert check_history(mirror, new, later) is False
    with open_mirror(tmp_path / "fresh") as fresh:  # a new data directory cannot be fooled either
        tip = fetch(fresh.repository, source, ["main"])["main"]
        assert not fresh.repository.has(raw(ahead))
        with pytest.raises(HistoryRewritten):
            check_history(fresh.repository, ahead, tip)
    assert open_repository(origin.path).has(raw(ahead))
