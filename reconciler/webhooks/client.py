"""One request to an interpreter webhook: HTTPS to its address, trusted by its own certificates, bounded in time and size.

Promises: no credential, cookie or proxy goes along, no redirect is followed, no foreign exception leaves, and a webhook that
answers without end ends in words. Retries are the caller's.
"""

from __future__ import annotations

import ssl
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from yarl import URL

from reconciler.errors import ReconcilerError
from reconciler.model.webhook import Webhook

LARGEST_ANSWER: Final = 2**20
"""Bytes."""
AT_ONCE: Final = 8
"""Requests to one webhook."""
_CONNECT_SECONDS: Final = 5.0
_AGENT: Final = "fleet-reconciler"
_HEADERS: Final = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    # What comes must be as large as it says.
    "Accept-Encoding": "identity",
}


class NotAnswered(ReconcilerError):  # noqa: N818 - named for what happened
    """No answer came back. `is_away`: there was not even a connection, so that nothing else need be tried just now."""

    retryable = True

    def __init__(self, words: str, *, is_away: bool = False) -> None:
        super().__init__(words)
        self.is_away = is_away


@dataclass(slots=True)
class WebhookClient:
    """Connections by who may answer. Belongs to one event loop."""

    _sessions: dict[Webhook, aiohttp.ClientSession] = field(default_factory=dict)

    async def close(self) -> None:
        """Close all connections."""
        await self.keep_to(())

    async def keep_to(self, webhooks: Collection[Webhook]) -> None:
        """Close the connections to all others."""
        for webhook in [known for known in self._sessions if known not in webhooks]:
            await self._sessions.pop(webhook).close()

    async def post(self, webhook: Webhook, data: bytes) -> bytes:
        """The body of the answer to `data`. Raises NotAnswered."""
        session = self._session(webhook)
        seconds = webhook.seconds
        limits = aiohttp.ClientTimeout(total=seconds, sock_connect=min(seconds, _CONNECT_SECONDS))
        # Karmada tells its webhooks how long it waits, as an API server does.
        url = URL(webhook.url).update_query(timeout=f"{seconds:g}s")
        try:
            async with session.post(url, data=data, timeout=limits, allow_redirects=False) as response:
                return await _body(response)
        except TimeoutError as error:
            raise NotAnswered(f"no answer within {seconds:g} s") from error
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
            raise NotAnswered(_untrusted(error), is_away=True) from error
        except aiohttp.ClientConnectorError as error:
            raise NotAnswered(f"no connection: {_cause(error.os_error)}", is_away=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise NotAnswered(f"the connection failed: {_cause(error)}") from error

    def _session(self, webhook: Webhook) -> aiohttp.ClientSession:
        session = self._sessions.get(webhook)
        if session is None:
            trust = ssl.create_default_context(cadata=webhook.authority or None)
            trust.minimum_version = ssl.TLSVersion.TLSv1_2
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE, ssl=trust, keepalive_timeout=30),
                headers={**_HEADERS, "User-Agent": _AGENT},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
            self._sessions[webhook] = session
        return session


async def _body(response: aiohttp.ClientResponse) -> bytes:
    if 300 <= response.status < 400:
        raise NotAnswered(f"it redirects (status {response.status}), and redirects are not followed")
    if response.status != 200:
        raise NotAnswered(f"it answers with status {response.status}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise NotAnswered("it answers in an encoding that was not asked for")
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > LARGEST_ANSWER:
            # The rest is not read: the connection cannot be used again.
            response.close()
            raise NotAnswered(f"its answer is larger than {LARGEST_ANSWER // 2**20} MiB")
        parts.append(part)
    return b"".join(parts)


def _untrusted(error: aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError) -> str:
    inner = (
        error.certificate_error
        if isinstance(error, aiohttp.ClientConnectorCertificateError)
        else error.os_error
    )
    reason = inner.verify_message if isinstance(inner, ssl.SSLCertVerificationError) else ""
    return f"its certificate is not trusted: {reason}" if reason else f"TLS: {_cause(inner)}"


def _cause(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "handshake failed"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
