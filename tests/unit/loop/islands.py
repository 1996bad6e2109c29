"""Islands over clusters in memory: what tests of the loop drive, without a server."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import structlog

from reconciler.loop.island import Island, Pace
from reconciler.model.identity import id_of_body
from reconciler.model.observation import ClusterReport, MemberStatus, Readiness
from reconciler.model.plan import Desired, DesiredObject
from reconciler.plan.changes import Rules
from tests.contract.memory import MemoryCluster, MemoryTarget
from tests.unit.loop.fleets import ready_status


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = datetime(2026, 1, 2, tzinfo=UTC)

    def __call__(self):
        return self.now

    def move(self, seconds):
        self.now += timedelta(seconds=seconds)


class Observer:
    """Sees a ready cluster in which everything is current, or as the test says."""

    def __init__(self, name):
        self.name = name
        self.readiness = Readiness.CURRENT

    def remember(self, report):
        pass

    async def cluster(self, now):
        return ClusterReport(name=self.name, status=ready_status())

    async def objects(self, wanted, failures):
        return {
            id_: MemberStatus(cluster=self.name, applied=id_ not in failures, readiness=self.readiness)
            for id_ in wanted
        }

    async def close(self):
        pass


def config_map(name, **data):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop"},
        "data": data or {"a": "1"},
    }


def tree(commit, *bodies, cluster="memory", **more):
    objects = {}
    for body in bodies:
        data = json.dumps(body).encode()
        objects[id_of_body(body)] = DesiredObject(id=id_of_body(body), digest=str(hash(data)), data=data)
    return Desired(cluster=cluster, commit=commit, objects=objects, **more)


class Scene:
    """One island, its cluster, and every tree that was ever wanted."""

    def __init__(self, name="memory", target=None, **more):
        self.clock = Clock()
        self.cluster = MemoryCluster(name=name)
        self.trees = {}
        self.target = target or MemoryTarget(self.cluster, self._tree)
        self.told = 0
        self.island = Island(
            name=name,
            target=self.target,
            observer=Observer(name),
            rules=lambda _desired: Rules(now=self.clock()),
            clock=self.clock,
            changed=self._told,
            log=structlog.get_logger(),
            pace=Pace(moving=0.01, settled=0.01, full_pass=3600),
            **more,
        )

    async def _tree(self, commit):
        return self.trees.get(commit)

    def _told(self):
        self.told += 1

    def want(self, desired):
        self.trees[desired.commit] = frozenset(desired.objects)
        self.island.want(desired)

    async def deliver(self):
        """One pass, as the island's worker makes it."""
        await self.island._pass(asyncio.Event())
        return self.island.outcome

    def names(self):
        return sorted(id_.name for id_ in self.cluster.objects)


async def until(what, within=60.0):
    """Wait for a claim to come true; the event loop goes on meanwhile."""
    async with asyncio.timeout(within):
        while not what():  # noqa: ASYNC110 - a claim about plain values has no event
            await asyncio.sleep(0.005)
