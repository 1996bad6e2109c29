"""Runs the `git` program: with nobody's configuration but ours, with a deadline, and without prompting.

Configuration travels in the environment (`GIT_CONFIG_COUNT`), never in arguments, which other users of a machine can read.
What a server sends cannot fill memory: output goes to unnamed files, of which only the end is read.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import IO, Final

from reconciler.errors import GitError

_OUTPUT: Final = 4 << 20
_GRACE: Final = 2.0

# What may pass from our own environment: programs, proxies, certificates, temporary files. No GIT_*, no SSH_*.
_PASSED: Final = frozenset(
    ["PATH", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"]
    + [name for one in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for name in (one, one.upper())]
)
# Of Git's own variables a laptop keeps what says how to reach a host. Never what names another repository or shows secrets.
_LAPTOP: Final = re.compile(
    r"GIT_(SSH(_COMMAND|_VARIANT)?|ASKPASS|EXEC_PATH|PROXY_COMMAND|SSL_[A-Z]+|CONFIG(_[A-Z]+(_\d+)?)?)"
)

_SETTINGS: Final = (
    ("core.hooksPath", os.devnull),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("push.recurseSubmodules", "no"),
    ("push.gpgSign", "false"),
    ("push.followTags", "false"),
    ("fetch.unpackLimit", "1"),  # one pack a fetch, never loose objects
    ("protocol.version", "2"),
    ("core.fsync", "committed,reference"),
    ("core.packedRefsTimeout", "5000"),  # as long as we wait for it ourselves
    ("transfer.credentialsInUrl", "die"),
    ("advice.pushUpdateRejected", "false"),
)

_lock: Final = Lock()
_running: Final[set[subprocess.Popen[bytes]]] = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a program ended: exit code (negative: killed by that signal) and the ends of what it wrote."""

    code: int
    out: str
    err: str
    timed_out: bool = False


def isolated_environment(inherited: Mapping[str, str], home: Path) -> dict[str, str]:
    """An environment in which Git knows no user, no machine and no terminal. `home` is an empty directory."""
    return {
        **{name: value for name, value in inherited.items() if name in _PASSED},
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        **_quiet(interactive=False),
    }


def laptop_environment(inherited: Mapping[str, str], *, interactive: bool) -> dict[str, str]:
    """The user's own environment: their helpers, their ssh-agent; prompts only where a person sits."""
    passed = {
        name: value
        for name, value in inherited.items()
        if not name.startswith("GIT_") or _LAPTOP.fullmatch(name)
    }
    return {**passed, **_quiet(interactive=interactive)}


def with_settings(environment: Mapping[str, str], settings: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The environment with Git settings added: ours first, then these; later ones count more."""
    merged = dict(environment)
    count = int(merged.get("GIT_CONFIG_COUNT") or 0)
    for key, value in (*_SETTINGS, *settings):
        merged[f"GIT_CONFIG_KEY_{count}"] = key
        merged[f"GIT_CONFIG_VALUE_{count}"] = value
        count += 1
    merged["GIT_CONFIG_COUNT"] = str(count)
    return merged


def run_program(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    timeout: float,
    directory: Path | None = None,
    largest_file: int = 0,
    interactive: bool = False,
    keep_open: tuple[int, ...] = (),
) -> Answer:
    """Run a program to its end, or kill it and all it started after `timeout` seconds.

    `largest_file` (bytes, 0: any) bounds every file that it writes; `keep_open` are file handles that it holds too.
    Raises GitError when it cannot be started.
    """
    command = list(arguments)
    if largest_file:
        # The limit is set by the shell that becomes the program: nothing of Python runs between fork and exec.
        blocks = str(largest_file // 512 + 1)
        command = ["/bin/sh", "-c", 'ulimit -f "$0" && exec "$@"', blocks, *command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(  # noqa: S603 - a list, no shell words from outside
                command,
                env=dict(environment),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                # A session of its own has no terminal to ask on, and dies as a whole.
                start_new_session=not interactive,
                pass_fds=keep_open,
            )
        except OSError as error:
            raise GitError(f"cannot run {arguments[0]}: {error}") from error
        timed_out = False
        with _lock:
            _running.add(process)
        try:
            timed_out = not _ended(process, timeout)
        finally:
            _end(process, group=not interactive)
            with _lock:
                _running.discard(process)
        return Answer(code=process.returncode, out=_tail(out), err=_tail(err), timed_out=timed_out)


def end_programs() -> None:
    """End what `run_program` runs just now: each caller hears that its program was killed. For the end of our own."""
    with _lock:
        found = list(_running)
    for process in found:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGTERM)


def _ended(process: subprocess.Popen[bytes], timeout: float) -> bool:
    """Wait for the end; false when it did not come in time. Notices it at once: `Popen.wait` looks every 50 ms at worst."""
    try:
        handle = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        # Not Linux, or too old a kernel.
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True
    try:
        poller = select.poll()
        poller.register(handle, select.POLLIN)
        if not poller.poll(timeout * 1000):
            return False
    finally:
        os.close(handle)
    process.wait()
    return True


def local_git(
    arguments: Sequence[str], directory: Path, *, timeout: float = 600.0, keep_open: tuple[int, ...] = ()
) -> Answer:
    """Run `git` on a local repository of ours (maintenance). Raises GitError with its words if it fails."""
    with tempfile.TemporaryDirectory(prefix="reconciler-git-") as home:
        environment = with_settings(
            isolated_environment(os.environ, Path(home)), [("safe.directory", str(directory))]
        )
        answer = run_program(
            ["git", f"--git-dir={directory}", *arguments],
            environment=environment,
            timeout=timeout,
            keep_open=keep_open,
        )
    if answer.code or answer.timed_out:
        words = answer.err.strip() or f"exit code {answer.code}"
        raise GitError(f"git {arguments[0]} failed in {directory}: {words}")
    return answer


def _quiet(*, interactive: bool) -> dict[str, str]:
    fixed = {
        "LC_ALL": "C",
        "LANGUAGE": "",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
        "GIT_ADVICE": "0",
    }
    if interactive:
        return fixed
    # An empty GIT_ASKPASS also keeps Git from core.askPass and SSH_ASKPASS.
    return {**fixed, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS_REQUIRE": "never"}


def _end(process: subprocess.Popen[bytes], *, group: bool) -> None:
    """Leave nothing running: politely first, so that Git removes its locks and temporary files."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        running = process.poll() is None
        if not running and sign is signal.SIGTERM:
            return
        with suppress(ProcessLookupError, PermissionError):
            if group:
                os.killpg(process.pid, sign)
            elif running:
                process.send_signal(sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)


def _tail(file: IO[bytes]) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _OUTPUT))
    return file.read().decode("utf-8", "replace")
