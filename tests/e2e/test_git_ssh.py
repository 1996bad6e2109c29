"""Git over SSH against a real SSH server: keys, known hosts, passphrases, and refusals."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.errors import FetchFailed, LostRace, PushRejected
from reconciler.git.mirror import open_mirror
from reconciler.git.references import RefUpdate
from reconciler.git.remote import Remote, fetch, push
from reconciler.git.repository import Repository
from reconciler.git.urls import Role
from reconciler.git.writer import CommitFacts, write_files
from tests.gitservers import SshGitServer

TIME = datetime(2024, 5, 1, tzinfo=UTC)
FACTS = CommitFacts(message="status", author_time=TIME, committer_time=TIME)
STATUS = "refs/heads/reconciler/status"


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Repository]:
    with open_mirror(tmp_path / "data with space") as opened:
        yield opened.repository


@pytest.fixture
def secret(tmp_path: Path, ssh_git_server: SshGitServer) -> Callable[..., Path]:
    """A mounted Secret for the server: its writer's key and its host key, unless given."""

    def write(name: str = "writer", **keys: str) -> Path:
        directory = tmp_path / "secrets of" / name
        directory.mkdir(parents=True)
        given = {
            "identity": ssh_git_server.client_key.read_text(),
            "known_hosts": ssh_git_server.known_hosts,
            **keys,
        }
        for key, value in given.items():
            path = directory / key
            path.write_text(value)
            path.chmod(0o600)
        return directory

    return write


def test_a_key_and_a_known_host_read_and_write(
    ssh_git_server: SshGitServer, mirror: Repository, secret: Callable[..., Path]
) -> None:
    origin = ssh_git_server.repository("fleet")
    remote = Remote(role=Role.STATUS, url=ssh_git_server.url("fleet"), credentials=secret())
    first = write_files(mirror, {"a": b"1"}, previous="", facts=FACTS).commit
    push(mirror, remote, [RefUpdate(name=STATUS, old="", new=first)])
    assert fetch(mirror, remote, ["reconciler/status"]) == {"reconciler/status": first}
    second = write_files(mirror, {"a": b"2"}, previous=first, facts=FACTS).commit
    push(mirror, remote, [RefUpdate(name=STATUS, old=first, new=second)])
    third = write_files(mirror, {"a": b"3"}, previous=first, facts=FACTS).commit
    with pytest.raises(LostRace):
        push(mirror, remote, [RefUpdate(name=STATUS, old=first, new=third)])
    assert origin.log(STATUS) == [second, first]
    assert {one.user for one in ssh_git_server.sessions} == {"writer"}
    assert "version=2" in {one.protocol for one in ssh_git_server.sessions}


def test_a_host_that_is_not_known_gets_nothing(
    ssh_git_server: SshGitServer, mirror: Repository, secret: Callable[..., Path]
) -> None:
    ssh_git_server.repository("fleet")
    url = ssh_git_server.url("fleet")
    stranger = secret("stranger", known_hosts="other.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==\n")
    with pytest.raises(FetchFailed, match="Host key verification failed"):
        fetch(mirror, Remote(role=Role.SOURCE, url=url, credentials=stranger), ["main"])
    remote = Remote(role=Role.SOURCE, url=url, credentials=secret())
    assert fetch(mirror, remote, ["main"]) == {}
    ssh_git_server.stop()
    ssh_git_server.new_host_key()
    ssh_git_server.start()
    with pytest.raises(FetchFailed, match="REMOTE HOST IDENTIFICATION HAS CHANGED"):
        fetch(mirror, remote, ["main"])


def test_a_key_that_is_not_known_is_named_by_its_directory(
    ssh_git_server: SshGitServer, mirror: Repository, secret: Callable[..., Path]
) -> None:
    ssh_git_server.repository("fleet")
    directory = secret("unknown", identity=ssh_git_server.new_key("nobody", None).read_text())
    with pytest.raises(FetchFailed, match=r"Permission denied.*look at: the credential in") as caught:
        fetch(
            mirror, Remote(role=Role.SOURCE, url=ssh_git_server.url("fleet"), credentials=directory), ["main"]
        )
    assert str(directory) in str(caught.value)


def test_a_key_that_may_only_read_is_refused_with_the_servers_words(
    ssh_git_server: SshGitServer, mirror: Repository, secret: Callable[..., Path]
) -> None:
    origin = ssh_git_server.repository("fleet")
    directory = secret("reader", identity=ssh_git_server.new_key("reader", "read").read_text())
    remote = Remote(role=Role.STATUS, url=ssh_git_server.url("fleet"), credentials=directory)
    assert fetch(mirror, remote, ["reconciler/status"]) == {}
    commit = write_files(mirror, {"a": b"1"}, previous="", facts=FACTS).commit
    with pytest.raises(PushRejected, match="this key may read only"):
        push(mirror, remote, [RefUpdate(name=STATUS, old="", new=commit)])
    assert origin.refs() == {}


def test_a_key_with_a_passphrase_works_and_a_wrong_one_does_not_hang(
    ssh_git_server: SshGitServer, mirror: Repository, secret: Callable[..., Path], tmp_path: Path
) -> None:
    ssh_git_server.repository("fleet")
    copy = tmp_path / "locked"
    copy.touch(mode=0o600)
    copy.write_bytes(ssh_git_server.client_key.read_bytes())
    # One round of its key derivation: the default takes long where there is little processor.
    change = ["ssh-keygen", "-q", "-p", "-a", "1", "-P", "", "-N", "open sesame", "-f", str(copy)]
    subprocess.run(change, check=True, capture_output=True)
    locked = copy.read_text()
    url = ssh_git_server.url("fleet")
    for name, passphrase in (("right", "open sesame\n"), ("wrong", "open barley")):
        directory = secret(name, identity=locked, password=passphrase)
        remote = Remote(role=Role.SOURCE, url=url, credentials=directory, timeout=60)
        if name == "right":
            assert fetch(mirror, remote, ["main"]) == {}
        else:
            with pytest.raises(FetchFailed, match="Permission denied") as caught:
                fetch(mirror, remote, ["main"])
            assert "open barley" not in str(caught.value)
    with pytest.raises(FetchFailed, match="Permission denied"):
        fetch(
            mirror,
            Remote(role=Role.SOURCE, url=url, credentials=secret("none", identity=locked), timeout=60),
            ["main"],
        )


def test_a_key_as_a_cluster_mounts_it_works(
    ssh_git_server: SshGitServer, mirror: Repository, secret: Callable[..., Path]
) -> None:
    """Readable by the group, and without the last line break: ssh alone would refuse both."""
    ssh_git_server.repository("fleet")
    directory = secret("mounted", identity=ssh_git_server.client_key.read_text().rstrip("\n"))
    (directory / "identity").chmod(0o644)
    assert (
        fetch(
            mirror, Remote(role=Role.SOURCE, url=ssh_git_server.url("fleet"), credentials=directory), ["main"]
        )
        == {}
    )


def test_the_users_agent_is_not_asked_when_a_key_is_mounted(
    ssh_git_server: SshGitServer,
    mirror: Repository,
    secret: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ssh_git_server.repository("fleet")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nonexistent/agent")
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -o ProxyCommand=false")
    remote = Remote(role=Role.SOURCE, url=ssh_git_server.url("fleet"), credentials=secret())
    assert fetch(mirror, remote, ["main"]) == {}
