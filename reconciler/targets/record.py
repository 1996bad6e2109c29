"""Reads and writes our record in the member: the ApplySet's parent object.

Promises: every write carries the version that was read, so that a stale writer stops here, before it writes anything else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from reconciler.errors import FieldConflict, Outdated, Rejected
from reconciler.kube.resources import Resource
from reconciler.model.manifest import Body
from reconciler.model.plan import Parent
from reconciler.plan.inventory import PARENT_NAME, decode_parent, encode_parent
from reconciler.targets.site import Site

_CONFIG_MAPS: Final = Resource(group="", version="v1", kind="ConfigMap", plural="configmaps", namespaced=True)
_NAMESPACES: Final = Resource(group="", version="v1", kind="Namespace", plural="namespaces", namespaced=False)


async def read_parent(site: Site) -> Parent:
    """The record as it stands; an empty one where there is none yet."""
    body = await site.client.get(_CONFIG_MAPS, site.namespace, PARENT_NAME)
    return Parent() if body is None else decode_parent(body)


async def write_parent(site: Site, parent: Parent) -> Parent:
    """Write the record where it is still as it was read. Raises Outdated where it is not."""
    body = encode_parent(parent, site.namespace)
    try:
        if parent.resource_version:
            written = await site.client.put(
                _CONFIG_MAPS, site.namespace, PARENT_NAME, body, manager=site.manager
            )
        else:
            written = await _create(site, body)
    except (FieldConflict, Rejected) as error:
        if isinstance(error, Rejected) and error.status not in (404, 409):
            raise
        raise Outdated(
            f"ConfigMap {site.namespace}/{PARENT_NAME} was changed by another writer", cluster=site.cluster
        ) from error
    metadata = written["metadata"]
    return replace(parent, resource_version=metadata["resourceVersion"], uid=metadata["uid"])


async def confirm_parent(site: Site, parent: Parent) -> None:
    """Look whether the record is still the one that we wrote. Raises Outdated where it is not."""
    body = await site.client.get(_CONFIG_MAPS, site.namespace, PARENT_NAME, metadata_only=True)
    if body is None or body["metadata"]["resourceVersion"] != parent.resource_version:
        raise Outdated(
            f"ConfigMap {site.namespace}/{PARENT_NAME} was changed by another writer", cluster=site.cluster
        )


async def _create(site: Site, body: Body) -> Body:
    try:
        return await site.client.create(_CONFIG_MAPS, site.namespace, body, manager=site.manager)
    except Rejected as error:
        if error.missing[1:] != ("namespaces", site.namespace):
            raise
    namespace: Body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": site.namespace}}
    try:
        await site.client.create(_NAMESPACES, "", namespace, manager=site.manager)
    except Rejected as error:
        # Somebody else was faster; that it is there is all we want.
        if error.status != 409:
            raise
    return await site.client.create(_CONFIG_MAPS, site.namespace, body, manager=site.manager)
