"""From a Cluster to the way in: whose credential counts, and a client that uses it.

Must not connect: a client connects when it is first asked, so that a refused credential is that cluster's trouble alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.errors import CredentialRefused
from reconciler.kube.client import Client, Limits
from reconciler.kube.connection import Connection, Source
from reconciler.kube.credentials import KubeconfigSource, ReadSecret, SecretSource
from reconciler.kube.resources import Resource
from reconciler.model.cluster import Cluster, SecretReference
from reconciler.model.manifest import Body

_SECRETS: Final = Resource(group="", version="v1", kind="Secret", plural="secrets", namespaced=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How clusters may be reached. `contexts` maps a cluster to a kubeconfig context; its own name otherwise.

    `read_secret` is None outside a cluster. `allowed_commands` None lets a kubeconfig run every plugin, which only the
    command line may; a Secret's plugin must be named in any case.
    """

    kubeconfigs: tuple[Path, ...] = ()
    contexts: Mapping[str, str] = field(default_factory=dict)
    read_secret: ReadSecret | None = None
    namespace: str = "fleet-reconciler"
    allowed_commands: Collection[str] | None = None


def source_for(cluster: Cluster, ways: Ways) -> Source:
    """Where this cluster's credential comes from: a context named for it, its Secret, or the context of its name."""
    context = ways.contexts.get(cluster.name)
    if context is None and cluster.secret_ref is not None and ways.read_secret is not None:
        return SecretSource(
            cluster=cluster,
            namespace=ways.namespace,
            read=ways.read_secret,
            allowed_commands=ways.allowed_commands or (),
        )
    if ways.kubeconfigs:
        return KubeconfigSource(
            paths=ways.kubeconfigs, context=context or cluster.name, allowed_commands=ways.allowed_commands
        )
    said = (
        "names no secretRef"
        if cluster.secret_ref is None
        else "names a Secret, and there is no cluster to read it from"
    )
    return _Refused(
        CredentialRefused(f"cluster {cluster.name} {said}, and no kubeconfig is given", code="R530")
    )


def client_for(cluster: Cluster, ways: Ways, limits: Limits | None = None) -> Client:
    """A client of its own pool for this cluster. Nothing is read before the first request."""
    return Client(source_for(cluster, ways), cluster=cluster.name, limits=limits)


def secret_reader(hub: Client) -> ReadSecret:
    """Reads Secrets through the client of the reconciler's own cluster."""

    async def read(reference: SecretReference) -> Body | None:
        return await hub.get(_SECRETS, reference.namespace, reference.name)

    return read


@dataclass(frozen=True, slots=True)
class _Refused:
    """A source that can only say why there is none: found out when the cluster is asked, not when the fleet is read."""

    error: CredentialRefused

    async def load(self) -> Connection:
        raise self.error
