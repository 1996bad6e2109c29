"""Child processes that do not outlive their parent.

Promises: a tethered child dies with the process that started it, however that one ends (also by SIGKILL), where the
kernel can do that (Linux); elsewhere `stop` is all there is. Must not know what the processes are.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

# The kernel's "signal me when my parent ends" means the parent *thread*. All children are therefore forked by one
# thread that lives as long as this process does.
_NURSERY: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="nursery")

_STOPS_WITHIN: Final = 5.0

# Runs between fork and exec, in an interpreter of its own: code in a forked copy of a threaded process is not safe.
_TETHER: Final = """
import ctypes, os, sys
PR_SET_PDEATHSIG, SIGKILL = 1, 9
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
    if os.getppid() != int(sys.argv[1]):
        os._exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


def tethered_popen(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """`subprocess.Popen` of a child that dies with this process. `command[0]` is a path."""
    line = [sys.executable, "-c", _TETHER, str(os.getpid()), *command]
    return _NURSERY.submit(lambda: subprocess.Popen(line, **options)).result()


def pause(child: subprocess.Popen[bytes]) -> None:
    """SIGSTOP, and wait until all of it stands still (or has ended): on a busy machine it runs on for some time."""
    child.send_signal(signal.SIGSTOP)
    deadline = time.monotonic() + _STOPS_WITHIN
    while sys.platform == "linux" and child.poll() is None and time.monotonic() < deadline:
        # Nothing is taken from whoever waits for its end.
        if os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT | os.WNOHANG) is not None:
            return
        time.sleep(0.001)


class Process:
    """One child with its log file; may be started again after it has ended."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, *, env: Mapping[str, str], tethered: bool
    ) -> None:
        self.name = name
        self.command = tuple(command)
        self.log = log
        self._env = dict(env)
        self._tethered = tethered
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, once started."""
        return None if self._popen is None else self._popen.pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code, when it has ended."""
        return None if self._popen is None else self._popen.poll()

    def start(self) -> None:
        """Start it; its output goes to the end of the log file."""
        if self.running:
            raise RuntimeError(f"{self.name} already runs")
        self._popen = _NURSERY.submit(self._spawn).result()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, when it still runs."""
        if self._popen is not None and self._popen.poll() is None:
            self._popen.send_signal(number)

    def pause(self) -> None:
        """SIGSTOP, until nothing of it runs on."""
        if self._popen is not None:
            pause(self._popen)

    def stop(self, grace: float = 10.0) -> None:
        """SIGTERM, wait, and SIGKILL what does not listen; then it is as if never started. Paused ones are woken."""
        if self._popen is None:
            return
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        try:
            self._popen.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()
        self._popen = None

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        if self._popen is not None:
            self.send(signal.SIGKILL)
            self._popen.wait()

    def tail(self, lines: int = 20) -> str:
        """The last lines of the log."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = list(self.command)
        if self._tethered:
            command = [sys.executable, "-I", "-S", "-c", _TETHER, str(os.getpid()), *command]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                # Ctrl-C in a terminal is for the parent, which stops its children in order.
                start_new_session=True,
            )


def end(pids: Iterable[int], is_ours: Callable[[int], bool], *, grace: float) -> None:
    """SIGTERM, SIGKILL for what runs on after `grace` seconds, and wait for its end.

    `is_ours`: whether an id is still that of a process that is meant (ids come again).
    """
    left = list(pids)
    for numbers in ((signal.SIGCONT, signal.SIGTERM), (signal.SIGKILL,)):
        left = [pid for pid in left if is_ours(pid)]
        for pid, number in itertools.product(left, numbers):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + grace
        while any(map(is_ours, left)) and time.monotonic() < deadline:
            time.sleep(0.05)


def command_of(pid: int) -> str:
    """The command line of any process, or an empty text when there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        if Path("/proc/self").exists():
            return ""
    listed = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip()
