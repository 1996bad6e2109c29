"""One API server: requests over one connection pool, in JSON bytes, with timeouts, bounded retries and our own errors.

Promises: no foreign exception leaves, no request outlives its timeout, only repeatable requests are repeated, redirects are never
followed (the credential would go with them), and no write is sent, the first time or again, without asking whether it may.
Knows paths and bytes; must not know what a plan is.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import orjson
from yarl import URL

from reconciler.errors import (
    ClusterError,
    CredentialRefused,
    Halted,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)
from reconciler.kube.connection import Connection, Source
from reconciler.kube.discovery import discover
from reconciler.kube.errors import decoded, translate
from reconciler.kube.resources import Discovery, Resource
from reconciler.kube.retry import Backoff, RetryBudget
from reconciler.model.manifest import Body

_JSON: Final = "application/json"
_APPLY: Final = "application/apply-patch+yaml"
_METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METADATA_LIST: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_PAGE: Final = 500
_AGENT: Final = "fleet-reconciler"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status and body of a request that was not refused."""

    status: int
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body, decoded. An answer that is no JSON object counts as none: something else than an API server spoke."""
        return decoded(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A consistent list, and the version from which a watch continues it."""

    items: tuple[Body, ...]
    resource_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one cluster may cost: seconds a request, connections, retries."""

    timeout: float = 30.0
    connect_timeout: float = 10.0
    connections: int = 8
    backoff: Backoff = field(default_factory=Backoff)


class Client:
    """Speaks to one cluster. Made from a `Source`, so that a changed credential becomes a new pool without a restart."""

    def __init__(
        self,
        source: Source,
        *,
        cluster: str,
        limits: Limits | None = None,
        budget: RetryBudget | None = None,
        clock: Callable[[], float] = time.time,
        halted: Callable[[], str] = lambda: "",
    ) -> None:
        """`halted` says why nothing may be written just now; asked right before each write is sent."""
        self.cluster = cluster
        self.limits = limits or Limits()
        self._source = source
        self._budget = budget or RetryBudget()
        self._clock = clock
        self._halted = halted
        # As many as there are connections: who waits for one has not been asked yet whether it may write.
        self._writing = asyncio.Semaphore(self.limits.connections)
        self._current: _Way | None = None
        self._loading = asyncio.Lock()
        self._discovery: Discovery | None = None

    # --- life ---

    async def close(self) -> None:
        """Close all connections."""
        way, self._current = self._current, None
        if way is not None:
            await way.close()

    async def refresh(self) -> bool:
        """Load the credential again; where it changed (true), the pool is closed and a new one begins."""
        async with self._loading:
            before = self._current
            await self._load()
            after = self._current
        return before is None or after is None or before.connection.key != after.connection.key

    @property
    def origin(self) -> str:
        """Where the credential comes from, for people; empty before the first request."""
        return self._current.connection.origin if self._current else ""

    # --- objects ---

    async def get(
        self, resource: Resource, namespace: str, name: str, *, metadata_only: bool = False
    ) -> Body | None:
        """The object, or None where there is none."""
        path = resource.path(namespace, name)
        try:
            answer = await self.request("GET", path, accept=_METADATA if metadata_only else _JSON)
        except Rejected as error:
            if error.status == 404 and error.missing[2]:
                return None
            raise
        return _typed(answer.json(), resource)

    async def list(
        self,
        resource: Resource,
        *,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
    ) -> Listing:
        """All objects that match, page by page."""
        items: list[Body] = []
        async for page in self.pages(
            resource, namespace=namespace, labels=labels, fields=fields, metadata_only=metadata_only
        ):
            items.extend(page.items)
            version = page.resource_version
        return Listing(items=tuple(items), resource_version=version)

    async def pages(
        self,
        resource: Resource,
        *,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
    ) -> AsyncIterator[Listing]:
        """The same, one page at a time; there is at least one."""
        query = {"limit": str(_PAGE)}
        if labels:
            query["labelSelector"] = labels
        if fields:
            query["fieldSelector"] = fields
        accept = f"{_METADATA_LIST},{_JSON}" if metadata_only else _JSON
        path = resource.path(namespace)
        while True:
            document = (await self.request("GET", path, query=query, accept=accept)).json()
            metadata = document.get("metadata") or {}
            items = tuple(_typed(item, resource) for item in document.get("items") or ())
            yield Listing(items=items, resource_version=str(metadata.get("resourceVersion") or ""))
            if not metadata.get("continue"):
                return
            query["continue"] = metadata["continue"]

    async def apply(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: bytes | Body,
        *,
        manager: str,
        force: bool = True,
        dry_run: bool = False,
    ) -> tuple[Body, bool]:
        """Server-side apply of a body (JSON or YAML bytes go as they are): the object as it is now, and whether it is new."""
        query = {"fieldManager": manager, "force": "true" if force else "false", "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        path = resource.path(namespace, name)
        answer = await self.request("PATCH", path, query=query, body=data, content_type=_APPLY)
        return answer.json(), answer.status == 201

    async def create(self, resource: Resource, namespace: str, body: Body, *, manager: str = "") -> Body:
        """Make the object; Rejected with status 409 where it exists."""
        query = {"fieldManager": manager} if manager else {}
        # Not repeated: a first try that was carried out without an answer would make the second one a conflict.
        answer = await self.request(
            "POST", resource.path(namespace), query=query, body=orjson.dumps(body), repeatable=False
        )
        made: Body = answer.json()
        return made

    async def put(
        self, resource: Resource, namespace: str, name: str, body: Body, *, manager: str = ""
    ) -> Body:
        """Write the whole object; with a `resourceVersion` in it, FieldConflict where it has changed since."""
        query = {"fieldManager": manager} if manager else {}
        path = resource.path(namespace, name)
        answer = await self.request("PUT", path, query=query, body=orjson.dumps(body), repeatable=False)
        made: Body = answer.json()
        return made

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: str = "Background",
    ) -> bool:
        """Ask for the deletion of exactly this object; false where it is gone already (another of its name is not it)."""
        options: Body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        wanted = {"uid": uid, "resourceVersion": resource_version}
        preconditions = {key: value for key, value in wanted.items() if value}
        if preconditions:
            options["preconditions"] = preconditions
        try:
            await self.request("DELETE", resource.path(namespace, name), body=orjson.dumps(options))
        except Rejected as error:
            if error.status == 404 and error.missing[2]:
                return False
            raise
        return True

    # --- the cluster ---

    async def discovery(self, *, refresh: bool = False) -> Discovery:
        """What the cluster serves; remembered until asked to `refresh`."""
        if self._discovery is None or refresh:
            self._discovery = await discover(self._bytes)
        return self._discovery

    async def version(self) -> str:
        """The server's `gitVersion`."""
        return str((await self.request("GET", "/version")).json().get("gitVersion") or "")

    async def raw(self, path: str, *, accept: str = "*/*", within: float = 0.0) -> Answer:
        """A GET whose refusal is an answer too: status and body, whatever they are. One try, `within` so many seconds."""
        way = await self._way()
        async with self._answer(way, "GET", path, {}, None, {"Accept": accept}, within) as response:
            return Answer(status=response.status, body=await response.read())

    # --- requests ---

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = _JSON,
        accept: str = _JSON,
        within: float = 0.0,
        repeatable: bool = True,
    ) -> Answer:
        """One request with its retries, each `within` so many seconds (0: the limit of the client).

        Raises a ClusterError. A timeout is not retried: it took long enough.
        """
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = content_type
        writes = method != "GET" and (query or {}).get("dryRun") != "All"
        attempt, renewed = 0, False
        while True:
            way = await self._way()
            try:
                if not writes:
                    return await self._once(way, method, path, query or {}, body, headers, within)
                async with self._writing:
                    self._may_write()
                    return await self._once(way, method, path, query or {}, body, headers, within)
            except Unauthorized as error:
                if renewed:
                    raise Unauthorized(
                        f"{error}: renew {way.connection.origin}", cluster=self.cluster
                    ) from error
                renewed = True
                await self._renew(way)
            except ClusterError as error:
                wait = self._wait(error, attempt, repeatable=repeatable)
                if wait is None:
                    raise
                attempt += 1
                await asyncio.sleep(wait)

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Mapping[str, str], accept: str = _JSON, within: float
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """A long answer, read piece by piece (a watch), over a connection of its own; `within` is for the whole."""
        way = await self._way()
        async with self._answer(
            way, "GET", path, query, None, {"Accept": accept}, within, long=True
        ) as response:
            if response.status >= 300:
                raise translate(response.status, await response.read(), cluster=self.cluster)
            yield response.content

    async def _bytes(self, path: str, accept: str) -> bytes:
        return (await self.request("GET", path, accept=accept)).body

    async def _once(
        self,
        way: _Way,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes | None,
        headers: Mapping[str, str],
        within: float,
    ) -> Answer:
        async with self._answer(way, method, path, query, body, headers, within) as response:
            # Always read to the end: an answer that is left half read costs the connection.
            data = await response.read()
            if response.status >= 300:
                retry_after = response.headers.get("Retry-After", "")
                raise translate(response.status, data, cluster=self.cluster, retry_after=retry_after)
            return Answer(status=response.status, body=data)

    @asynccontextmanager
    async def _answer(
        self,
        way: _Way,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes | None,
        headers: Mapping[str, str],
        within: float,
        *,
        long: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        connection = way.connection
        session = way.streams if long else way.session
        total = within or self.limits.timeout
        limits = aiohttp.ClientTimeout(total=total, sock_connect=min(total, self.limits.connect_timeout))
        try:
            async with session.request(
                method,
                # Escaped already: doing it again for every request costs more than the rest of making it.
                URL(f"{connection.server}{path}{_escaped(tuple(query.items()))}", encoded=True),
                data=body,
                headers={**connection.headers, **headers},
                timeout=limits,
                server_hostname=connection.server_name or None,
                proxy=connection.proxy or None,
                proxy_headers=connection.proxy_headers or None,
                allow_redirects=False,
            ) as response:
                yield response
        except TimeoutError as error:
            raise _Silent(f"no answer within {total:g} s", cluster=self.cluster) from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise _Untrusted(
                f"the server's certificate is not one that {connection.origin} trusts", cluster=self.cluster
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"no connection: {_cause(error)}", cluster=self.cluster) from error
        except RuntimeError as error:
            # What aiohttp raises when a pool is closed while somebody still waits for it.
            if not session.closed:
                raise
            raise Unreachable("the connection was closed", cluster=self.cluster) from error

    def _may_write(self) -> None:
        reason = self._halted()
        if reason:
            raise Halted(reason, cluster=self.cluster)

    def _wait(self, error: ClusterError, attempt: int, *, repeatable: bool) -> float | None:
        backoff = self.limits.backoff
        if not error.retryable or isinstance(error, _Silent | _Untrusted) or attempt + 1 >= backoff.attempts:
            return None
        # A throttled request was not carried out, so that even one that must not be repeated may be tried again.
        if not repeatable and (not isinstance(error, Throttled) or error.may_have_happened):
            return None
        asked = error.retry_after if isinstance(error, Throttled) else 0.0
        if asked > backoff.patience or not self._budget.spend():
            return None
        return backoff.wait(attempt, asked)

    async def _way(self) -> _Way:
        way = self._current
        if way is None or self._is_stale(way):
            async with self._loading:
                if self._current is None or self._is_stale(self._current):
                    await self._load()
                way = self._current
        if way is None:
            raise Unreachable("the client was closed", cluster=self.cluster)
        return way

    async def _renew(self, used: _Way) -> None:
        # Many requests may be refused at once; the first of them reads the credential again for all.
        async with self._loading:
            if self._current is used:
                await self._load()

    def _is_stale(self, way: _Way) -> bool:
        return way.connection.expires is not None and way.connection.expires <= self._clock()

    async def _load(self) -> None:
        try:
            connection = await self._source.load()
        except CredentialRefused as error:
            error.cluster = error.cluster or self.cluster
            raise
        except ClusterError as error:
            # Where the credential is kept is away. What it said last is as good as it was.
            if self._current is not None and not self._is_stale(self._current):
                return
            raise Unreachable(f"the credential cannot be read: {error}", cluster=self.cluster) from error
        old = self._current
        if old is not None and old.connection.key == connection.key:
            self._current = replace(old, connection=connection)
            return
        self._discovery = None
        self._current = _Way(
            connection=connection,
            session=_session(connection, self.limits.connections),
            # Watches wait for most of their life: they must not keep requests from a connection.
            streams=_session(connection, 0),
        )
        if old is not None:
            await old.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A connection with its pools."""

    connection: Connection
    session: aiohttp.ClientSession
    streams: aiohttp.ClientSession

    async def close(self) -> None:
        await self.session.close()
        await self.streams.close()


def _session(connection: Connection, connections: int) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=connections, ssl=connection.tls or True, keepalive_timeout=60)
    return aiohttp.ClientSession(connector=connector, headers={"User-Agent": _AGENT}, trust_env=False)


@lru_cache(maxsize=256)
def _escaped(query: tuple[tuple[str, str], ...]) -> str:
    return f"?{urlencode(query)}" if query else ""


class _Silent(Unreachable):
    """Nothing came back in time."""


class _Untrusted(Unreachable):
    """Somebody answered who could not prove to be the server."""


def _cause(error: BaseException) -> str:
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(inner, ssl.SSLError):
        return f"TLS: {inner.reason or 'handshake failed'}"
    return (inner.strerror if isinstance(inner, OSError) else None) or type(inner).__name__


def _typed(item: Body, resource: Resource) -> Body:
    # Items of a typed list carry neither field, metadata-only ones carry PartialObjectMetadata's.
    item["apiVersion"], item["kind"] = resource.api_version, resource.kind
    return item
