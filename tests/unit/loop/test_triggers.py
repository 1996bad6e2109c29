"""What starts a pass: signed webhooks of both hosts, a poll with jitter, a wake time, a branch of a local repository."""

import asyncio
import hashlib
import hmac
import json
import time

import aiohttp
import pytest
import structlog

from reconciler.git.references import resolve
from reconciler.loop.server import serve
from reconciler.loop.triggers import MAX_WEBHOOK_BYTES, Triggers, watch_repository, webhook_handler
from reconciler.settings import BranchNames
from tests.gitservers import Clone, bare_repository

SECRET = b"s3cret"


class Hook:
    """The handler behind a real HTTP server, and what it asked for."""

    def __init__(self):
        self.fired = []
        self.secret = SECRET
        self.url = ""

    async def post(self, body, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url, data=data, headers=named) as answer,
        ):
            return answer.status

    async def github(self, body, *, secret=SECRET, event="push"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        signature = "sha256=" + hmac.new(secret, data, hashlib.sha256).hexdigest()
        return await self.post(data, X_GitHub_Event=event, X_Hub_Signature_256=signature)

    async def gitlab(self, body, *, token="s3cret", event="Push Hook"):
        return await self.post(body, X_Gitlab_Event=event, X_Gitlab_Token=token)


@pytest.fixture
async def hook():
    found = Hook()
    handler = webhook_handler(
        found.fired.append, secret=lambda: found.secret, branches=BranchNames(), log=structlog.get_logger()
    )
    runner = await serve("127.0.0.1:0", {}, {"/webhook": handler})
    host, port = runner.addresses[0][:2]
    found.url = f"http://{host}:{port}/webhook"
    yield found
    await runner.cleanup()


def push(branch):
    return {"ref": f"refs/heads/{branch}", "after": "1" * 40}


async def test_a_push_to_the_source_branch_is_taken_from_both_hosts(hook):
    assert await hook.github(push("main")) == 202
    assert await hook.gitlab(push("main")) == 202
    assert hook.fired == ["webhook", "webhook"]


async def test_what_is_not_signed_or_signed_wrongly_is_refused(hook):
    assert await hook.github(push("main"), secret=b"other") == 401
    assert await hook.gitlab(push("main"), token="other") == 401
    assert await hook.gitlab(push("main"), token="") == 401
    assert await hook.post(push("main"), X_GitHub_Event="push") == 401
    # A signature of another body, and the older algorithm that GitHub still sends beside it.
    data = json.dumps(push("main")).encode()
    signature = "sha256=" + hmac.new(SECRET, b"another body", hashlib.sha256).hexdigest()
    assert await hook.post(data, X_GitHub_Event="push", X_Hub_Signature_256=signature) == 401
    old = "sha1=" + hmac.new(SECRET, data, hashlib.sha1).hexdigest()
    assert await hook.post(data, X_GitHub_Event="push", X_Hub_Signature=old) == 401
    # A wrong signature is not made good by a right token.
    assert (
        await hook.post(data, X_GitHub_Event="push", X_Hub_Signature_256="sha256=0", X_Gitlab_Token="s3cret")
        == 401
    )
    hook.secret = b""
    assert await hook.gitlab(push("main"), token="") == 401
    assert await hook.github(push("main"), secret=b"") == 401
    assert hook.fired == []


async def test_a_rotated_secret_counts_from_the_next_delivery_on(hook):
    hook.secret = b"new"
    assert await hook.github(push("main")) == 401
    assert await hook.github(push("main"), secret=b"new") == 202


async def test_our_own_branches_are_ignored_and_a_report_asks_for_the_status_alone(hook):
    for branch in ("reconciler/rendered", "reconciler/cluster/paris", "reconciler/status", "feature"):
        assert await hook.github(push(branch)) == 200
    assert hook.fired == []
    assert await hook.gitlab(push("reconciler/report/paris")) == 202
    assert hook.fired == ["report"]


async def test_a_push_of_many_commits_comes_in_pieces_and_is_taken(hook):
    commits = [{"id": f"{number:040}", "message": "x" * 1000} for number in range(2000)]
    assert await hook.github({**push("main"), "commits": commits}) == 202
    assert hook.fired == ["webhook"]


async def test_other_events_and_other_bodies_ask_for_nothing(hook):
    assert await hook.github(push("main"), event="ping") == 200
    assert await hook.gitlab(push("main"), event="Merge Request Hook") == 200
    for body in (b"not json", b"[]", b'"text"'):
        assert await hook.github(body) == 400
    assert await hook.github(b"{}") == 200
    assert await hook.post(b"x" * (MAX_WEBHOOK_BYTES + 1), X_Gitlab_Token="s3cret") == 413
    assert hook.fired == []


async def test_many_reasons_before_somebody_waits_are_one_pass():
    triggers = Triggers(poll_interval=0.0)
    for reason in ("webhook", "switch", "webhook"):
        triggers.fire(reason)
    assert await triggers.wait() == ("webhook", "switch")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(triggers.wait(), 0.05)


async def test_a_poll_comes_with_jitter_and_a_wake_time_before_it():
    triggers = Triggers(poll_interval=0.1, jitter=0.5)
    waits = []
    for _ in range(12):
        started = time.monotonic()
        assert await triggers.wait() == ("poll",)
        waits.append(time.monotonic() - started)
    assert min(waits) >= 0.049
    assert max(waits) - min(waits) > 0.01
    assert await triggers.wait(0.0) == ("wake",)
    assert await Triggers(poll_interval=0.0).wait(0.01) == ("wake",)


@pytest.mark.parametrize("bare", [True, False])
async def test_a_local_branch_that_moves_is_noticed_and_another_one_is_not(tmp_path, bare):
    repository = bare_repository(tmp_path / "fleet.git")
    author = Clone(tmp_path / "author", repository.url)
    author.commit_and_push("first", {"a": "1"})
    triggers = Triggers(poll_interval=0.0)
    stop = watch_repository(repository.path if bare else author.path, "main", triggers.fire_threadsafe)
    try:
        for number in range(3):
            if number == 2:
                # Also when the branch is packed, and loose again after it.
                author.git("pack-refs", "--all")
                repository.git("pack-refs", "--all")
                await asyncio.sleep(0.2)
                triggers._reasons.clear()
                triggers._fired.clear()
            author.commit_and_push(f"change {number}", {"a": f"{number + 2}"})
            assert await asyncio.wait_for(triggers.wait(), 30) == ("local",)
            await asyncio.sleep(0.2)
            triggers._reasons.clear()
            triggers._fired.clear()
        repository.git("update-ref", "refs/heads/other", "refs/heads/main")
        author.git("branch", "other")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(triggers.wait(), 0.3)
    finally:
        stop()


async def test_looking_at_a_branch_is_not_answered_by_another_look(tmp_path, monkeypatch):
    repository = bare_repository(tmp_path / "fleet.git")
    author = Clone(tmp_path / "author", repository.url)
    author.commit_and_push("first", {"a": "1"})
    looks = []

    def looked(*arguments):
        looks.append(arguments)
        return resolve(*arguments)

    monkeypatch.setattr("reconciler.loop.triggers.resolve", looked)
    triggers = Triggers(poll_interval=0.0)
    stop = watch_repository(repository.path, "main", triggers.fire_threadsafe)
    try:
        author.commit_and_push("second", {"a": "2"})
        assert await asyncio.wait_for(triggers.wait(), 30) == ("local",)
        # Looks that are answered by looks never end.
        async with asyncio.timeout(30):
            seen = 0
            while len(looks) > seen:
                seen = len(looks)
                await asyncio.sleep(0.3)
    finally:
        stop()
