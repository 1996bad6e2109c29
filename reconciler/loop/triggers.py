"""What starts a pass: a poll that came due, a signed webhook, a change in a local repository, a wake time, a person.

All of them do the same: `Triggers.fire(reason)`. Many firings before a pass starts are one pass.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from reconciler.git.references import resolve
from reconciler.git.repository import open_repository
from reconciler.loop.log import Log
from reconciler.settings import BranchNames

MAX_WEBHOOK_BYTES: Final = 5 * 1024 * 1024
"""GitHub caps its payloads at 25 MB; a push event of ours is a few kilobytes, and reading more is not needed."""
_WRITES: Final = frozenset({"created", "modified", "moved", "deleted"})
"""What a file watch may tell of that moves a branch."""


class Triggers:
    """Collects reasons until somebody waits for them."""

    def __init__(self, *, poll_interval: float, jitter: float = 0.1) -> None:
        """`poll_interval` in seconds, 0 for never; each wait differs by up to `jitter` of it, so that a fleet's agents spread."""
        self._poll_interval = poll_interval
        self._jitter = jitter
        self._reasons: dict[str, None] = {}
        self._fired = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def fire(self, reason: str) -> None:
        """Ask for a pass, from the event loop's thread."""
        self._reasons[reason] = None
        self._fired.set()

    def fire_threadsafe(self, reason: str) -> None:
        """Ask for a pass, from any thread (watchdog's observers)."""
        self._loop.call_soon_threadsafe(self.fire, reason)

    async def wait(self, seconds_to_wake: float | None = None) -> tuple[str, ...]:
        """The reasons for the next pass, as soon as there is one. `seconds_to_wake` None: nothing changes by itself."""
        timeout = None
        due = "poll"
        if self._poll_interval > 0:
            # Spreads load; nothing is decided by it.
            timeout = self._poll_interval * (1 + random.uniform(-self._jitter, self._jitter))  # noqa: S311
        if seconds_to_wake is not None and (timeout is None or seconds_to_wake < timeout):
            timeout, due = max(0.0, seconds_to_wake), "wake"
        try:
            await asyncio.wait_for(self._fired.wait(), timeout)
        except TimeoutError:
            self.fire(due)
        reasons = tuple(self._reasons)
        self._reasons.clear()
        self._fired.clear()
        return reasons


def webhook_handler(
    fire: Callable[[str], None], *, secret: Callable[[], bytes], branches: BranchNames, log: Log
) -> Callable[[web.Request], Any]:
    """An aiohttp handler for GitHub's and GitLab's push events.

    `secret` is asked at every delivery (it may be rotated). GitHub signs with HMAC-SHA256 in `X-Hub-Signature-256`;
    GitLab sends the secret itself in `X-Gitlab-Token`. An unsigned or wrongly signed delivery is 401; our own machine
    branches are acknowledged and ignored, except reports, which ask for a status pass.
    """

    async def handle(request: web.Request) -> web.Response:
        body = await _body(request)
        if body is None:
            return web.json_response({"error": "payload too large"}, status=413)
        if not _is_signed(request, body, secret()):
            log.warning("webhook.refused", remote=request.remote)
            return web.json_response({"error": "signature missing or wrong"}, status=401)
        event = request.headers.get("X-GitHub-Event") or request.headers.get("X-Gitlab-Event") or ""
        if event not in ("push", "Push Hook"):
            return web.json_response({"ignored": f"event {event or 'unknown'}"})
        try:
            ref = str(json.loads(body).get("ref", ""))
        except (ValueError, AttributeError):
            return web.json_response({"error": "not a push event"}, status=400)
        branch = ref.removeprefix("refs/heads/")
        if branch.startswith(branches.report("")):
            fire("report")
        elif branch == branches.source:
            fire("webhook")
        else:
            return web.json_response({"ignored": f"branch {branch}"})
        log.info("webhook.accepted", branch=branch)
        return web.json_response({"accepted": branch}, status=202)

    return handle


async def _body(request: web.Request) -> bytes | None:
    """The whole body, which comes in pieces; None where it is larger than we read."""
    pieces: list[bytes] = []
    size = 0
    async for piece in request.content.iter_any():
        size += len(piece)
        if size > MAX_WEBHOOK_BYTES:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _is_signed(request: web.Request, body: bytes, secret: bytes) -> bool:
    if not secret:
        return False
    signature = request.headers.get("X-Hub-Signature-256", "")
    if signature:
        expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(signature.encode(), expected.encode())
    token = request.headers.get("X-Gitlab-Token", "")
    return bool(token) and hmac.compare_digest(token.encode(), secret)


def watch_repository(path: Path, branch: str, fire: Callable[[str], None]) -> Callable[[], None]:
    """Fire when `branch` of the local repository at `path` has moved; returns what stops the watch. Raises GitError.

    Only a branch that shows another commit counts, and only writing is heard: reading is an event of the file system too, our own
    look at the branch as well, which would be answered by another look for ever.
    """
    from watchdog.events import FileSystemEvent, FileSystemEventHandler  # noqa: PLC0415 - local repositories only
    from watchdog.observers import Observer  # noqa: PLC0415

    repository = open_repository(path)
    # Linked work trees share the references of the main one.
    git_dir = repository.directory
    wanted = {str(git_dir / "packed-refs"), str(git_dir / "refs" / "heads" / branch)}
    seen = [resolve(repository, branch)]

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            if event.event_type not in _WRITES:
                return
            if not {str(event.src_path), str(getattr(event, "dest_path", ""))} & wanted:
                return
            tip = resolve(repository, branch)
            if tip != seen[0]:
                seen[0] = tip
                fire("local")

    observer = Observer()
    observer.schedule(Handler(), str(git_dir), recursive=False)
    (git_dir / "refs" / "heads").mkdir(parents=True, exist_ok=True)
    observer.schedule(Handler(), str(git_dir / "refs" / "heads"), recursive=True)
    observer.start()

    def stop() -> None:
        observer.stop()
        observer.join(timeout=5)

    return stop
