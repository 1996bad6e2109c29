"""Reads what a cluster serves: two requests where the server aggregates discovery, one a group version where it does not.

Promises: one dead aggregated API does not hide the others; it is reported as stale.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

from reconciler.errors import ClusterError, Unauthorized, Unreachable
from reconciler.kube.errors import decoded
from reconciler.kube.resources import Discovery, Resource

_AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
_ACCEPT: Final = f"{_AGGREGATED.format('v2')},{_AGGREGATED.format('v2beta1')},application/json"

Get = Callable[[str, str], Awaitable[bytes]]
"""`get(path, accept)`: the answer's body; raises ClusterError."""


async def discover(get: Get) -> Discovery:
    """Everything that the server behind `get` serves."""
    core, groups = await asyncio.gather(get("/api", _ACCEPT), get("/apis", _ACCEPT))
    resources: list[Resource] = []
    stale: list[str] = []
    for document in (decoded(core), decoded(groups)):
        if document.get("kind") == "APIGroupDiscoveryList":
            for version, rows in _aggregated(document):
                if rows is None:
                    stale.append(version)
                else:
                    resources.extend(rows)
        else:
            found, failed = await _one_by_one(get, document)
            resources.extend(found)
            stale.extend(failed)
    return Discovery(tuple(resources), tuple(sorted(set(stale))))


def _aggregated(document: Mapping[str, Any]) -> Iterator[tuple[str, list[Resource] | None]]:
    for item in document.get("items") or ():
        group = (item.get("metadata") or {}).get("name") or ""
        for version in item.get("versions") or ():
            name = version["version"]
            label = f"{group}/{name}" if group else name
            rows = [
                _resource(group, name, row)
                for row in version.get("resources") or ()
                if row.get("responseKind")
            ]
            if version.get("freshness") == "Stale":
                yield label, None
                # What the server last knew still tells paths and scope.
            yield label, rows


def _resource(group: str, version: str, row: Mapping[str, Any]) -> Resource:
    kind = row["responseKind"]
    return Resource(
        group=kind.get("group") or group,
        version=kind.get("version") or version,
        kind=kind.get("kind") or "",
        plural=row["resource"],
        namespaced=row.get("scope") == "Namespaced",
        verbs=frozenset(row.get("verbs") or ()),
    )


async def _one_by_one(get: Get, document: Mapping[str, Any]) -> tuple[list[Resource], list[str]]:
    if "versions" in document:
        paths = [(f"/api/{version}", version) for version in document["versions"]]
    else:
        paths = [(f"/apis/{name}", name) for name in _versions(document)]
    answers = await asyncio.gather(*(_listed(get, path) for path, _ in paths))
    resources: list[Resource] = []
    stale = []
    for (_, name), answer in zip(paths, answers, strict=True):
        if answer is None:
            stale.append(name)
        else:
            resources.extend(_listed_resources(name, answer))
    return resources, stale


def _versions(document: Mapping[str, Any]) -> Iterator[str]:
    for group in document.get("groups") or ():
        preferred = (group.get("preferredVersion") or {}).get("groupVersion")
        names = [version["groupVersion"] for version in group.get("versions") or ()]
        yield from sorted(names, key=lambda name: (name != preferred, names.index(name)))


async def _listed(get: Get, path: str) -> Mapping[str, Any] | None:
    try:
        data = await get(path, "application/json")
    except (Unreachable, Unauthorized):
        raise
    except ClusterError:
        return None
    try:
        return decoded(data)
    except Unreachable:
        # One group's server speaks of something else; the API server in front of it has answered.
        return None


def _listed_resources(group_version: str, answer: Mapping[str, Any]) -> Iterator[Resource]:
    group, _, version = group_version.rpartition("/")
    for row in answer.get("resources") or ():
        if "/" not in row["name"]:
            yield Resource(
                group=row.get("group") or group,
                version=row.get("version") or version,
                kind=row["kind"],
                plural=row["name"],
                namespaced=bool(row.get("namespaced")),
                verbs=frozenset(row.get("verbs") or ()),
            )
