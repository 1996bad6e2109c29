"""Git over HTTP and HTTPS against `git http-backend`: credentials, refusals, and nothing that leaks."""

from __future__ import annotations

import http.server
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from reconciler.errors import FetchFailed, LostRace, PushRejected
from reconciler.git.branches import Release, project_clusters
from reconciler.git.mirror import open_mirror
from reconciler.git.references import RefUpdate
from reconciler.git.remote import Remote, fetch, publish, push
from reconciler.git.repository import Repository
from reconciler.git.urls import Role
from reconciler.git.writer import CommitFacts, write_files, write_render
from reconciler.model.tree import RenderTree, Variant
from reconciler.settings import BranchNames
from tests.controlplane.polling import eventually
from tests.gitservers import HttpGitServer

NAMES = BranchNames()
TIME = datetime(2024, 5, 1, tzinfo=UTC)
FACTS = CommitFacts(
    message="render",
    author_time=TIME,
    committer_time=TIME,
    trailers={"Source-Commit": "1" * 40, "Complete": "true"},
)
TREE = RenderTree(
    clusters=("a", "b"),
    variants=(
        Variant(path="n/K/x.yaml", data=b"x\n", clusters=("a",)),
        Variant(path="n/K/x.yaml", data=b"y\n", clusters=("b",)),
    ),
)
RENDERED = "refs/heads/reconciler/rendered"


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Repository]:
    with open_mirror(tmp_path / "data") as opened:
        yield opened.repository


@pytest.fixture
def secret(tmp_path: Path) -> Callable[..., Path]:
    """A mounted Secret: `secret("writer", username=..., password=...)`."""

    def write(name: str, **keys: str) -> Path:
        directory = tmp_path / "secrets" / name
        directory.mkdir(parents=True, exist_ok=True)
        for key, value in keys.items():
            (directory / key.replace("ca_crt", "ca.crt")).write_text(value)
        return directory

    return write


def writes(repository: Repository, commit: str, remote: Remote) -> list[tuple[Remote, RefUpdate]]:
    releases = {name: Release(complete=True) for name in ("a", "b")}
    found = project_clusters(repository, commit, releases=releases, tips={}, branches=NAMES)
    return [(remote, update) for update in found.updates]


def test_a_token_as_password_reads_and_writes(
    http_git_server: HttpGitServer, mirror: Repository, secret: Callable[..., Path]
) -> None:
    origin = http_git_server.repository("fleet")
    directory = secret("writer", username="robot", password=f"{http_git_server.token}\n")
    remote = Remote(role=Role.RENDERED, url=http_git_server.url("fleet"), credentials=directory)
    commit = write_render(mirror, TREE, previous="", facts=FACTS).commit
    update = RefUpdate(name=RENDERED, old="", new=commit)
    published = publish(mirror, (remote, update), writes(mirror, commit, remote))
    assert not published.rejected
    assert sorted(origin.branches()) == [
        "reconciler/cluster/a", "reconciler/cluster/b", "reconciler/rendered",
    ]  # fmt: skip
    origin.check()
    assert {one.scheme for one in http_git_server.requests if one.user} == {"basic"}
    assert fetch(mirror, remote, ["reconciler/rendered"]) == {"reconciler/rendered": commit}
    other = write_files(mirror, {}, previous="", facts=FACTS).commit
    with pytest.raises(LostRace, match="stale info"):
        push(mirror, remote, [RefUpdate(name=RENDERED, old="", new=other)])


def test_a_bearer_token_over_https_with_an_authority_of_its_own(
    https_git_server: HttpGitServer, mirror: Repository, secret: Callable[..., Path]
) -> None:
    origin = https_git_server.repository("fleet")
    commit = write_render(mirror, TREE, previous="", facts=FACTS).commit
    update = RefUpdate(name=RENDERED, old="", new=commit)
    authority = https_git_server.ca_file.read_text()
    trusting = secret("trusting", bearerToken=https_git_server.token, ca_crt=authority)
    doubting = secret("doubting", bearerToken=https_git_server.token)
    url = https_git_server.url("fleet")
    with pytest.raises(PushRejected, match="certificate"):
        push(mirror, Remote(role=Role.RENDERED, url=url, credentials=doubting), [update])
    assert origin.refs() == {}
    push(mirror, Remote(role=Role.RENDERED, url=url, credentials=trusting), [update])
    assert origin.refs() == {RENDERED: commit}
    assert {one.scheme for one in https_git_server.requests if one.user} == {"bearer"}


def test_one_branch_is_asked_for_by_name_in_two_requests(
    http_git_server: HttpGitServer, mirror: Repository, secret: Callable[..., Path]
) -> None:
    http_git_server.repository("fleet")
    remote = Remote(
        role=Role.SOURCE,
        url=http_git_server.url("fleet"),
        credentials=secret("bearer", bearerToken=http_git_server.token),
    )
    commit = write_files(mirror, {"a": b"1"}, previous="", facts=FACTS).commit
    push(mirror, remote, [RefUpdate(name="refs/heads/main", old="", new=commit)])
    before = len(http_git_server.requests)
    assert fetch(mirror, remote, ["main"]) == {"main": commit}
    polled = http_git_server.requests[before:]
    assert [(one.method, one.protocol) for one in polled] == [("GET", "version=2"), ("POST", "version=2")]


def test_a_token_that_is_not_accepted_is_named_by_its_directory_and_never_shown(
    http_git_server: HttpGitServer, mirror: Repository, secret: Callable[..., Path]
) -> None:
    http_git_server.repository("fleet")
    url = http_git_server.url("fleet")
    for keys in ({"username": "robot", "password": "wrong-secret"}, {"bearerToken": "wrong-secret"}):
        directory = secret(next(iter(keys)), **keys)
        with pytest.raises(FetchFailed) as caught:
            fetch(mirror, Remote(role=Role.SOURCE, url=url, credentials=directory), ["main"])
        assert f"look at: the credential in {directory}" in str(caught.value)
        assert "wrong-secret" not in str(caught.value)
    with pytest.raises(FetchFailed, match="there is no credential for it"):
        fetch(mirror, Remote(role=Role.SOURCE, url=url), ["main"])


def test_a_rotated_token_counts_from_the_next_connection_on(
    http_git_server: HttpGitServer, mirror: Repository, secret: Callable[..., Path]
) -> None:
    http_git_server.repository("fleet")
    directory = secret("rotated", username="robot", password="old")
    remote = Remote(role=Role.SOURCE, url=http_git_server.url("fleet"), credentials=directory)
    http_git_server.allow("robot", "old", "write")
    assert fetch(mirror, remote, ["main"]) == {}
    http_git_server.forbid("old")
    http_git_server.allow("robot", "new", "write")
    with pytest.raises(FetchFailed):
        fetch(mirror, remote, ["main"])
    (directory / "password").write_text("new")
    assert fetch(mirror, remote, ["main"]) == {}


def test_a_token_that_may_only_read_is_refused_with_its_place(
    http_git_server: HttpGitServer, mirror: Repository, secret: Callable[..., Path]
) -> None:
    origin = http_git_server.repository("fleet")
    http_git_server.allow("reader", "read-only", "read")
    directory = secret("reader", bearerToken="read-only")
    remote = Remote(role=Role.STATUS, url=http_git_server.url("fleet"), credentials=directory)
    commit = write_files(mirror, {"a": b"1"}, previous="", facts=FACTS).commit
    with pytest.raises(PushRejected, match="403"):
        push(mirror, remote, [RefUpdate(name="refs/heads/s", old="", new=commit)])
    assert origin.refs() == {}


def test_a_hooks_words_come_through_http(
    http_git_server: HttpGitServer, mirror: Repository, secret: Callable[..., Path]
) -> None:
    origin = http_git_server.repository("fleet")
    origin.refuse_pushes("GH013: branch is protected by the platform team")
    remote = Remote(
        role=Role.RENDERED,
        url=http_git_server.url("fleet"),
        credentials=secret("bearer", bearerToken=http_git_server.token),
    )
    commit = write_files(mirror, {"a": b"1"}, previous="", facts=FACTS).commit
    with pytest.raises(PushRejected, match="GH013: branch is protected by the platform team") as caught:
        push(mirror, remote, [RefUpdate(name=RENDERED, old="", new=commit)])
    assert "GH013" in caught.value.reasons[RENDERED]


def test_a_silent_server_ends_in_time_and_the_token_is_in_no_argument_and_no_file(
    http_git_server: HttpGitServer, mirror: Repository, secret: Callable[..., Path], tmp_path: Path
) -> None:
    token = "seven-secret-words"
    http_git_server.repository("fleet")
    http_git_server.allow("robot", token, "write")
    http_git_server.pause()
    for keys in ({"username": "robot", "password": token}, {"bearerToken": token}):
        directory = secret(f"silent-{len(keys)}", **keys)
        remote = Remote(
            role=Role.SOURCE, url=http_git_server.url("fleet"), credentials=directory, timeout=1.5
        )
        seen: list[bytes] = []
        failed: list[str] = []

        def run(remote: Remote = remote, failed: list[str] = failed) -> None:
            try:
                fetch(mirror, remote, ["main"])
            except FetchFailed as error:
                failed.append(str(error))

        thread = threading.Thread(target=run)
        thread.start()
        while thread.is_alive():
            seen += _arguments()
            time.sleep(0.02)
        thread.join()
        # It was there to be looked at.
        assert any(b"git-remote-http" in one and remote.url.encode() in one for one in seen)
        assert not [one for one in seen if token.encode() in one]
        assert failed == [f"cannot fetch from the source remote {remote.url}: no answer within 1.5 s"]
        eventually("no git of ours is left", partial(_nobody_asks, remote.url))
        for path in mirror.directory.rglob("*"):
            assert not path.is_file() or token.encode() not in path.read_bytes()
    http_git_server.resume()


def test_a_credential_does_not_follow_a_redirect(
    http_git_server: HttpGitServer, mirror: Repository, secret: Callable[..., Path]
) -> None:
    origin = http_git_server.repository("fleet")
    target = http_git_server.base_url.replace("127.0.0.1", "localhost")
    with _Redirecting(target) as url:
        for keys in (
            {"username": "robot", "password": http_git_server.token},
            {"bearerToken": http_git_server.token},
        ):
            directory = secret(f"redirected-{len(keys)}", **keys)
            with pytest.raises(FetchFailed, match="redirects are not followed with a credential"):
                fetch(
                    mirror, Remote(role=Role.SOURCE, url=f"{url}/fleet.git", credentials=directory), ["main"]
                )
    assert http_git_server.requests == []
    assert origin.refs() == {}


def test_a_server_that_is_down_is_a_failed_fetch_and_is_read_again_when_it_is_back(
    http_git_server: HttpGitServer, mirror: Repository, secret: Callable[..., Path]
) -> None:
    http_git_server.repository("fleet")
    remote = Remote(
        role=Role.SOURCE,
        url=http_git_server.url("fleet"),
        credentials=secret("bearer", bearerToken=http_git_server.token),
    )
    http_git_server.answer_with(503)
    with pytest.raises(FetchFailed, match="503"):
        fetch(mirror, remote, ["main"])
    http_git_server.answer_with(None)
    assert fetch(mirror, remote, ["main"]) == {}
    http_git_server.stop()
    with pytest.raises(FetchFailed, match="source remote"):
        fetch(mirror, remote, ["main"])
    http_git_server.start()
    assert fetch(mirror, remote, ["main"]) == {}


class _Redirecting:
    """A host that sends everybody to another one."""

    def __init__(self, target: str) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(302)
                self.send_header("Location", target + self.path)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _arguments() -> list[bytes]:
    """The arguments of every process but this one."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and path.name != str(os.getpid()):
            with suppress(OSError):
                found.append((path / "cmdline").read_bytes())
    return found


def _nobody_asks(url: str) -> bool:
    """Whether no git asks this server any more; others' may run on this machine."""
    return not [line for line in _arguments() if b"git" in line and url.encode() in line]
