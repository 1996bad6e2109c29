"""Facts of one cluster, asked of its own API server (spec rendering-and-status §6.7).

The same for push clusters, asked by the reconciler, and for pull clusters, asked by their agent. A cluster that does not
answer is a fact too: Ready False, and everything else as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from reconciler.errors import ClusterError
from reconciler.kube.client import Client
from reconciler.kube.resources import Discovery
from reconciler.model.cluster import ClusterStatus, Condition, ResourceModel
from reconciler.model.manifest import Body
from reconciler.observe.capacity import node_summary, resource_summary

FLIP_AFTER: Final = timedelta(seconds=30)
"""A change of Ready is published once it has lasted this long (Karmada's success and failure thresholds)."""
_PROBE_SECONDS: Final = 5.0


@dataclass(slots=True)
class ReadyGate:
    """Holds a flip of the Ready condition back until it has lasted; the first observation counts at once."""

    after: timedelta = FLIP_AFTER
    _published: dict[str, str] = field(default_factory=dict)
    _pending: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def published(self, cluster: str, seen: Condition, now: datetime) -> bool:
        """Whether the condition that was just seen may be told now."""
        told = self._published.get(cluster)
        if told is None or told == seen.status:
            self._published[cluster] = seen.status
            self._pending.pop(cluster, None)
            return True
        status, since = self._pending.get(cluster, ("", now))
        if status != seen.status:
            self._pending[cluster] = (seen.status, now)
            since = now
        if now - since < self.after:
            return False
        self._published[cluster] = seen.status
        del self._pending[cluster]
        return True

    def remember(self, cluster: str, status: str) -> None:
        """What an earlier process told, read back from the status branch."""
        self._published.setdefault(cluster, status)


async def probe(client: Client, now: datetime) -> Condition:
    """The Ready condition: `/readyz`, on 404 `/healthz`."""
    try:
        answer = await client.raw("/readyz", within=_PROBE_SECONDS)
        if answer.status == 404:
            answer = await client.raw("/healthz", within=_PROBE_SECONDS)
    except ClusterError as error:
        return _ready("False", "ClusterNotReachable", f"cluster is not reachable: {error}", now)
    if answer.status == 200:
        return _ready("True", "ClusterReady", "cluster is healthy and ready to accept workloads", now)
    return _ready(
        "False", "ClusterNotReady", "cluster is reachable but health endpoint responded without ok", now
    )


async def collect_cluster(
    client: Client, models: Sequence[ResourceModel], previous: ClusterStatus, now: datetime
) -> tuple[ClusterStatus, dict[tuple[str, str], bool]]:
    """Everything that is collected of a ready cluster: its status without the Ready condition, and custom kinds' scopes.

    What this credential may not read (nodes, pods) stays as it was. Raises ClusterError when the server does not answer.
    """
    discovery = await client.discovery(refresh=True)
    version = await client.version()
    status = replace(
        previous,
        kubernetes_version=version,
        api_enablements=discovery.api_resources(),
        conditions=(_enablements(discovery, now),),
    )
    nodes = await _all(client, discovery, "Node")
    if nodes is not None:
        status = replace(status, node_summary=node_summary(nodes))
        pods = await _all(client, discovery, "Pod")
        if pods is not None:
            status = replace(status, resource_summary=resource_summary(nodes, pods, models))
    scopes = {
        (resource.group, resource.kind): resource.namespaced
        for resource in discovery.resources
        if "." in resource.group and not resource.group.endswith(".k8s.io")
    }
    return status, scopes


async def _all(client: Client, discovery: Discovery, kind: str) -> tuple[Body, ...] | None:
    resource = discovery.find("v1", kind)
    if resource is None:
        return None
    try:
        return (await client.list(resource)).items
    except ClusterError as error:
        if error.retryable:
            raise
        return None


def _enablements(discovery: Discovery, now: datetime) -> Condition:
    if not discovery.resources:
        row = ("False", "Empty", "collected empty APIEnablements from the cluster")
    elif discovery.stale:
        row = ("False", "Partial", f"these groups did not answer: {', '.join(discovery.stale[:5])}")
    else:
        row = ("True", "Complete", "collected complete APIEnablements")
    return Condition(
        type="CompleteAPIEnablements", status=row[0], reason=row[1], message=row[2], last_transition_time=now
    )


def _ready(status: str, reason: str, message: str, now: datetime) -> Condition:
    return Condition(type="Ready", status=status, reason=reason, message=message, last_transition_time=now)
