"""All islands: one for each cluster that is pushed to, made when it joins the fleet and ended when it leaves.

Each is told what to deliver after the truth is pushed. Removal deletes nothing in a cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import Problem
from reconciler.loop.island import Island
from reconciler.loop.log import Log
from reconciler.loop.record import Record
from reconciler.model.cluster import Cluster, DeliveryMode
from reconciler.model.observation import Observation


@dataclass(slots=True, kw_only=True)
class Archipelago:
    """The islands by cluster. `make_island` is asked once for each way into a cluster."""

    record: Record
    make_island: Callable[[Cluster], Island]
    in_git: Callable[..., Awaitable[Any]]
    log: Log
    islands: dict[str, Island] = field(default_factory=dict)
    _tasks: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = field(default_factory=dict)
    _clusters: dict[str, Cluster] = field(default_factory=dict)

    async def settle(self, clusters: Iterable[Cluster], observation: Observation, commit: str) -> None:
        """One island for each push cluster, none for others; each is told what to deliver."""
        wanted = {cluster.name: cluster for cluster in clusters if cluster.sync_mode is DeliveryMode.PUSH}
        for name in sorted(set(self.islands) - set(wanted)) + [
            name
            for name in sorted(wanted)
            if name in self._clusters and _access(wanted[name]) != _access(self._clusters[name])
        ]:
            await self._remove(name)
        for name, cluster in sorted(wanted.items()):
            if name not in self.islands:
                self._add(cluster, observation)
            self._clusters[name] = cluster
            island = self.islands[name]
            island.observe_only = cluster.observe_only
            island.suspend("suspended in the fleet repository" if cluster.suspended else "")
            if island.desired is None or island.desired.commit != commit:
                desired = await self.in_git(self.record.desired, commit, name)
                if desired is not None:
                    island.want(desired)

    def again(self) -> None:
        """Look over every cluster in full."""
        for island in self.islands.values():
            island.again()

    def confirmed(self) -> None:
        """What every island wants is known to be the newest."""
        for island in self.islands.values():
            island.confirmed()

    def problems(self) -> tuple[Problem, ...]:
        """What all clusters' deliveries found."""
        return tuple(problem for island in self.islands.values() for problem in island.problems())

    async def end(self) -> None:
        """Stop every island, and wait for the writes that are under way."""
        for _, stop in self._tasks.values():
            stop.set()
        await asyncio.gather(*(task for task, _ in self._tasks.values()), return_exceptions=True)

    def _add(self, cluster: Cluster, observation: Observation) -> None:
        island = self.make_island(cluster)
        known = observation.clusters.get(cluster.name)
        if known is not None:
            island.remember(known)
        stop = asyncio.Event()
        self.islands[cluster.name] = island
        self._tasks[cluster.name] = (
            asyncio.create_task(island.run(stop), name=f"island {cluster.name}"),
            stop,
        )

    async def _remove(self, name: str) -> None:
        island = self.islands.pop(name, None)
        task, stop = self._tasks.pop(name)
        stop.set()
        await asyncio.gather(task, return_exceptions=True)
        self._clusters.pop(name, None)
        if island is not None:
            self.log.info("cluster.left", cluster=name)


def _access(cluster: Cluster) -> tuple[object, ...]:
    """What makes a new connection necessary."""
    return (
        cluster.sync_mode,
        cluster.api_endpoint,
        cluster.secret_ref,
        cluster.proxy_url,
        tuple(sorted(cluster.proxy_header.items())),
    )
