"""All islands: one for each cluster that is pushed to, made when it joins the fleet and ended when it leaves.

Each is told what to deliver after the truth is pushed. Removal deletes nothing in a cluster, and waits for nobody: an island that
ends may have a write under way to a server that does not answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from reconciler.errors import Problem, ReconcilerError
from reconciler.loop.island import Island
from reconciler.loop.lanes import Lane
from reconciler.loop.log import Log
from reconciler.loop.record import Record
from reconciler.model.cluster import Cluster, DeliveryMode
from reconciler.model.observation import Observation


@dataclass(slots=True, kw_only=True)
class Archipelago:
    """The islands by cluster. `make_island` is asked once for each way into a cluster."""

    lane: Lane
    make_island: Callable[[Cluster], Island]
    log: Log
    islands: dict[str, Island] = field(default_factory=dict)
    _tasks: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = field(default_factory=dict)
    _clusters: dict[str, Cluster] = field(default_factory=dict)
    _ending: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def settle(self, clusters: Iterable[Cluster], observation: Observation, commit: str) -> None:
        """One island for each push cluster, none for others; each is told what to deliver. One that cannot be is said, not raised."""
        wanted = {cluster.name: cluster for cluster in clusters if cluster.sync_mode is DeliveryMode.PUSH}
        for name in sorted(self.islands):
            if name not in wanted or _access(wanted[name]) != _access(self._clusters[name]):
                self._remove(name)
        for name, cluster in sorted(wanted.items()):
            try:
                await self._tell(cluster, observation, commit)
            except ReconcilerError as error:
                self.log.warning("cluster.failed", cluster=name, problem=str(error))
            except Exception:
                self.log.exception("island.broke", cluster=name, task="settle")

    async def _tell(self, cluster: Cluster, observation: Observation, commit: str) -> None:
        name = cluster.name
        if name not in self.islands:
            self._add(cluster, observation)
        self._clusters[name] = cluster
        island = self.islands[name]
        island.observe_only = cluster.observe_only
        island.suspend("suspended in the fleet repository" if cluster.suspended else "")
        if island.desired is None or island.desired.commit != commit:
            desired = await self.lane.do(Record.desired, commit, name)
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
        ending = [*(task for task, _ in self._tasks.values()), *self._ending.values()]
        await asyncio.gather(*ending, return_exceptions=True)

    def _add(self, cluster: Cluster, observation: Observation) -> None:
        name = cluster.name
        island = self.make_island(cluster)
        known = observation.clusters.get(name)
        if known is not None:
            island.remember(known)
        stop = asyncio.Event()
        self.islands[name] = island
        work = _after(self._ending.pop(name, None), island, stop)
        self._tasks[name] = (asyncio.create_task(work, name=f"island {name}"), stop)

    def _remove(self, name: str) -> None:
        del self.islands[name], self._clusters[name]
        task, stop = self._tasks.pop(name)
        stop.set()
        self._ending[name] = task
        self.log.info("cluster.left", cluster=name)


async def _after(before: asyncio.Task[None] | None, island: Island, stopping: asyncio.Event) -> None:
    """Work once the last worker of the same cluster has ended: never two of them at once."""
    if before is not None:
        await asyncio.gather(before, return_exceptions=True)
    await island.run(stopping)


def _access(cluster: Cluster) -> tuple[object, ...]:
    """What makes a new connection necessary."""
    return (
        cluster.sync_mode,
        cluster.api_endpoint,
        cluster.secret_ref,
        cluster.proxy_url,
        tuple(sorted(cluster.proxy_header.items())),
    )
