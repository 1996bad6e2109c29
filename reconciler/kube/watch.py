"""Follows objects by label: a list, then every change, over lost connections and expired versions.

Promises: whoever follows sees a consistent list first and again whenever changes may have been missed. Must not decide what
a change means.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import orjson

from reconciler.errors import ClusterError, Rejected, Unreachable
from reconciler.kube.client import Client
from reconciler.kube.errors import decoded, translate
from reconciler.kube.resources import Resource
from reconciler.model.manifest import Body

_METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_LARGEST: Final = 32 * 1024 * 1024


class EventType(StrEnum):
    """What happened. LISTED starts anew: what it does not hold is gone."""

    LISTED = "LISTED"
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: `objects` are all of a list, or the one that changed (its last state, where it was deleted)."""

    type: EventType
    objects: tuple[Body, ...] = field(repr=False)


async def follow(
    client: Client,
    resource: Resource,
    *,
    labels: str = "",
    version: str = "",
    metadata_only: bool = True,
    seconds: float = 300.0,
    dice: Callable[[], float] = random.random,
) -> AsyncIterator[Event]:
    """Every event of the resource's objects, for ever; one connection lasts about `seconds`.

    `version` is that of a list the caller already has; without one, or where it has expired, a list comes first.

    Raises ClusterError when the cluster does not answer or the kind is no longer served: the caller backs off.
    """
    while True:
        if not version:
            listing = await client.list(resource, labels=labels, metadata_only=metadata_only)
            version = listing.resource_version
            yield Event(type=EventType.LISTED, objects=listing.items)
        length = seconds * (0.8 + 0.4 * dice())
        try:
            async for type_, object_ in _changes(client, resource, labels, version, metadata_only, length):
                version = str((object_.get("metadata") or {}).get("resourceVersion") or version)
                if type_ != "BOOKMARK":
                    yield Event(type=EventType(type_), objects=(object_,))
        except Rejected as error:
            if error.status != 410:
                raise
            version = ""
        except Unreachable:
            # The list that follows says whether the cluster is away; an interrupted watch alone does not.
            version = ""
            await asyncio.sleep(dice())


async def _changes(
    client: Client, resource: Resource, labels: str, version: str, metadata_only: bool, seconds: float
) -> AsyncIterator[tuple[str, Body]]:
    query = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": version,
        "timeoutSeconds": str(int(seconds)),
    }
    if labels:
        query["labelSelector"] = labels
    accept = f"{_METADATA},application/json" if metadata_only else "application/json"
    async with client.stream(resource.path(), query=query, accept=accept, within=seconds + 30) as content:
        rest = b""
        async for piece in content.iter_any():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if line:
                    yield _event(decoded(line), resource, client.cluster)
            if len(rest) > _LARGEST:
                raise ClusterError("one watch event is larger than 32 MiB", cluster=client.cluster)


def _event(row: dict[str, Any], resource: Resource, cluster: str) -> tuple[str, Body]:
    object_: Body = row["object"]
    if row["type"] == "ERROR":
        raise translate(int(object_.get("code") or 500), orjson.dumps(object_), cluster=cluster)
    object_["apiVersion"], object_["kind"] = resource.api_version, resource.kind
    return row["type"], object_
