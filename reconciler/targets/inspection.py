"""Looks at one cluster: the record, what is ours, and a server dry-run of every object that may differ.

Promises: writes nothing (a dry-run is not stored), decides nothing. A group whose server does not answer is unreadable,
never empty.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.errors import ClusterError, FieldConflict, Forbidden, Outdated, Rejected, Throttled
from reconciler.interpreter.rules import InterpretationError
from reconciler.kube.errors import is_dry_run_unsupported
from reconciler.kube.resources import Discovery, Resource
from reconciler.model.identity import ObjectId, group_of
from reconciler.model.manifest import Body
from reconciler.model.marks import PART_OF
from reconciler.model.plan import Action, Desired, DesiredObject, Live, LiveObject, Parent, Refusal, Trial
from reconciler.plan.changes import IMMUTABLE, change_of, drift, recreates
from reconciler.plan.inventory import inventory, kinds_to_read, live_object
from reconciler.plan.order import CRD
from reconciler.plan.payload import retained, sendable
from reconciler.targets.record import read_parent
from reconciler.targets.refusals import concerns_all, missing_object, refusal_of
from reconciler.targets.site import Site, Tree
from reconciler.targets.table import Table
from reconciler.targets.together import all_or_first_error

_LOOKS = 4
_BREATH = 50
_NEVER_OURS = frozenset({"Event", "Event.events.k8s.io", "Lease.coordination.k8s.io"})
"""Plenty on every cluster, and nobody delivers them; where somebody does, the tree names the kind."""
_FORBIDDEN, _STALE = "forbidden", "stale"
_NO_DRY_RUN = "is written without a dry-run: an admission webhook takes none"


@dataclass(slots=True, kw_only=True)
class Inspector:
    """The reading half of a push target. Shares the table with the writing half."""

    site: Site
    table: Table
    _gate: asyncio.Semaphore = field(init=False)
    _defined: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._gate = asyncio.Semaphore(self.site.concurrency)

    async def everything(self, desired: Desired, *, refresh: bool) -> Live:
        """The whole cluster: record, inventory, and a dry-run of all that is not proven unchanged."""
        site = self.site
        parent, discovery = await asyncio.gather(read_parent(site), site.client.discovery(refresh=refresh))
        await self._refuse_stale(desired, parent)
        trees = await self._trees(parent)
        needed = kinds_to_read(desired, parent, trees)
        swept = self._swept(parent, discovery)
        found, unreadable = await self._labelled(sorted({*needed, *swept}), desired, discovery)
        # A kind that was only swept and that we may not list is one that we cannot have written either.
        unreadable = {kind: why for kind, why in unreadable.items() if kind in needed or why != _FORBIDDEN}
        ours = inventory(found.values(), parent, trees)
        self.table.record_seen(ours)
        known = {
            id_
            for id_, object_ in desired.objects.items()
            if id_ in found and not found[id_].deleting and self.table.proves(found[id_], object_.digest)
        }
        examined = [object_ for id_, object_ in desired.objects.items() if id_ not in known]
        return Live(
            cluster=site.cluster,
            trials=await self.trials(examined, desired, found),
            known=frozenset(known),
            stood=self._stood(examined),
            inventory=ours,
            unreadable=frozenset(unreadable),
            parent=parent,
        )

    async def changed(self, desired: Desired, parent: Parent) -> Live:
        """Only what is wanted differently than at the last pass, and what is no longer wanted at all."""
        await self._refuse_stale(desired, parent)
        examined, ours = self.table.compare(desired.objects)
        gone = self.table.gone(desired.objects) if ours < len(self.table) else []
        trials = await self.trials(examined, desired, self._seen(examined))
        leaving = {}
        for before, now in zip(gone, await all_or_first_error(map(self._as_it_is, gone)), strict=True):
            if now is None or not now.owned:
                # Gone, or somebody took the label off: it is no longer ours to delete.
                self.table.forget(before.id)
            else:
                leaving[before.id] = now
        return Live(
            cluster=self.site.cluster,
            trials=trials,
            rest_known=True,
            stood=self._stood(examined),
            inventory=leaving,
            owned=len(self.table),
            parent=parent,
        )

    async def some(self, desired: Desired, ids: Iterable[ObjectId], parent: Parent) -> Live:
        """These objects alone, whatever the table says of them: somebody has written to them."""
        asked = [desired.objects[id_] for id_ in ids if id_ in desired.objects]
        trials = await self.trials(asked, desired, self._seen(asked))
        return Live(
            cluster=self.site.cluster,
            trials=trials,
            owned=len(self.table),
            stood=self._stood(asked),
            parent=parent,
            partial=True,
        )

    def _stood(self, objects: Iterable[DesiredObject]) -> frozenset[ObjectId]:
        return frozenset(o.id for o in objects if self.table.was_applied(o.id, o.digest))

    def _seen(self, objects: Iterable[DesiredObject]) -> dict[ObjectId, LiveObject]:
        return {o.id: live for o in objects if (live := self.table.seen(o.id)) is not None}

    async def trials(
        self, objects: Sequence[DesiredObject], desired: Desired, found: Mapping[ObjectId, LiveObject]
    ) -> dict[ObjectId, Trial]:
        """The dry-run of each object. `found` is what is known to be ours."""
        wanted = [object_ for object_ in objects if object_.id not in desired.suspended]
        payloads: dict[ObjectId, Body] = {}
        for object_ in wanted:
            payloads[object_.id] = sendable(self._body(object_), self.site.part_of)
            if len(payloads) % _BREATH == 0:
                # Parsing thousands of objects must not make the other clusters wait.
                await asyncio.sleep(0)
        discovery = await self._discovery_for(payloads.values())
        made: dict[ObjectId, Trial] = {}

        async def make(id_: ObjectId, payload: Body) -> None:
            made[id_] = await self.trial(id_, payload, found.get(id_), desired, discovery)

        try:
            await all_or_first_error(make(id_, payload) for id_, payload in payloads.items())
        except ClusterError:
            self._keep_proven(made, desired)
            raise
        return {id_: made[id_] for id_ in payloads}

    def _keep_proven(self, made: Mapping[ObjectId, Trial], desired: Desired) -> None:
        """Remember what was proven unchanged: a server too slow for all of it gets further with each look."""
        for id_, trial in made.items():
            change = change_of(id_, desired.objects[id_].digest, trial, self.site.manager)
            if change.action is Action.UNCHANGED and trial.before is not None:
                self.table.record(trial.before, change.digest, id_)

    async def trial(
        self,
        id_: ObjectId,
        payload: Body,
        known: LiveObject | None,
        desired: Desired,
        discovery: Discovery,
    ) -> Trial:
        """One object's dry-run. Raises ClusterError where the error is the whole cluster's."""
        resource = discovery.find(str(payload.get("apiVersion") or ""), id_.kind)
        if resource is None:
            return self._unserved(id_, payload, desired, discovery)
        async with self._gate:
            try:
                return await self._trial(id_, payload, known, resource)
            except InterpretationError as error:
                message = f"{id_}: what the member keeps of it cannot be told: {error}"
                return Trial(payload=payload, before=known, refusal=Refusal(code="R502", message=message))
            except ClusterError as error:
                if concerns_all(error):
                    raise
                return await self._refused(id_, payload, resource, error, desired, discovery)

    async def _trial(
        self, id_: ObjectId, payload: Body, known: LiveObject | None, resource: Resource
    ) -> Trial:
        site = self.site
        before, wanted = known, payload
        if before is not None and (before.body is None or before.api_version != resource.api_version):
            # Lists come in the version that the server prefers; only bodies of one version can be compared.
            before = await self._read(id_, resource)
        for _ in range(_LOOKS):
            if before is not None and before.deleting:
                break
            if before is not None:
                payload = await self._retained(wanted, before.body or {})
            after, is_new = await site.client.apply(
                resource, id_.namespace, id_.name, payload, manager=site.manager, dry_run=True
            )
            if is_new:
                return Trial(payload=wanted, after=after)
            if before is not None and before.resource_version == after["metadata"].get("resourceVersion"):
                return Trial(payload=payload, before=before, after=after)
            # Somebody wrote in between (or it was not known to be there): only like may be compared with like.
            now = await self._read(id_, resource)
            if before is not None and now is not None and self._reports_only(before, now):
                return Trial(payload=payload, before=before, after=after)
            before = now
        if before is not None and before.deleting:
            return Trial(payload=wanted, before=before)
        raise FieldConflict("the object keeps changing under our hands", cluster=site.cluster)

    def _reports_only(self, before: LiveObject, now: LiveObject) -> bool:
        """Whether all that was written between two looks is the object's status: its controller does so all the time."""
        same = before.uid == now.uid and not now.deleting
        return same and not drift(before.body or {}, now.body or {}, self.site.manager)

    async def _retained(self, payload: Body, live: Body) -> Body:
        questions, manager = self.site.questions, self.site.manager
        if questions.takes_time(payload):
            return await asyncio.to_thread(retained, payload, live, questions.retain, manager)
        return retained(payload, live, questions.retain, manager)

    async def _refused(
        self,
        id_: ObjectId,
        payload: Body,
        resource: Resource,
        error: ClusterError,
        desired: Desired,
        discovery: Discovery,
    ) -> Trial:
        cure = missing_object(error, payload, id_.namespace, discovery)
        if cure is not None and cure in desired.objects and cure != id_:
            return Trial(payload=payload, deferred=f"is tried once {cure} is there")
        refusal: Refusal | None = refusal_of(id_, error)
        deferred = ""
        if is_dry_run_unsupported(error):
            refusal, deferred = None, _NO_DRY_RUN
        try:
            # A refusal says nothing of whose the object is, and somebody else's is a conflict first of all.
            before = await self._read(id_, resource)
        except ClusterError as unread:
            if concerns_all(unread):
                raise
            before = None
        if before is not None and refusal is not None and refusal.code == IMMUTABLE and recreates(payload):
            refusal = await self._if_made_anew(id_, payload, resource) or refusal
        if deferred and before is not None:
            payload = await self._retained(payload, before.body or {})
        return Trial(payload=payload, before=before, refusal=refusal, deferred=deferred)

    async def _if_made_anew(self, id_: ObjectId, payload: Body, resource: Resource) -> Refusal | None:
        """What the server would say to the object once the old one is gone: asked before that is deleted."""
        probe = {**payload, "metadata": {**payload["metadata"], "name": f"{id_.name[:40]}-fleet-probe"}}
        try:
            await self.site.client.apply(
                resource,
                id_.namespace,
                probe["metadata"]["name"],
                probe,
                manager=self.site.manager,
                dry_run=True,
            )
        except ClusterError as error:
            if concerns_all(error):
                raise
            said = refusal_of(id_, error)
            # A name that only this object may have (a CRD's), or room that the old one still takes, says nothing.
            named = bool(said.fields) and all(field.startswith("metadata.name") for field in said.fields)
            taken = any(words in said.message for words in ("exceeded quota", "already allocated"))
            return None if named or taken else said
        return None

    def _unserved(self, id_: ObjectId, payload: Body, desired: Desired, discovery: Discovery) -> Trial:
        definition = next(
            (other for other in self._definitions(desired) if self._defines(desired, other, id_)), None
        )
        if definition is not None:
            return Trial(payload=payload, deferred=f"is tried once {definition} is there")
        version = str(payload.get("apiVersion") or "")
        if discovery.is_stale(group_of(version)):
            message = f"{id_}: the server behind {version} does not answer"
            return Trial(payload=payload, refusal=Refusal(code="R508", message=message, transient=True))
        served = sorted(
            {r.api_version for r in discovery.resources if (r.group, r.kind) == (id_.group, id_.kind)}
        )
        hint = f"; it serves {', '.join(served)}" if served else ""
        message = f"{id_}: the cluster does not serve {version}{hint}"
        return Trial(payload=payload, refusal=Refusal(code="R508", message=message, status=404))

    def _definitions(self, desired: Desired) -> Iterable[ObjectId]:
        return (id_ for id_ in desired.objects if id_.kind_group == CRD)

    def _defines(self, desired: Desired, definition: ObjectId, id_: ObjectId) -> bool:
        if definition.name.partition(".")[2] != id_.group:
            return False
        object_ = desired.objects[definition]
        if object_.digest not in self._defined:
            # Once a content: every custom resource asks every definition of its group, and those are large.
            spec = self._body(object_).get("spec") or {}
            self._defined[object_.digest] = str((spec.get("names") or {}).get("kind") or "")
        return self._defined[object_.digest] == id_.kind

    async def _discovery_for(self, payloads: Iterable[Body]) -> Discovery:
        client = self.site.client
        discovery = await client.discovery()
        wanted = {(str(body.get("apiVersion") or ""), str(body.get("kind") or "")) for body in payloads}
        if all(discovery.find(version, kind) for version, kind in wanted):
            return discovery
        return await client.discovery(refresh=True)

    async def _read(self, id_: ObjectId, resource: Resource) -> LiveObject | None:
        body = await self.site.client.get(resource, id_.namespace, id_.name)
        return None if body is None else self._live(body)

    async def _as_it_is(self, known: LiveObject) -> LiveObject | None:
        discovery = await self.site.client.discovery()
        resource = discovery.of(known.id)
        if resource is None:
            return None if not discovery.is_stale(known.id.group) else known
        async with self._gate:
            body = await self.site.client.get(resource, known.id.namespace, known.id.name, metadata_only=True)
        return None if body is None else self._live(body, complete=False)

    def _live(self, body: Body, *, complete: bool = True) -> LiveObject:
        return live_object(body, part_of=self.site.part_of, manager=self.site.manager, complete=complete)

    def _body(self, object_: DesiredObject) -> Body:
        return object_.body if object_.body is not None else self.site.questions.parse(object_.data)

    async def _refuse_stale(self, desired: Desired, parent: Parent) -> None:
        if parent.commit in ("", desired.commit) or await self.site.questions.supersedes(
            desired.commit, parent.commit
        ):
            return
        raise Outdated(
            f"commit {parent.commit[:12]} is applied, and {desired.commit[:12]} does not follow it",
            cluster=self.site.cluster,
        )

    async def _trees(self, parent: Parent) -> dict[str, Tree | None]:
        commits = [applied.commit for applied in parent.commits]
        found = await asyncio.gather(*map(self.site.questions.tree, commits))
        return dict(zip(commits, found, strict=True))

    def _swept(self, parent: Parent, discovery: Discovery) -> set[str]:
        """Where nobody says what we ever applied here, every kind may hold something of ours."""
        if parent.commits and not parent.overflowed:
            return set()
        return {resource.kind_group for resource in discovery.listable()} - _NEVER_OURS

    async def _labelled(
        self, kinds: Sequence[str], desired: Desired, discovery: Discovery
    ) -> tuple[dict[ObjectId, LiveObject], dict[str, str]]:
        fresh = {
            id_.kind_group
            for id_, object_ in desired.objects.items()
            if not self.table.has(id_, object_.digest)
        }
        lists = await all_or_first_error(
            self._list(kind, discovery, complete=kind in fresh) for kind in kinds
        )
        found: dict[ObjectId, LiveObject] = {}
        unreadable: dict[str, str] = {}
        for kind, objects in zip(kinds, lists, strict=True):
            if isinstance(objects, str):
                unreadable[kind] = objects
                continue
            for live in objects:
                found[live.id] = live
        return found, unreadable

    async def _list(self, kind_group: str, discovery: Discovery, *, complete: bool) -> list[LiveObject] | str:
        """All of one kind that carry our label, or why they cannot be listed."""
        kind, _, group = kind_group.partition(".")
        resource = discovery.preferred(group, kind)
        if resource is None:
            return _STALE if discovery.is_stale(group) else []
        labels = f"{PART_OF}={self.site.part_of}"
        found: list[LiveObject] = []
        async with self._gate:
            for last in (False, True):
                found.clear()
                try:
                    async for page in self.site.client.pages(
                        resource, labels=labels, metadata_only=not complete
                    ):
                        found.extend(self._live(item, complete=complete) for item in page.items)
                    break
                except Forbidden:
                    return _FORBIDDEN
                except Throttled:
                    return _STALE
                except Rejected as error:
                    if error.status == 404:
                        # The path itself is gone: its CRD was removed since discovery.
                        return []
                    if error.status != 410 or last:
                        return _STALE
                    # The list took longer than the server remembers its version: once more from the beginning.
        return found
