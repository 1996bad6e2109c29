"""The Git servers of the tests are what they claim to be: git on both ends, and refusals where real hosts refuse."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pygit2
import pytest

from tests.gitservers import Clone, GitCommandError, HttpGitServer, SshGitServer
from tests.gitservers.repository import isolated_environment

HELLO = {"README.md": "hello\n"}


@pytest.fixture
def seeded(git_repository, git_clone):
    """A bare repository with one commit on main."""
    repository = git_repository("fleet")
    git_clone(repository.url).commit_and_push("first", HELLO)
    return repository


# --- file ---


def test_a_file_remote_takes_a_push_and_shows_its_content(git_repository, git_clone):
    repository = git_repository("fleet")
    author = git_clone(repository.url)
    commit = author.commit_and_push("first", {"apps/web.yaml": "kind: Service\n"})
    assert repository.branches() == {"main": commit}
    assert repository.files("main") == ["apps/web.yaml"]
    assert repository.read("main", "apps/web.yaml") == "kind: Service\n"
    assert repository.find("main", "apps/web.yaml") == "kind: Service\n"
    assert repository.find("main", "apps/api.yaml") is None
    assert repository.find("other", "apps/web.yaml") is None
    repository.check()


def test_one_refused_ref_takes_an_atomic_push_down_with_it(seeded, git_clone):
    author = git_clone(seeded.url)
    author.commit("second", {"README.md": "more\n"})
    before = seeded.refs()
    seeded.refuse_pushes("branch prod is frozen", refs="refs/heads/prod")
    with pytest.raises(GitCommandError, match="branch prod is frozen"):
        author.push("--atomic", "HEAD:main", "HEAD:prod")
    assert seeded.refs() == before
    seeded.accept_pushes()
    author.push("--atomic", "HEAD:main", "HEAD:prod")
    assert seeded.branches() == {"main": author.head, "prod": author.head}


def test_a_second_person_sees_what_the_first_has_pushed(seeded, git_clone):
    one, two = git_clone(seeded.url), git_clone(seeded.url)
    commit = one.commit_and_push("second", {"README.md": "changed\n"})
    two.pull()
    assert two.head == commit
    assert (two.path / "README.md").read_text() == "changed\n"


# --- HTTP ---


def test_clone_and_push_over_http_with_a_token(http_git_server: HttpGitServer, git_clone):
    repository = http_git_server.repository("fleet")
    author = git_clone(http_git_server.url("fleet", password=http_git_server.token))
    commit = author.commit_and_push("first", HELLO)
    assert repository.branches() == {"main": commit}
    again = git_clone(http_git_server.url("fleet", password=http_git_server.token))
    assert again.head == commit
    pushes = [each for each in http_git_server.requests if each.service == "git-receive-pack"]
    # git asks for the refs without a token first, then with one, then sends the pack.
    assert [(each.method, each.status, each.user) for each in pushes] == [
        ("GET", 401, ""),
        ("GET", 200, "writer"),
        ("POST", 200, "writer"),
    ]
    assert http_git_server.count("git-receive-pack", method="POST") == 1


def test_a_bearer_token_is_as_good_as_a_password(http_git_server: HttpGitServer, git_clone):
    repository = http_git_server.repository("fleet")
    author = git_clone(http_git_server.url("fleet"), env=http_git_server.bearer_environment())
    commit = author.commit_and_push("first", HELLO)
    assert repository.branches() == {"main": commit}
    assert {request.scheme for request in http_git_server.requests} == {"bearer"}


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_token_is_refused(http_git_server: HttpGitServer, git_clone, password):
    http_git_server.repository("fleet")
    with pytest.raises(GitCommandError, match="Authentication failed"):
        git_clone(http_git_server.url("fleet", password=password))
    assert {request.status for request in http_git_server.requests} == {401}


def test_no_token_at_all_is_refused(http_git_server: HttpGitServer, git_clone):
    http_git_server.repository("fleet")
    with pytest.raises(GitCommandError, match="could not read Username"):
        git_clone(http_git_server.url("fleet"))


def test_a_reader_may_clone_but_not_push(http_git_server: HttpGitServer, git_clone):
    repository = http_git_server.repository("fleet")
    git_clone(http_git_server.url("fleet", password=http_git_server.token)).commit_and_push("first", HELLO)
    http_git_server.allow("reader", "token-of-reader", "read")
    reader: Clone = git_clone(http_git_server.url("fleet", password="token-of-reader"))
    before = repository.refs()
    reader.commit("second", {"README.md": "mine\n"})
    with pytest.raises(GitCommandError, match="403"):
        reader.push()
    assert repository.refs() == before
    http_git_server.forbid("token-of-reader")
    with pytest.raises(GitCommandError, match="Authentication failed"):
        reader.git("fetch")


def test_an_open_server_lets_anybody_read(tmp_path: Path, git_clone):
    with HttpGitServer(tmp_path / "open", anonymous="read") as server:
        server.repository("fleet")
        git_clone(server.url("fleet", password=server.token)).commit_and_push("first", HELLO)
        stranger = git_clone(server.url("fleet"))
        stranger.commit("mine", {"README.md": "mine\n"})
        with pytest.raises(GitCommandError, match="could not read Username"):
            stranger.push()


def test_the_words_of_a_servers_hook_reach_the_one_who_pushes(http_git_server: HttpGitServer, git_clone):
    repository = http_git_server.repository("fleet")
    author = git_clone(http_git_server.url("fleet", password=http_git_server.token))
    repository.refuse_pushes("don't push on Fridays: ask $ops & co")
    author.commit("first", HELLO)
    with pytest.raises(GitCommandError) as refused:
        author.push()
    assert "remote: don't push on Fridays: ask $ops & co" in refused.value.message
    assert repository.refs() == {}


def test_protocol_version_two_is_spoken(http_git_server: HttpGitServer, git_clone):
    http_git_server.repository("fleet")
    author = git_clone(http_git_server.url("fleet", password=http_git_server.token))
    author.commit_and_push("first", HELLO)
    trace = subprocess.run(
        ["git", "ls-remote", "origin"],
        cwd=author.path,
        env=isolated_environment({"GIT_TRACE_PACKET": "1"}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "version 2" in trace.stderr
    assert http_git_server.requests[-1].protocol == "version=2"


def test_a_push_too_big_for_one_buffer_comes_in_chunks(
    http_git_server: HttpGitServer, git_clone, monkeypatch
):
    repository = http_git_server.repository("fleet")
    author: Clone = git_clone(http_git_server.url("fleet", password=http_git_server.token))
    # What does not compress, beyond git's post buffer, so that git has to use chunked transfer encoding.
    noise = "".join(f"{number * 2654435761 % 2**32:08x}" for number in range(40_000))
    author.git("config", "http.postBuffer", "65536")
    commit = author.commit_and_push("big", {"noise.txt": noise})
    assert any(each.chunked and each.service == "git-receive-pack" for each in http_git_server.requests)
    assert repository.branches() == {"main": commit}
    assert repository.read("main", "noise.txt") == noise


def test_many_refs_are_fetched_through_a_compressed_request(http_git_server: HttpGitServer, git_clone):
    repository = http_git_server.repository("fleet")
    author: Clone = git_clone(http_git_server.url("fleet", password=http_git_server.token))
    for number in range(40):
        author.commit(f"number {number}", {"file.txt": f"{number}\n"})
        author.git("branch", f"b{number}")
    author.push("--all")
    assert len(repository.branches()) == 41
    # git compresses what it sends from 1 KiB on: forty wants are more.
    reader = git_clone(http_git_server.url("fleet", password=http_git_server.token))
    assert len(reader.git("branch", "--remotes").splitlines()) == 42  # with origin/HEAD
    assert any(each.compressed and each.service == "git-upload-pack" for each in http_git_server.requests)


def test_a_server_out_of_service_says_so_and_comes_back(http_git_server: HttpGitServer, git_clone):
    http_git_server.repository("fleet")
    url = http_git_server.url("fleet", password=http_git_server.token)
    author = git_clone(url)
    author.commit_and_push("first", HELLO)
    http_git_server.answer_with(503)
    with pytest.raises(GitCommandError, match="503"):
        author.git("fetch")
    http_git_server.answer_with(None)
    author.git("fetch")
    http_git_server.stop()
    with pytest.raises(GitCommandError, match=r"(?i)connect"):
        author.git("fetch")
    http_git_server.start()
    author.git("fetch")


def test_a_paused_server_answers_nothing_until_it_is_resumed(http_git_server: HttpGitServer, git_clone):
    http_git_server.repository("fleet")
    author: Clone = git_clone(http_git_server.url("fleet", password=http_git_server.token))
    author.commit_and_push("first", HELLO)
    http_git_server.pause()
    with pytest.raises(GitCommandError, match="no answer within"):
        author.git("fetch", timeout=1.5)
    http_git_server.resume()
    author.git("fetch")


def test_tls_is_verified_against_the_servers_own_authority(https_git_server: HttpGitServer, git_clone):
    repository = https_git_server.repository("fleet")
    url = https_git_server.url("fleet", password=https_git_server.token)
    with pytest.raises(GitCommandError, match="certificate"):
        git_clone(url)
    author = git_clone(url, env={"GIT_SSL_CAINFO": str(https_git_server.ca_file)})
    commit = author.commit_and_push("first", HELLO)
    assert repository.branches() == {"main": commit}


def test_libgit2_can_push_to_the_http_server_too(http_git_server: HttpGitServer, git_clone, tmp_path: Path):
    repository = http_git_server.repository("fleet")
    local = pygit2.init_repository(tmp_path / "local", bare=True)
    tree = local.TreeBuilder()
    tree.insert("README.md", local.create_blob(b"hello\n"), pygit2.enums.FileMode.BLOB)
    someone = pygit2.Signature("Ada", "ada@example.com", 1_700_000_000, 0)
    commit = local.create_commit("refs/heads/main", someone, someone, "first", tree.write(), [])
    remote = local.remotes.create("origin", http_git_server.url("fleet"))
    credentials = pygit2.RemoteCallbacks(credentials=pygit2.UserPass("git", http_git_server.token))
    remote.push(["refs/heads/main"], callbacks=credentials)
    assert repository.branches() == {"main": str(commit)}


# --- SSH ---


def test_clone_and_push_over_ssh(ssh_git_server: SshGitServer, git_clone):
    repository = ssh_git_server.repository("fleet")
    author = git_clone(ssh_git_server.url("fleet"), env=ssh_git_server.environment())
    commit = author.commit_and_push("first", HELLO)
    assert repository.branches() == {"main": commit}
    again = git_clone(ssh_git_server.url("fleet"), env=ssh_git_server.environment())
    assert again.head == commit
    assert [(session.user, session.command.split()[0]) for session in ssh_git_server.sessions] == [
        ("writer", "git-upload-pack"),
        ("writer", "git-receive-pack"),
        ("writer", "git-upload-pack"),
    ]


def test_an_unknown_host_key_is_refused(ssh_git_server: SshGitServer, git_clone):
    ssh_git_server.repository("fleet")
    with pytest.raises(GitCommandError, match="Host key verification failed"):
        git_clone(ssh_git_server.url("fleet"), env=ssh_git_server.environment(known_hosts=""))
    assert ssh_git_server.sessions == []


def test_a_host_key_that_has_changed_is_refused(ssh_git_server: SshGitServer, git_clone):
    ssh_git_server.repository("fleet")
    trusted_once = ssh_git_server.known_hosts
    author = git_clone(ssh_git_server.url("fleet"), env=ssh_git_server.environment())
    ssh_git_server.stop()
    ssh_git_server.new_host_key()
    ssh_git_server.start()
    author.env = ssh_git_server.environment(known_hosts=trusted_once)
    with pytest.raises(GitCommandError, match="REMOTE HOST IDENTIFICATION HAS CHANGED"):
        author.git("fetch")
    author.env = ssh_git_server.environment()
    author.git("fetch")


def test_a_key_that_the_server_does_not_know_is_refused(ssh_git_server: SshGitServer, git_clone):
    ssh_git_server.repository("fleet")
    stranger = ssh_git_server.new_key("stranger", None)
    with pytest.raises(GitCommandError, match="Permission denied"):
        git_clone(ssh_git_server.url("fleet"), env=ssh_git_server.environment(key=stranger))


def test_a_reading_key_cannot_push(ssh_git_server: SshGitServer, git_clone):
    repository = ssh_git_server.repository("fleet")
    key = ssh_git_server.new_key("reader", "read")
    reader = git_clone(ssh_git_server.url("fleet"), env=ssh_git_server.environment(key=key))
    reader.commit("first", HELLO)
    with pytest.raises(GitCommandError, match="this key may read only"):
        reader.push()
    assert repository.refs() == {}


def test_a_hooks_words_come_through_ssh_too(ssh_git_server: SshGitServer, git_clone):
    repository = ssh_git_server.repository("fleet")
    repository.refuse_pushes("main is protected")
    author = git_clone(ssh_git_server.url("fleet"), env=ssh_git_server.environment())
    author.commit("first", HELLO)
    with pytest.raises(GitCommandError, match="remote: main is protected"):
        author.push()


def test_ssh_runs_git_and_nothing_else(ssh_git_server: SshGitServer, tmp_path: Path):
    command = ssh_git_server.environment()["GIT_SSH_COMMAND"]
    for attempt in ("id", "git-upload-pack '/../../etc'", "git-upload-pack /nowhere.git", "sh -c id"):
        result = subprocess.run(
            f"{command} -p {ssh_git_server.port} git@127.0.0.1 {attempt!r}",
            shell=True,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 128, attempt
        assert re.search("only git is served|does not exist", result.stderr), attempt
        assert result.stdout == "", attempt


def test_libgit2_can_push_over_ssh_and_checks_the_host_key(ssh_git_server: SshGitServer, tmp_path: Path):
    repository = ssh_git_server.repository("fleet")
    local = pygit2.init_repository(tmp_path / "local", bare=True)
    someone = pygit2.Signature("Ada", "ada@example.com", 1_700_000_000, 0)
    tree = local.TreeBuilder().write()
    commit = local.create_commit("refs/heads/main", someone, someone, "first", tree, [])
    remote = local.remotes.create("origin", ssh_git_server.url("fleet"))

    class Callbacks(pygit2.RemoteCallbacks):
        trusts = False

        def credentials(self, url, username_from_url, allowed_types):
            return pygit2.Keypair("git", None, str(ssh_git_server.client_key), "")

        def certificate_check(self, certificate, valid, host):
            return self.trusts

    with pytest.raises(pygit2.GitError):
        remote.push(["refs/heads/main"], callbacks=Callbacks())
    assert repository.refs() == {}
    trusting = Callbacks()
    trusting.trusts = True
    remote.push(["refs/heads/main"], callbacks=trusting)
    assert repository.branches() == {"main": str(commit)}
