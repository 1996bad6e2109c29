"""Ports of 127.0.0.1 for servers of tests, chosen before they are listened on.

Promises: nobody else gets one in between. The kernel gives ports of its own range to whoever connects or asks for any; these
lie below it. Processes of these tests share them out by blocks, each held by a UDP socket until its process ends.
"""

from __future__ import annotations

import os
import socket
import threading
from typing import Final

# Linux hands out 32768 and up, BSD 49152 and up.
_FIRST: Final = 20000
_LAST: Final = 32000
_BLOCK: Final = 50

_lock: Final = threading.Lock()
_held: Final[list[socket.socket]] = []
_mine: Final[list[int]] = []


def free_port() -> int:
    """A free port; this process is not given it again."""
    return free_ports(1)[0]


def free_ports(count: int) -> tuple[int, ...]:
    """So many free ports, all different; this process is not given them again."""
    found: list[int] = []
    with _lock:
        while len(found) < count:
            if not _mine:
                _mine.extend(_block())
            port = _mine.pop(0)
            if _is_free(port):
                found.append(port)
    return tuple(found)


def _block() -> range:
    """Ports that no other process of these tests has, nor this one so far."""
    starts = range(_FIRST, _LAST, _BLOCK)
    # Not all from the same end: what ended a moment ago may leave connections behind.
    offset = os.getpid() % len(starts)
    for start in (*starts[offset:], *starts[:offset]):
        holder = socket.socket(type=socket.SOCK_DGRAM)
        try:
            holder.bind(("127.0.0.1", start))
        except OSError:
            holder.close()
            continue
        _held.append(holder)
        return range(start, start + _BLOCK)
    raise OSError(f"no ports left between {_FIRST} and {_LAST}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
