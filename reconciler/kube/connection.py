"""Where one API server is and how it is spoken to: server, TLS, proxy, headers. Made by `credentials`, used by `client`.

Promises: nothing of it appears in a `repr`, and `key` changes when, and only when, a new connection pool is needed.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One way into one API server. `origin` names, for people, where the credential comes from.

    `server_name` is the name in the certificate where it is not the server's (empty: it is). `expires` is when it must be loaded again (seconds since the epoch), None for never.
    """

    server: str
    origin: str
    key: str
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    server_name: str = ""
    proxy: str = field(default="", repr=False)
    proxy_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    expires: float | None = None


class Source(Protocol):
    """Where a cluster's connection comes from: a Secret, a kubeconfig, the own service account."""

    async def load(self) -> Connection:
        """The connection as of now. Raises CredentialRefused where a rule is broken."""


@dataclass(frozen=True, slots=True)
class FixedSource:
    """A connection that somebody else already made."""

    connection: Connection

    async def load(self) -> Connection:
        """The same connection, always."""
        return self.connection
