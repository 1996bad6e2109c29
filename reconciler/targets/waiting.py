"""Waits for what a server does by itself: CRDs established, namespaces active, objects ready, objects gone.

Promises: every wait is bounded, polls gently, and says at its end what is still missing. Must not write.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from reconciler.errors import ClusterError
from reconciler.kube.resources import Discovery
from reconciler.model.identity import ObjectId, id_of_body
from reconciler.model.manifest import Body
from reconciler.model.marks import PART_OF
from reconciler.model.observation import Readiness
from reconciler.targets.refusals import concerns_all
from reconciler.targets.site import Site
from reconciler.targets.together import all_or_first_error

_FEW: Final = 4
_FIRST, _LONGEST = 0.02, 1.0
_SETTLED: Final = (Readiness.CURRENT, Readiness.UNKNOWN)


async def until_established(site: Site, definitions: Mapping[ObjectId, Body]) -> tuple[ObjectId, ...]:
    """Wait until the server serves every version of these CRDs; those that it does not in time.

    Discovery shows a CRD only once it is established, and says it of all of them in two requests.
    """
    wanted = {id_: frozenset(_served(body)) for id_, body in definitions.items()}
    return await _poll(site, tuple(definitions), lambda rest: _not_discovered(site, rest, wanted))


async def until_active(site: Site, namespaces: Sequence[ObjectId]) -> tuple[ObjectId, ...]:
    """Wait until the namespaces take objects; those that do not in time."""
    return await _poll(site, namespaces, lambda rest: _not_active(site, rest))


async def until_ready(site: Site, ids: Sequence[ObjectId], deadline: datetime) -> dict[ObjectId, str]:
    """Wait until the objects are ready (kstatus) or `deadline` has passed; what is not, with the reason."""
    reasons: dict[ObjectId, str] = {}
    rest, pause = tuple(ids), _FIRST
    while rest:
        live = await bodies(site, rest)
        reasons = {}
        for id_ in rest:
            state, reason = (
                site.questions.readiness(live[id_]) if id_ in live else (Readiness.NOT_FOUND, "is not there")
            )
            if state not in _SETTLED:
                reasons[id_] = reason or str(state.value)
        rest = tuple(reasons)
        if not rest or site.now() >= deadline or site.questions.preempted() or site.questions.stopped():
            break
        await site.sleep(pause)
        pause = min(pause * 2, _LONGEST)
    return reasons


async def until_gone(site: Site, uids: Mapping[ObjectId, str], seconds: float) -> tuple[ObjectId, ...]:
    """Wait until the objects with exactly these uids are gone; those that are still there."""
    return await _poll(site, tuple(uids), lambda rest: _still_there(site, rest, uids), seconds=seconds)


async def bodies(site: Site, ids: Sequence[ObjectId], *, metadata_only: bool = False) -> dict[ObjectId, Body]:
    """The live bodies of objects of ours: one by one where they are few of a kind, one list where they are many."""
    discovery = await site.client.discovery()
    by_kind: dict[tuple[str, str], list[ObjectId]] = {}
    for id_ in ids:
        by_kind.setdefault((id_.group, id_.kind), []).append(id_)
    reads = [
        _one(site, id_, discovery, metadata_only)
        for few in by_kind.values()
        if len(few) <= _FEW
        for id_ in few
    ]
    reads += [_all(site, many, discovery, metadata_only) for many in by_kind.values() if len(many) > _FEW]
    found: dict[ObjectId, Body] = {}
    for part in await all_or_first_error(reads):
        found.update(part)
    return found


async def _one(site: Site, id_: ObjectId, discovery: Discovery, metadata_only: bool) -> dict[ObjectId, Body]:
    resource = discovery.of(id_)
    if resource is None:
        return {}
    body = await site.client.get(resource, id_.namespace, id_.name, metadata_only=metadata_only)
    return {} if body is None else {id_: body}


async def _all(
    site: Site,
    ids: Sequence[ObjectId],
    discovery: Discovery,
    metadata_only: bool,
) -> dict[ObjectId, Body]:
    resource, wanted = discovery.of(ids[0]), frozenset(ids)
    if resource is None:
        return {}
    listing = await site.client.list(
        resource, labels=f"{PART_OF}={site.part_of}", metadata_only=metadata_only
    )
    return {id_: body for body in listing.items if (id_ := id_of_body(body)) in wanted}


async def _poll(
    site: Site,
    ids: Iterable[ObjectId],
    look: Callable[[Sequence[ObjectId]], Awaitable[Iterable[ObjectId]]],
    *,
    seconds: float = 0.0,
) -> tuple[ObjectId, ...]:
    rest = tuple(ids)
    pauses = _pauses(seconds or site.settle_timeout)
    while rest:
        try:
            rest = tuple(await look(rest))
        except ClusterError as error:
            # A server that has just got a new API stumbles for a moment.
            if concerns_all(error):
                raise
        pause = next(pauses, None)
        if not rest or pause is None:
            break
        await site.sleep(pause)
    return rest


def _pauses(seconds: float) -> Iterator[float]:
    # Time waited, not time passed: so that a test's sleep is the only clock.
    pause, waited = _FIRST, 0.0
    while waited < seconds:
        yield pause
        waited += pause
        pause = min(pause * 2, _LONGEST)


async def _not_discovered(
    site: Site, ids: Sequence[ObjectId], wanted: Mapping[ObjectId, frozenset[tuple[str, str]]]
) -> Iterable[ObjectId]:
    discovery = await site.client.discovery(refresh=True)
    served = {(resource.api_version, resource.kind) for resource in discovery.resources}
    return [id_ for id_ in ids if not wanted[id_] <= served]


def _served(definition: Body) -> Iterator[tuple[str, str]]:
    spec = definition.get("spec") or {}
    kind = (spec.get("names") or {}).get("kind") or ""
    for version in spec.get("versions") or ():
        if version.get("served"):
            yield f"{spec.get('group')}/{version.get('name')}", kind


async def _not_active(site: Site, ids: Sequence[ObjectId]) -> Iterable[ObjectId]:
    live = await bodies(site, ids)
    return [id_ for id_ in ids if ((live.get(id_) or {}).get("status") or {}).get("phase") != "Active"]


async def _still_there(
    site: Site, ids: Sequence[ObjectId], uids: Mapping[ObjectId, str]
) -> Iterable[ObjectId]:
    live = await bodies(site, ids, metadata_only=True)
    return [id_ for id_ in ids if id_ in live and live[id_]["metadata"].get("uid") == uids[id_]]
