"""What we last saw of each object of ours: enough to know, without asking, that it has not changed since.

Promises: an object counts as known only while the content that we want and the version that the server shows are both the
ones that a write or a dry-run proved equal. Lives in memory; a restart proves everything once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from reconciler.model.identity import ObjectId
from reconciler.model.marks import PRUNE
from reconciler.model.plan import DesiredObject, LiveObject

# Controllers write the status of these all the time; their generation moves only with what we send. Kinds that keep no
# generation, or one that does not move (PriorityClass), are known by resourceVersion.
_KNOWN_BY_GENERATION: Final = frozenset(
    {
        "CronJob.batch",
        "CustomResourceDefinition.apiextensions.k8s.io",
        "DaemonSet.apps",
        "Deployment.apps",
        "HorizontalPodAutoscaler.autoscaling",
        "Ingress.networking.k8s.io",
        "Job.batch",
        "PodDisruptionBudget.policy",
        "ReplicaSet.apps",
        "StatefulSet.apps",
    }
)

Mark = tuple[object, ...]


def mark_of(live: LiveObject) -> Mark:
    """What changes when somebody changes more than the object's status."""
    if live.id.kind_group in _KNOWN_BY_GENERATION and live.generation:
        words = (*sorted(live.labels.items()), "", *sorted(live.annotations.items()))
        return (live.uid, live.generation, live.applied, live.owned, hash(words))
    return (live.uid, live.resource_version)


@dataclass(frozen=True, slots=True)
class Row:
    """One object: the content that was proven (its digest; empty: none was) and the mark it then had."""

    digest: str
    mark: Mark
    live: LiveObject


class Table:
    """Rows by object."""

    def __init__(self) -> None:
        self._rows: dict[ObjectId, Row] = {}
        self._applied: dict[ObjectId, str] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, id_: ObjectId) -> bool:
        return id_ in self._rows

    def proves(self, live: LiveObject, digest: str) -> bool:
        """Whether this very state was proven to be what `digest` asks for."""
        row = self._rows.get(live.id)
        return row is not None and row.digest == digest != "" and row.mark == mark_of(live)

    def has(self, id_: ObjectId, digest: str) -> bool:
        """Whether the object was last seen as `digest` asks for, whatever happened since."""
        row = self._rows.get(id_)
        return row is not None and row.digest == digest != ""

    def was_applied(self, id_: ObjectId, digest: str) -> bool:
        """Whether `digest` is what the object was last proven to be, whatever others did to it since, its deletion too."""
        return self._applied.get(id_, "") == digest != ""

    def record(self, live: LiveObject, digest: str, id_: ObjectId | None = None) -> None:
        """Remember a state that a write or a dry-run proved. `id_` is the tree's own, equal to the live one's."""
        # The tree's identities are the very same objects from commit to commit, which makes looking them up cheap.
        key = live.id if id_ is None else id_
        self._rows.pop(key, None)
        self._rows[key] = Row(digest, mark_of(live), _slim(live))
        self._applied[key] = digest

    def record_seen(self, inventory: Mapping[ObjectId, LiveObject]) -> None:
        """Make the table hold exactly `inventory`; what was not proven is remembered as merely seen."""
        rows = {}
        for id_, live in inventory.items():
            row = self._rows.get(id_)
            mark = mark_of(live)
            rows[id_] = row if row is not None and row.mark == mark else Row("", mark, _slim(live))
        self._rows = rows

    def gone(self, desired: Mapping[ObjectId, DesiredObject]) -> list[LiveObject]:
        """What is ours and not in `desired`."""
        return [row.live for id_, row in self._rows.items() if id_ not in desired]

    def compare(self, desired: Mapping[ObjectId, DesiredObject]) -> tuple[list[DesiredObject], int]:
        """What is wanted differently than it was last seen, and how many of `desired` are ours at all."""
        rows, differing, ours = self._rows, [], 0
        for id_, object_ in desired.items():
            row = rows.get(id_)
            if row is not None:
                ours += 1
                if row.digest == object_.digest != "":
                    continue
            differing.append(object_)
        return differing, ours

    def doubt(self, ids: Iterable[ObjectId]) -> None:
        """Forget what was proven of these objects, not that they are ours."""
        for id_ in ids:
            row = self._rows.get(id_)
            if row is not None:
                self._rows[id_] = replace(row, digest="")

    def forget(self, id_: ObjectId) -> None:
        """The object is gone, or no longer ours."""
        self._rows.pop(id_, None)
        self._applied.pop(id_, None)

    def seen(self, id_: ObjectId) -> LiveObject | None:
        """The object as it was last seen, if it is ours."""
        row = self._rows.get(id_)
        return None if row is None else row.live

    def inventory(self) -> dict[ObjectId, LiveObject]:
        """Everything of ours that was last seen."""
        return {id_: row.live for id_, row in self._rows.items()}


def _slim(live: LiveObject) -> LiveObject:
    kept = {PRUNE: live.annotations[PRUNE]} if PRUNE in live.annotations else {}
    return replace(live, body=None, labels={}, annotations=kept)
