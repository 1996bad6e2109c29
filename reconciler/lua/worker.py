"""The process that runs scripts: one call at a time, each in a fresh Lua state, with nothing else within reach.

Started by `engine` and fed on its standard input. Gives up files, network and children before the first script arrives; whatever
still goes wrong ends this process and nothing else.
"""

from __future__ import annotations

import resource
import struct
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import lupa.lua51
import orjson

from reconciler.lua import bytecode, clock, goformat, kube

PRELUDE: Final = Path(__file__).with_name("prelude.lua")
ADDRESS_SPACE: Final = 240 * 2**20
"""Bytes that this process may map: below what it may have, 256 MiB, whatever a script does."""
LUA_MEMORY: Final = 64 * 2**20
"""Bytes that one Lua state may have."""
_HEADER: Final = struct.Struct(">I")
_ARGUMENTS: Final = 200
_LOADER: Final = b"(function() collectgarbage('setpause', 1000) return loadstring end)()"
"""What is loaded before a script runs is small and all needed: looking for garbage in it is wasted."""
SCRIPTS: Final = 500
"""So many scripts are held; then all are forgotten, here and in `engine` alike."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `code` is a translated script, or empty where this process has it already under `key`."""

    key: str
    code: str
    function: str
    arguments: Sequence[Any]
    results: int
    now: int
    instructions: int
    seconds: float


class Runner:
    """Runs requests. Holds compiled text only: no state of one call is seen by another."""

    def __init__(self) -> None:
        runtime = lupa.lua51.LuaRuntime(encoding=None, register_eval=False, register_builtins=False)
        compiled: Callable[[bytes], bytes] = runtime.eval(
            b"function(text) return string.dump(loadstring(text, '=prelude')) end"
        )
        self._prelude = bytecode.stripped(compiled(PRELUDE.read_bytes()))
        self._codes: dict[str, bytes] = {}

    def run(self, request: Request) -> bytes:
        """The answer as JSON text."""
        if request.code:
            if len(self._codes) >= SCRIPTS:
                self._codes.clear()
            self._codes[request.key] = request.code.encode()
        if _weight(request.arguments) > LUA_MEMORY // 2:
            return _failure("memory", "the object is too large for a script")
        runtime = lupa.lua51.LuaRuntime(
            encoding=None,
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            attribute_filter=_no_attribute,
            max_memory=LUA_MEMORY,
        )
        reach: list[Any] = []
        try:
            load = runtime.eval(_LOADER)
            deadline = time.monotonic() + request.seconds
            api = load(self._prelude, b"=prelude")(runtime.table_from(_host(request.now, deadline, reach)))
            reach.append(api)
            arguments = [_to_lua(api, value) for value in request.arguments]
            answer: bytes = api[b"run"](
                self._codes[request.key],
                request.function.encode(),
                request.results,
                request.instructions,
                *arguments,
            )
        except lupa.lua51.LuaMemoryError:
            runtime.set_max_memory(0)
            line = reach[0][b"last_line"]() if reach else 0
            return _failure("memory", "not enough memory", int(line))
        except lupa.lua51.LuaError as error:
            return _failure("error", str(error))
        finally:
            # What Python frees inside a full state would end the process; and what holds on to itself is freed too late.
            runtime.set_max_memory(0)
            reach.clear()
        return answer


def main() -> None:
    """Answer requests until the input ends."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    runner = Runner()
    _give_up_everything()
    _write(target, b"ready")
    while (header := source.read(_HEADER.size)) and len(header) == _HEADER.size:
        request = Request(**orjson.loads(source.read(_HEADER.unpack(header)[0])))
        try:
            answer = runner.run(request)
        except MemoryError:
            answer = _failure("memory", "not enough memory")
        _write(target, answer)


def _failure(kind: str, message: str, line: int = 0) -> bytes:
    return orjson.dumps({"kind": kind, "message": message[:1000], "line": line})


def _write(target: Any, data: bytes) -> None:
    target.write(_HEADER.pack(len(data)) + data)
    target.flush()


def _give_up_everything() -> None:
    """No new file or socket, no child, no core, no more memory; and a second lock on the same doors in Python itself."""
    for limit, value in (
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_AS, ADDRESS_SPACE),
    ):
        resource.setrlimit(limit, (value, value))
    sys.addaudithook(_refuse)


_REFUSED: Final = (
    "open",
    "import",
    "os.",
    "socket.",
    "subprocess.",
    "ctypes.",
    "shutil.",
    "exec",
    "compile",
    "fcntl.",
    "mmap.",
)


def _refuse(event: str, _arguments: tuple[Any, ...]) -> None:
    if event.startswith(_REFUSED):
        raise PermissionError(f"{event} is not for this process")


def _no_attribute(_object: object, _name: object, _is_setting: bool) -> Any:
    raise AttributeError("scripts reach no attribute of Python's")


def _to_lua(api: Any, value: Any) -> Any:
    """A JSON value as Lua's: null is nil and vanishes from lists and objects; keys in sorted order."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, list):
        items = [_to_lua(api, item) for item in value if item is not None]
        table = api[b"build_list"](*items[:_ARGUMENTS])
        for start in range(_ARGUMENTS, len(items), _ARGUMENTS):
            api[b"extend_list"](table, *items[start : start + _ARGUMENTS])
        return table
    pairs: list[Any] = []
    for key in sorted(value):
        if value[key] is not None:
            pairs += (key.encode("utf-8", "surrogatepass"), _to_lua(api, value[key]))
    table = api[b"build_object"](*pairs[:_ARGUMENTS])
    for start in range(_ARGUMENTS, len(pairs), _ARGUMENTS):
        api[b"extend_object"](table, *pairs[start : start + _ARGUMENTS])
    return table


def _weight(value: Any) -> int:
    """About the bytes that a JSON value takes in Lua: a table with the record of its keys, and its members."""
    if isinstance(value, str):
        return 40 + 4 * len(value)
    if isinstance(value, list | tuple):
        return 400 + sum(40 + _weight(item) for item in value)
    if isinstance(value, dict):
        return 600 + sum(200 + len(key) + _weight(inner) for key, inner in value.items())
    return 16


def _host(now: int, deadline: float, reach: list[Any]) -> dict[bytes, Any]:
    """What the prelude may ask of Python. Every answer begins with whether it succeeded: nothing is raised through Lua."""

    def kube_call(name: bytes, *dumps: bytes) -> Any:
        answer = kube.call(name.decode(), [orjson.loads(text_of(dump)) for dump in dumps])
        return _to_lua(reach[0], answer)

    def calendar(moment: float) -> tuple[int, ...]:
        when = clock.calendar(moment)
        return (
            when.year,
            when.month,
            when.day,
            when.hour,
            when.minute,
            when.second,
            when.isoweekday() % 7 + 1,
        )

    functions: dict[bytes, Callable[..., Any]] = {
        b"number_text": goformat.number_text,
        b"format": lambda pattern, *values: goformat.format_text(pattern, tuple(map(_plain, values))),
        b"parse_number": goformat.parse_number,
        b"lower": lambda text: _text(text).lower().encode(),
        b"upper": lambda text: _text(text).upper().encode(),
        b"now": lambda: now,
        b"time": lambda *fields: clock.moment_of(*map(int, fields)),
        b"date": lambda pattern, moment: clock.date_text(_text(pattern), moment).encode(),
        b"kube": kube_call,
    }
    host: dict[bytes, Callable[..., Any]] = {name: _guarded(each) for name, each in functions.items()}
    host[b"calendar"] = _guarded(calendar, is_several=True)
    host[b"late"] = lambda: time.monotonic() > deadline
    return host


def _guarded(function: Callable[..., Any], *, is_several: bool = False) -> Callable[..., tuple[Any, ...]]:
    def guarded(*arguments: Any) -> tuple[Any, ...]:
        try:
            answer = function(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, a script may see it as words alone
            return (False, str(error).encode("utf-8", "replace"))
        return (True, *answer) if is_several else (True, answer)

    return guarded


def _plain(value: Any) -> goformat.LuaValue:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def text_of(data: bytes) -> str:
    """JSON text that Lua wrote: every byte that is no UTF-8 is replaced by itself, as Go does."""
    text = data.decode("utf-8", "surrogateescape")
    if text.isascii():
        return text
    return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)


if __name__ == "__main__":
    main()
