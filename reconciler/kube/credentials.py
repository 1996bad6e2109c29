"""Whose word counts for reaching a cluster (DESIGN §6), as `Source`s that make Connections.

Promises: a Secret is used only in our own namespace and only for the cluster that it is labelled with; it alone decides
server, CA, proxy and TLS; Git can neither send a credential elsewhere nor switch verification off. No value is ever in a
message. Must not cache: a source loads anew whenever it is asked.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import ssl
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.errors import CredentialRefused, Forbidden
from reconciler.kube.connection import Connection
from reconciler.kube.kubeconfig import Access, access, context_names, parse_kubeconfig, read_kubeconfig
from reconciler.kube.plugins import run_plugin
from reconciler.kube.tls import tls_context
from reconciler.model.cluster import Cluster, SecretReference
from reconciler.model.manifest import Body
from reconciler.model.marks import CLUSTER

ReadSecret = Callable[[SecretReference], Awaitable[Body | None]]
"""Reads a Secret of the hub, None where there is none."""

_KUBECONFIG_KEYS: Final = ("kubeconfig", "value")
_TOKEN_KEYS: Final = ("token", "caBundle", "server")
_EARLY: Final = 60.0
"""Seconds before a plugin's token ends in which it is asked for the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSource:
    """The Secret that a Cluster's `secretRef` names, in `namespace`, our own. Only `allowed_commands` may run as plugins."""

    cluster: Cluster
    namespace: str
    read: ReadSecret
    allowed_commands: Collection[str] = ()

    async def load(self) -> Connection:
        """The connection as the Secret now says. Raises CredentialRefused for every rule that is broken."""
        name = self.cluster.name
        try:
            reference = checked_reference(self.cluster, self.namespace)
            secret = await self._secret(reference)
            found = access_of_secret(self.cluster, secret, allowed_commands=self.allowed_commands)
            origin = f"Secret {reference.namespace}/{reference.name}"
            headers = self.cluster.proxy_header if found.proxy else {}
            return await connect(found, origin=origin, proxy_headers=headers)
        except CredentialRefused as error:
            raise CredentialRefused(
                f"cluster {name}: {error}", code=error.code, cluster=name
            ) from error.__cause__

    async def _secret(self, reference: SecretReference) -> Body:
        try:
            return _present(await self.read(reference), reference)
        except Forbidden as error:
            raise CredentialRefused(
                f"Secret {reference.namespace}/{reference.name} may not be read: {error}", code="R530"
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeconfigSource:
    """One context of the user's own kubeconfig. `allowed_commands` None lets every plugin run (the command line)."""

    paths: tuple[Path, ...]
    context: str
    allowed_commands: Collection[str] | None = None

    async def load(self) -> Connection:
        """The connection as the files now say. Raises CredentialRefused."""
        document = await asyncio.to_thread(read_kubeconfig, self.paths)
        if self.context and self.context not in context_names(document):
            raise CredentialRefused(
                f"the kubeconfig has no context {self.context!r}; say which with --context CLUSTER=CONTEXT",
                code="R530",
            )
        found = await asyncio.to_thread(access, document, self.context, files=True)
        if self.allowed_commands is not None:
            _check_plugin(found, self.allowed_commands)
        origin = f"context {self.context or document.get('current-context')} of the kubeconfig"
        if found.auth_provider:
            found = replace(found, token=await asyncio.to_thread(_provider_token, self.paths, self.context))
        return await connect(found, origin=origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnClusterSource:
    """The service account that the cluster projects into our own pod; its token is read again before it ends."""

    environ: Mapping[str, str]
    directory: Path = Path("/var/run/secrets/kubernetes.io/serviceaccount")
    clock: Callable[[], float] = field(default=time.time, repr=False)

    async def load(self) -> Connection:
        """The connection with the token as it now stands in its file. Raises CredentialRefused outside a cluster."""
        host, token = await asyncio.to_thread(self._read)
        authority = await asyncio.to_thread((self.directory / "ca.crt").read_text)
        # The kubelet renews the file long before the token ends; an old pool serves the new token as well.
        return Connection(
            server=host,
            origin="the own service account",
            key=_digest(host, authority),
            tls=_context(Access(server=host, authority=authority)),
            headers={"Authorization": f"Bearer {token}"},
            expires=self.clock() + 60,
        )

    def _read(self) -> tuple[str, str]:
        from kubernetes.client import Configuration  # noqa: PLC0415 - costs a quarter of a second, and only pods need it
        from kubernetes.config import ConfigException  # noqa: PLC0415
        from kubernetes.config.incluster_config import InClusterConfigLoader  # noqa: PLC0415

        found = Configuration()
        loader: Any = InClusterConfigLoader  # the package publishes no types
        try:
            loader(
                token_filename=str(self.directory / "token"),
                cert_filename=str(self.directory / "ca.crt"),
                try_refresh_token=False,
                environ=self.environ,
            ).load_and_set(found)
        except (ConfigException, OSError) as error:
            raise CredentialRefused(f"not inside a cluster: {error}", code="R530") from error
        return found.host, found.api_key["BearerToken"].split(None, 1)[1].strip()


def checked_reference(cluster: Cluster, namespace: str) -> SecretReference:
    """The Secret that the cluster names, where Git may name it at all."""
    if cluster.insecure_skip_tls_verification:
        raise CredentialRefused("Git asks to skip TLS verification", code="R534")
    reference = cluster.secret_ref
    if reference is None:
        raise CredentialRefused("the Cluster names no secretRef", code="R530")
    if reference.namespace != namespace:
        raise CredentialRefused(
            f"secretRef names namespace {reference.namespace or '(none)'}; Secrets are read in {namespace} alone",
            code="R531",
        )
    return reference


def access_of_secret(cluster: Cluster, secret: Body, *, allowed_commands: Collection[str] = ()) -> Access:
    """What the Secret says, after every rule of DESIGN §6. Pure. Raises CredentialRefused."""
    metadata = secret.get("metadata") or {}
    if (metadata.get("labels") or {}).get(CLUSTER) != cluster.name:
        raise CredentialRefused(
            f"Secret {metadata.get('name')} is not labelled {CLUSTER}={cluster.name}", code="R532"
        )
    found = _access_of_data(secret.get("data") or {})
    _check_plugin(found, allowed_commands)
    if found.auth_provider:
        raise CredentialRefused("auth-provider in a Secret's kubeconfig is not supported", code="R537")
    if cluster.api_endpoint and _endpoint(cluster.api_endpoint) != _endpoint(found.server):
        raise CredentialRefused(
            f"apiEndpoint {cluster.api_endpoint} is not the server that the Secret names", code="R533"
        )
    if cluster.proxy_url and _endpoint(cluster.proxy_url) != _endpoint(found.proxy):
        raise CredentialRefused("proxyURL is not the proxy that the Secret names", code="R533")
    if cluster.proxy_header and not found.proxy:
        raise CredentialRefused("proxyHeader is set, and the Secret names no proxy", code="R533")
    return found


async def connect(
    found: Access, *, origin: str, proxy_headers: Mapping[str, str] | None = None
) -> Connection:
    """The connection for what a kubeconfig or a Secret says; runs its plugin where it has one."""
    expires = None
    if found.plugin is not None:
        answer = await run_plugin(found.plugin)
        expires = None if answer.expires is None else answer.expires - _EARLY
        found = replace(
            found,
            token=answer.token or found.token,
            certificate=answer.certificate or found.certificate,
            key=answer.key or found.key,
        )
    headers = {}
    if found.token:
        headers["Authorization"] = f"Bearer {found.token}"
    elif found.username:
        pair = base64.b64encode(f"{found.username}:{found.password}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    # A plugin's token changes all the time and says nothing about the pool; a Secret's is part of the Secret.
    token = "" if found.plugin is not None else headers.get("Authorization", "")
    parts = (
        found.server,
        found.authority,
        found.certificate,
        found.key,
        found.proxy,
        found.server_name,
        token,
    )
    return Connection(
        server=found.server,
        origin=origin,
        key=_digest(*parts, str(found.insecure)),
        tls=_context(found) if found.server.startswith("https://") else None,
        headers=headers,
        server_name=found.server_name,
        proxy=found.proxy,
        proxy_headers=dict(proxy_headers or {}),
        expires=expires,
    )


def _present(secret: Body | None, reference: SecretReference) -> Body:
    if secret is None:
        raise CredentialRefused(f"there is no Secret {reference.namespace}/{reference.name}", code="R530")
    return secret


def _access_of_data(data: Mapping[str, Any]) -> Access:
    for key in _KUBECONFIG_KEYS:
        if data.get(key):
            return access(parse_kubeconfig(_value(data, key)))
    missing = [key for key in _TOKEN_KEYS if not data.get(key)]
    if missing:
        raise CredentialRefused(
            f"the Secret holds neither {' nor '.join(_KUBECONFIG_KEYS)}, and lacks {', '.join(missing)}",
            code="R530",
        )
    server = _value(data, "server").strip().rstrip("/")
    return Access(server=server, authority=_value(data, "caBundle"), token=_value(data, "token").strip())


def _value(data: Mapping[str, Any], key: str) -> str:
    try:
        return base64.b64decode(data[key], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, TypeError):
        raise CredentialRefused(f"the Secret's key {key} is not a text", code="R537") from None


def _check_plugin(found: Access, allowed_commands: Collection[str]) -> None:
    if found.plugin is not None and found.plugin.command not in allowed_commands:
        raise CredentialRefused(
            f"exec plugin {found.plugin.command} is not among the allowed commands", code="R536"
        )


def _endpoint(url: str) -> tuple[str, str, int, str]:
    try:
        parts = urlsplit(url if "//" in url else f"https://{url}")
        port = parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:
        return ("", url, 0, "")
    return (parts.scheme.lower(), (parts.hostname or "").lower().rstrip("."), port, parts.path.rstrip("/"))


def _context(found: Access) -> ssl.SSLContext:
    try:
        return tls_context(
            authority=found.authority, certificate=found.certificate, key=found.key, insecure=found.insecure
        )
    except (ssl.SSLError, ValueError):
        # Without `from`: what OpenSSL says of a key is not for a log.
        raise CredentialRefused(
            "the certificate authority or client certificate is not PEM", code="R537"
        ) from None


def _provider_token(paths: tuple[Path, ...], context: str) -> str:
    """The token of a legacy `auth-provider` section, which the official client knows how to renew."""
    from kubernetes.client import Configuration  # noqa: PLC0415 - slow to import, and hardly anybody has one
    from kubernetes.config import ConfigException, load_kube_config  # noqa: PLC0415

    found = Configuration()
    load: Any = load_kube_config  # the package publishes no types
    try:
        load(
            config_file=":".join(str(path) for path in paths),
            context=context or None,
            client_configuration=found,
            persist_config=False,
        )
    except (ConfigException, OSError) as error:
        raise CredentialRefused("the kubeconfig's auth-provider gave no token", code="R537") from error
    scheme, _, token = (found.api_key.get("BearerToken") or "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _digest(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()
