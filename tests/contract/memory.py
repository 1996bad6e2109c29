"""A target in memory: a cluster as a dict, for tests of whoever drives targets. Held to the same contract as the real one.

What it makes of a server: an apply replaces what we applied before and keeps what others own; a dry-run is the same,
thrown away. Neither admission nor defaulting.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import yaml

from reconciler.errors import Outdated
from reconciler.model.identity import ObjectId, id_of_body
from reconciler.model.plan import Action, Desired, Live, LiveObject, Outcome, Parent, Plan, Trial
from reconciler.plan.inventory import apply_set_id, inventory, live_object, same_record
from reconciler.plan.payload import sendable

Body = dict[str, Any]
MANAGER = "fleet-reconciler"
PART_OF_VALUE = apply_set_id("fleet-reconciler")


@dataclass
class MemoryCluster:
    """The objects of one cluster, and how often each was written."""

    name: str = "memory"
    objects: dict[ObjectId, Body] = field(default_factory=dict)
    record: Parent = field(default_factory=Parent)
    writes: list[tuple[str, ObjectId]] = field(default_factory=list)
    _versions: Any = field(default_factory=lambda: itertools.count(1))

    def put(self, body: Body) -> None:
        """Somebody else makes an object."""
        id_ = id_of_body(body)
        metadata = {
            "uid": f"uid-{next(self._versions)}",
            **body["metadata"],
            "resourceVersion": self.version(),
        }
        self.objects[id_] = {**body, "metadata": metadata}

    def edit(self, id_: ObjectId, **changes: Any) -> None:
        """Somebody else changes an object."""
        before = self.objects[id_]
        metadata = {**before["metadata"], **changes.pop("metadata", {}), "resourceVersion": self.version()}
        self.objects[id_] = {**before, **changes, "metadata": metadata}

    def version(self) -> str:
        return str(next(self._versions))

    def live(self, id_: ObjectId) -> LiveObject | None:
        body = self.objects.get(id_)
        return None if body is None else live_object(body, part_of=PART_OF_VALUE, manager=MANAGER)

    def merged(self, payload: Body) -> Body:
        before = self.objects.get(id_of_body(payload), {})
        metadata = before.get("metadata", {})
        labels = {**metadata.get("labels", {}), **payload["metadata"].get("labels", {})}
        entry = {"manager": MANAGER, "operation": "Apply", "fieldsV1": _fields(payload)}
        others = [row for row in metadata.get("managedFields", []) if row["manager"] != MANAGER]
        made = {**metadata, **payload["metadata"], "labels": labels, "managedFields": [*others, entry]}
        return {**before, **payload, "metadata": made}


@dataclass
class MemoryTarget:
    """Implements `targets.target.Target` over a MemoryCluster."""

    cluster: MemoryCluster
    trees: Any
    _wanted: Desired | None = None

    @property
    def name(self) -> str:
        return self.cluster.name

    async def close(self) -> None:
        """Nothing to let go of."""

    async def inspect(self, desired: Desired, *, full: bool = True) -> Live:
        del full
        trees = {row.commit: await self.trees(row.commit) for row in self.cluster.record.commits}
        live = [found for id_ in self.cluster.objects if (found := self.cluster.live(id_)) is not None]
        trials = {}
        for id_, object_ in desired.objects.items():
            if id_ not in desired.suspended:
                payload = sendable(yaml.safe_load(object_.data), PART_OF_VALUE)
                after = self.cluster.merged(payload)
                trials[id_] = Trial(payload=payload, before=self.cluster.live(id_), after=after)
        self._wanted = desired
        return Live(
            cluster=self.name,
            trials=trials,
            inventory=inventory(live, self.cluster.record, trees),
            parent=self.cluster.record,
        )

    async def apply(self, plan: Plan) -> Outcome:
        if not plan.parent_stands:
            self._write_record(plan.parent)
        counts: dict[Action, int] = {Action.UNCHANGED: plan.unchanged}
        failed, written = {}, []
        for change in plan.changes:
            counts[change.action] = counts.get(change.action, 0) + 1
            if change.refusal is not None:
                failed[change.id] = change.refusal.message
            if change.action in (Action.CREATE, Action.CONFIGURE) and change.desired is not None:
                self.cluster.put(self.cluster.merged(change.desired))
                self.cluster.writes.append((change.action.value, change.id))
                written.append(change.id)
            elif (
                change.action is Action.DELETE
                and self.cluster.objects[change.id]["metadata"]["uid"] == change.uid
            ):
                del self.cluster.objects[change.id]
                self.cluster.writes.append(("delete", change.id))
        if plan.prunes and not same_record(self.cluster.record, plan.parent_done):
            self._write_record(
                replace(plan.parent_done, resource_version=self.cluster.record.resource_version)
            )
        now = datetime.now(UTC)
        return Outcome(
            cluster=self.name,
            commit=plan.commit,
            counts=counts,
            failed=failed,
            problems=plan.problems,
            guards=plan.guards,
            started=now,
            finished=now,
            complete=plan.prunes and not failed,
            written=tuple(written),
        )

    def _write_record(self, parent: Parent) -> None:
        if parent.resource_version != self.cluster.record.resource_version:
            raise Outdated("the record was changed by another writer", cluster=self.name)
        self.cluster.record = replace(parent, resource_version=self.cluster.version())


def _fields(value: Any) -> Any:
    if not isinstance(value, dict):
        return {}
    return {
        f"f:{key}": _fields(item)
        for key, item in value.items()
        if key not in ("apiVersion", "kind", "name", "namespace")
    }
