"""What became of our objects in one cluster: reflected status, health and readiness of each.

One list a kind, of what carries our label. An object that should be there and is not is NotFound; a kind that cannot be
listed leaves its objects Unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.errors import ClusterError
from reconciler.interpreter.registry import Interpreters
from reconciler.interpreter.rules import InterpretationError
from reconciler.kube.client import Client
from reconciler.manifests.edit import get_in, set_in
from reconciler.model.identity import ObjectId, id_of_body
from reconciler.model.manifest import Body
from reconciler.model.marks import PART_OF
from reconciler.model.observation import Health, MemberStatus, Readiness

_GENERATION = ("metadata", "annotations", "resourcetemplate.karmada.io/generation")

ReadinessOf = Callable[[Body], tuple[Readiness, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpretation:
    """How objects are read: Karmada's rules, asked for at each collection (the fleet may declare some), and kstatus."""

    interpreters: Callable[[], Interpreters]
    readiness: ReadinessOf


async def collect_objects(
    client: Client,
    wanted: Iterable[ObjectId],
    *,
    part_of: str,
    failures: Mapping[ObjectId, str],
    interpretation: Interpretation,
) -> dict[ObjectId, MemberStatus]:
    """One entry for each wanted object. `failures` are the objects that could not be applied, with the server's words.

    Raises ClusterError when the server does not answer at all.
    """
    discovery = await client.discovery()
    by_kind: dict[tuple[str, str], list[ObjectId]] = {}
    for id_ in sorted(set(wanted)):
        by_kind.setdefault((id_.group, id_.kind), []).append(id_)
    # What was applied is served: its definition may have come with the same commit, after we asked last.
    if any(
        discovery.preferred(*kind) is None and not failures.keys() >= set(ids)
        for kind, ids in by_kind.items()
    ):
        discovery = await client.discovery(refresh=True)
    found: dict[ObjectId, MemberStatus] = {}
    for (group, kind), ids in sorted(by_kind.items()):
        resource = discovery.preferred(group, kind)
        live: dict[ObjectId, Body] | None = None
        if resource is not None and "list" in resource.verbs:
            try:
                listing = await client.list(resource, labels=f"{PART_OF}={part_of}")
                live = {id_of_body(item): item for item in listing.items}
            except ClusterError as error:
                if error.retryable:
                    raise
        # A declared rule runs a script for up to two seconds: not on the event loop.
        found |= await asyncio.to_thread(_members, client.cluster, ids, live, failures, interpretation)
    return found


def _members(
    cluster: str,
    ids: Sequence[ObjectId],
    live: Mapping[ObjectId, Body] | None,
    failures: Mapping[ObjectId, str],
    interpretation: Interpretation,
) -> dict[ObjectId, MemberStatus]:
    return {
        id_: _member(cluster, live is not None, (live or {}).get(id_), failures.get(id_, ""), interpretation)
        for id_ in ids
    }


def _member(
    cluster: str, listed: bool, body: Body | None, failure: str, interpretation: Interpretation
) -> MemberStatus:
    if body is None:
        return MemberStatus(
            cluster=cluster,
            applied_message=failure or ("not in the cluster" if listed else "cannot be read"),
            readiness=Readiness.NOT_FOUND if listed else Readiness.UNKNOWN,
        )
    readiness, message = interpretation.readiness(body)
    try:
        health = interpretation.interpreters().health(body)
        status = interpretation.interpreters().reflect(_with_generation(body))
    except InterpretationError:
        health, status = Health.UNKNOWN, None
    return MemberStatus(
        cluster=cluster,
        applied=not failure,
        applied_message=failure,
        # Karmada: what could not be applied says nothing of its health.
        health=Health.UNKNOWN if failure else health,
        readiness=readiness,
        message="" if readiness is Readiness.CURRENT else message,
        status=None if failure else status,
    )


def _with_generation(body: Body) -> Body:
    """Karmada compares a template's generation with the one that reached the member; a template in Git has none."""
    if get_in(body, _GENERATION) is not None:
        return body
    annotated: Any = set_in(
        body, ("metadata", "annotations"), get_in(body, ("metadata", "annotations")) or {}
    )
    result: Body = set_in(annotated, _GENERATION, "0")
    return result
