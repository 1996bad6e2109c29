"""A few lines of HTTPS to one API server: what waiting, counting and cleaning need, without a Kubernetes library.

Promises: certificate verification stays on; one connection, used by one thread at a time; nothing is asked twice,
unless a kept connection turns out to be closed.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status code and body of one response."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")


class Api:
    """One API server, seen as one user."""

    def __init__(self, *, port: int, ca_file: Path, token: str) -> None:
        self._port = port
        self._ca_file = ca_file
        self._token = token
        self._connection: http.client.HTTPSConnection | None = None
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float = 15.0,
    ) -> Answer:
        """One request; raises OSError or HTTPException when there is no answer."""
        payload = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Accept": accept, "Content-Type": content_type}
        with self._lock:
            kept = self._connection is not None
            try:
                return self._once(method, path, payload, headers, timeout)
            except (http.client.RemoteDisconnected, ConnectionError, ssl.SSLEOFError):
                self._drop()
                if not kept:
                    raise
                # A kept connection may have been closed by a server that has restarted since.
                return self._once(method, path, payload, headers, timeout)
            except BaseException:
                self._drop()
                raise

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        with self._lock:
            self._drop()

    def _once(
        self, method: str, path: str, payload: bytes | None, headers: dict[str, str], timeout: float
    ) -> Answer:
        if self._connection is None:
            context = ssl.create_default_context(cafile=str(self._ca_file))
            self._connection = http.client.HTTPSConnection("127.0.0.1", self._port, context=context)
        self._connection.timeout = timeout
        if self._connection.sock is not None:
            self._connection.sock.settimeout(timeout)
        self._connection.request(method, path, body=payload, headers=headers)
        response = self._connection.getresponse()
        return Answer(status=response.status, body=response.read())

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
            self._connection = None
