"""The engine that render is given: scripts run in one child process, which is killed when it does not answer in time.

Promises an answer or a failure for every call, within `seconds` and `grace`; a lost process costs one call and is started again.
Safe to share between threads; calls wait for one another.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import selectors
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import IO, Any, Final, Self

import orjson

from reconciler.interpreter.custom.engine import FailureKind, LuaFailure, LuaResult
from reconciler.interpreter.custom.syntax.tokens import LuaSyntaxError
from reconciler.interpreter.custom.syntax.translate import Translation, translate
from reconciler.lua.worker import SCRIPTS, text_of

INSTRUCTIONS: Final = 10_000_000
"""Instructions that one call may take, the library's own included: less than a second on any machine that runs clusters."""
SECONDS: Final = 1.0
"""Wall-clock time of one call, as in Karmada."""
GRACE: Final = 0.7
"""Seconds beyond that until the process is killed: together below two."""
_START: Final = 60.0
_COOLDOWN: Final = 30.0
_LARGEST_ANSWER: Final = 64 * 2**20
_HEADER: Final = struct.Struct(">I")
_BOOTSTRAP: Final = "import sys; sys.path[:] = sys.argv[1:]; from reconciler.lua.worker import main; main()"


class LuaEngine:
    """An `interpreter.custom.engine.Engine`. The process starts with the first call, and ends with `close` or its owner."""

    def __init__(
        self, *, instructions: int = INSTRUCTIONS, seconds: float = SECONDS, grace: float = GRACE
    ) -> None:
        self._instructions = instructions
        self._seconds = seconds
        self._grace = grace
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._slow: dict[str, float] = {}

    def call(
        self, script: str, function: str, arguments: Sequence[Any], *, results: int, now: datetime
    ) -> LuaResult | LuaFailure:
        """Run `script`, then `function` of it. See the Protocol."""
        try:
            key, translation = _translated(script)
        except LuaSyntaxError as error:
            return LuaFailure(kind=FailureKind.SYNTAX, message=error.message, line=error.line)
        with self._lock:
            if self._slow.get(key, 0.0) > time.monotonic():
                return _late("the script ran out of time a moment ago and is not tried again yet")
            request = {
                "key": key,
                "function": function,
                "arguments": arguments,
                "results": results,
                "now": int(now.timestamp()),
                "instructions": self._instructions,
                "seconds": self._seconds,
            }
            result = self._ask(key, translation.code, request)
            if isinstance(result, LuaFailure) and result.kind is FailureKind.TIME:
                self._slow[key] = time.monotonic() + _COOLDOWN
        return result

    def close(self) -> None:
        """End the process, if there is one. A later call starts another."""
        with self._lock:
            self._drop()

    @property
    def process_id(self) -> int | None:
        """The process that runs scripts now, for those who measure it."""
        return self._worker.process.pid if self._worker is not None else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _ask(self, key: str, code: str, request: dict[str, Any]) -> LuaResult | LuaFailure:
        try:
            worker = self._ready()
            request["code"] = worker.text_to_send(key, code)
            data = worker.ask(_encoded(request), self._seconds + self._grace)
        except _Lost as lost:
            self._drop()
            return _late(str(lost))
        result = _decode(data)
        if isinstance(result, LuaFailure) and result.kind is FailureKind.MEMORY:
            # What such a call leaves behind must not count against the next one.
            self._drop()
        return result

    def _ready(self) -> _Worker:
        if self._worker is not None and self._worker.process.poll() is not None:
            self._drop()
        if self._worker is None:
            self._worker = _Worker()
            self._worker.wait_until_ready()
        return self._worker

    def _drop(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None


class _Lost(Exception):  # noqa: N818 - named for what happened
    """The process did not answer in time, or ended."""


class _Worker:
    """One child process, the pipes to it, and the scripts that it holds."""

    def __init__(self) -> None:
        # Isolated: neither this process's environment nor its working directory reaches a script's neighbourhood.
        command = [sys.executable, "-I", "-S", "-c", _BOOTSTRAP, *filter(None, sys.path)]
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={},
        )
        self._known: set[str] = set()
        self._finalizer = weakref.finalize(self, _end, self.process)

    def wait_until_ready(self) -> None:
        """Until the process has given up its rights. Raises _Lost."""
        self._receive(time.monotonic() + _START)

    def text_to_send(self, key: str, code: str) -> str:
        """The script's text, or nothing where the process holds it already. The process counts in the same way."""
        if key in self._known:
            return ""
        if len(self._known) >= SCRIPTS:
            self._known.clear()
        self._known.add(key)
        return code

    def ask(self, request: bytes, seconds: float) -> bytes:
        """The answer to a request. Raises _Lost."""
        deadline = time.monotonic() + seconds
        try:
            self._input.write(_HEADER.pack(len(request)) + request)
        except OSError as error:
            raise _Lost("the process that runs scripts ended") from error
        return self._receive(deadline)

    def kill(self) -> None:
        """End it, whatever it does."""
        self._finalizer()

    @property
    def _input(self) -> IO[bytes]:
        assert self.process.stdin is not None  # noqa: S101 - it was asked for
        return self.process.stdin

    def _receive(self, deadline: float) -> bytes:
        size = _HEADER.unpack(self._read(_HEADER.size, deadline))[0]
        if size > _LARGEST_ANSWER:
            raise _Lost("the process that runs scripts answered out of turn")
        return self._read(size, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        assert self.process.stdout is not None  # noqa: S101 - it was asked for
        parts: list[bytes] = []
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while size:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise _Lost("the script did not end in time and was killed")
                part = os.read(self.process.stdout.fileno(), min(size, 1 << 16))
                if not part:
                    raise _Lost("the process that ran the script ended")
                parts.append(part)
                size -= len(part)
        return b"".join(parts)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


@lru_cache(maxsize=1024)
def _translated(script: str) -> tuple[str, Translation]:
    return hashlib.sha256(script.encode("utf-8", "surrogatepass")).hexdigest(), translate(script)


def _encoded(request: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(request)
    except TypeError:  # an integer beyond 64 bits, or half a character: Go reads a float, and U+FFFD
        text = json.dumps(request, ensure_ascii=False)
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _decode(data: bytes) -> LuaResult | LuaFailure:
    try:
        answer = orjson.loads(text_of(data))
    except orjson.JSONDecodeError:
        return LuaFailure(kind=FailureKind.ERROR, message="the result has no JSON form")
    reads_clock = bool(answer.get("reads_clock"))
    if "kind" in answer:
        return LuaFailure(
            kind=FailureKind(answer["kind"]),
            message=answer["message"],
            line=int(answer["line"]),
            reads_clock=reads_clock,
        )
    return LuaResult(
        values=tuple(answer["values"]), reads_clock=reads_clock, printed=tuple(answer["printed"])
    )


def _late(message: str) -> LuaFailure:
    return LuaFailure(kind=FailureKind.TIME, message=message)
