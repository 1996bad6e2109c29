"""The observer of one cluster that we can ask directly: gate, probe, facts and objects, with what was known before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from reconciler.errors import ClusterError
from reconciler.kube.client import Client
from reconciler.model.cluster import ClusterStatus, Condition, ResourceModel
from reconciler.model.identity import ObjectId
from reconciler.model.observation import ClusterReport, MemberStatus
from reconciler.observe.direct import ReadyGate, collect_cluster, probe
from reconciler.observe.objects import Interpretation, collect_objects


@dataclass(slots=True, kw_only=True)
class DirectObserver:
    """Asks one API server. `models` are the cluster's resource models, asked for at each collection.

    The cluster's own facts are collected every `facts_every`, its readiness at each call.
    """

    client: Client
    models: Callable[[], Sequence[ResourceModel]]
    part_of: str
    interpretation: Interpretation
    gate: ReadyGate = field(default_factory=ReadyGate)
    facts_every: timedelta = timedelta(seconds=30)
    status: ClusterStatus = field(default_factory=ClusterStatus)
    _scopes: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    _collected_at: datetime | None = None

    def remember(self, report: ClusterReport) -> None:
        """Start from what the status branch says, so that a restart shows no flicker."""
        if not self.status.conditions:
            self.status = report.status
            self._scopes = report.scopes
            ready = report.status.condition("Ready")
            if ready is not None:
                self.gate.remember(self.client.cluster, ready.status)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()

    async def cluster(self, now: datetime) -> ClusterReport:
        """The cluster's report as of now. Never raises a ClusterError: no answer is a fact."""
        seen = await probe(self.client, now)
        message = seen.message if seen.status != "True" else ""
        if seen.status == "True" and self._is_due(now):
            try:
                self.status, self._scopes = await self._facts(now)
                self._collected_at = now
            except ClusterError as error:
                message = str(error)
        published = self.gate.published(self.client.cluster, seen, now)
        told = seen if published else self.status.condition("Ready") or seen
        before = self.status.condition("Ready")
        if before is not None and (before.status, before.reason) == (told.status, told.reason):
            told = before
        self.status = replace(self.status, conditions=_with(self.status.conditions, told))
        return ClusterReport(
            name=self.client.cluster,
            status=self.status,
            message=message if told.status != "True" else "",
            scopes=self._scopes,
        )

    async def objects(
        self, wanted: frozenset[ObjectId], failures: Mapping[ObjectId, str]
    ) -> dict[ObjectId, MemberStatus]:
        """One entry for each of our objects. Raises ClusterError."""
        return await collect_objects(
            self.client,
            wanted,
            part_of=self.part_of,
            failures=failures,
            interpretation=self.interpretation,
        )

    async def _facts(self, now: datetime) -> tuple[ClusterStatus, Mapping[tuple[str, str], bool]]:
        fresh, scopes = await collect_cluster(self.client, self.models(), self.status, now)
        kept = tuple(c for c in self.status.conditions if fresh.condition(c.type) is None)
        return replace(fresh, conditions=_sorted((*kept, *fresh.conditions))), scopes

    def _is_due(self, now: datetime) -> bool:
        return self._collected_at is None or now - self._collected_at >= self.facts_every


def _with(conditions: Sequence[Condition], told: Condition) -> tuple[Condition, ...]:
    return _sorted((*(condition for condition in conditions if condition.type != told.type), told))


def _sorted(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    return tuple(sorted(conditions, key=lambda condition: condition.type))
