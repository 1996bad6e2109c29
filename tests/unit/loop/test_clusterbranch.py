"""An agent's view of its branch: what it takes, what it refuses, and what it goes on by. `git` moves the remote."""

import subprocess
from dataclasses import replace

import pytest

from reconciler.errors import ForeignCommit, HistoryRewritten
from reconciler.git.mirror import open_mirror
from reconciler.git.remote import remote_for
from reconciler.git.signatures import SshSigner
from reconciler.git.urls import Role
from reconciler.loop.clusterbranch import ClusterBranch
from reconciler.settings import GuardLimits, RemoteUrls, Settings
from tests.unit.loop.fleets import config_map, one_pass, started

BRANCH = "reconciler/cluster/b"


@pytest.fixture
def agent(scene, tmp_path):
    repository, _, _ = scene
    with open_mirror(tmp_path / "agent") as mirror:
        yield branch_of(repository, mirror.repository)


def branch_of(repository, mirror):
    return ClusterBranch(
        cluster="b",
        repository=mirror,
        remote=remote_for(RemoteUrls(source=repository.url), Role.CLUSTER, cluster="b", laptop=True),
        branches=Settings().branches,
        limits=GuardLimits(),
    )


def take(branch):
    tip = branch.fetched()
    taken = branch.read(tip)
    branch.remember(tip)
    return taken


def names(taken):
    return sorted(id_.name for id_ in taken.desired.objects if id_.kind == "ConfigMap")


def more(scene, name):
    _, author, record = scene
    author.commit_and_push(name, {f"apps/{name}.yaml": config_map(name)})
    return one_pass(record)


def test_what_was_taken_is_known_again_without_asking_anybody(scene, agent):
    started(scene, 2)
    assert agent.known() == ""
    taken = take(agent)
    assert names(taken) == ["c00", "c01"]
    assert names(agent.read(agent.known())) == ["c00", "c01"]
    assert agent.objects_at(taken.desired.commit) == frozenset(taken.desired.objects)
    newer = more(scene, "more")
    agent.fetched()
    # Fetched is not taken: a restart goes on by what was judged.
    assert names(agent.read(agent.known())) == ["c00", "c01"]
    assert agent.supersedes(newer.commit, taken.desired.commit) is None
    assert names(take(agent)) == ["c00", "c01", "more"]
    assert agent.supersedes(newer.commit, taken.desired.commit) is True
    assert agent.supersedes(taken.desired.commit, newer.commit) is False


def test_a_commit_that_nobody_signed_is_not_taken_and_not_gone_on_by_after_a_restart(scene, agent, tmp_path):
    repository, _, record = scene
    keys = [key_in(tmp_path / name) for name in ("ours", "theirs")]
    allowed = tmp_path / "allowed"
    allowed.write_text(f"fleet-reconciler@localhost {keys[0].with_suffix('.pub').read_text()}")
    agent.allowed_signers = allowed
    record.signer = SshSigner(key=keys[0])
    started(scene, 1)
    assert names(take(agent)) == ["c00"]
    for signer in (None, SshSigner(key=keys[1])):
        record.signer = signer
        more(scene, f"by-{'nobody' if signer is None else 'another'}")
        with pytest.raises(ForeignCommit, match="not signed by an allowed key"):
            take(agent)
        # The same agent, started again: nothing remembers the refused commit.
        again = replace(agent)
        assert names(again.read(again.known())) == ["c00"]
    # What was taken before signatures were asked for is no better.
    agent.repository.handle.references.create(
        "refs/reconciler/taken/b", repository.branches()[BRANCH], force=True
    )
    with pytest.raises(ForeignCommit, match="not signed by an allowed key"):
        agent.read(agent.known())


def test_a_branch_that_goes_back_is_not_followed_and_one_that_is_made_anew_is(scene, agent):
    repository, _, _ = scene
    started(scene, 1)
    old = repository.branches()[BRANCH]
    more(scene, "more")
    assert names(take(agent)) == ["c00", "more"]
    new = repository.branches()[BRANCH]
    # An old commit of ours, signed or not, pushed once more: everything since would be taken back.
    repository.git("update-ref", f"refs/heads/{BRANCH}", old)
    with pytest.raises(HistoryRewritten, match="goes back"):
        take(agent)
    assert names(agent.read(agent.known())) == ["c00", "more"]
    # Somebody deletes the branch, and the reconciler makes it again from the truth.
    repository.git("update-ref", "-d", f"refs/heads/{BRANCH}")
    scene[2]._tips_known = set()
    one_pass(scene[2])
    assert repository.branches()[BRANCH] != new
    assert names(take(agent)) == ["c00", "more"]


def test_a_foreign_commit_is_not_taken(scene, agent):
    _, author, _ = scene
    started(scene, 1)
    take(agent)
    author.git("fetch", "--quiet", "origin")
    author.git("checkout", "--quiet", "-b", "mine", f"origin/{BRANCH}")
    author.git("commit", "--quiet", "--allow-empty", "-m", "mine")
    author.git("push", "--quiet", "origin", f"HEAD:{BRANCH}")
    with pytest.raises(ForeignCommit):
        take(agent)
    assert names(agent.read(agent.known())) == ["c00"]


def key_in(directory):
    directory.mkdir()
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(directory / "key")], check=True
    )
    return directory / "key"
