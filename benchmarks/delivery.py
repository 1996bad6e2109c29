"""Delivering to one real API server: objects applied a second, passes that change nothing, and one changed object.

The floor is a bare aiohttp client on the same machine that sends the same bytes: once as many requests as we do (a
dry-run and a write an object), once the writes alone, which is what delivering without looking first would cost. Client and
server share the machine's cores, so the server's own work is in both figures.
"""

from __future__ import annotations

import asyncio
import resource
import ssl
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from reconciler.interpreter.registry import NATIVE
from reconciler.kube.client import Client
from reconciler.kube.credentials import KubeconfigSource
from reconciler.manifests.emit import emit
from reconciler.manifests.load import load
from reconciler.model.identity import ObjectId, id_of_body
from reconciler.model.manifest import Body
from reconciler.model.plan import Desired, DesiredObject, Outcome
from reconciler.plan.changes import Rules, changes
from reconciler.plan.inventory import apply_set_id
from reconciler.plan.payload import sendable
from reconciler.settings import GuardLimits
from reconciler.targets.push import PushTarget
from reconciler.targets.site import Questions, Site
from tests.controlplane import ControlPlane, binaries

OBJECTS, ROUNDS, SINGLE_CHANGES = 1_000, 3, 40
CONNECTIONS = 8
_PART_OF = apply_set_id("fleet-reconciler")

Row = dict[str, Any]


def scenarios() -> list[tuple[str, Callable[[], list[Row]]]]:
    """The scenarios of this file by name; each gives rows: scenario, value, unit, floor, ratio."""
    return [("delivery", run)]


def run() -> list[Row]:
    """All rows of this file, on a control plane of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as directory,
        ControlPlane("bench", Path(directory) / "bench", binaries(print), audit=False) as plane,
    ):
        return asyncio.run(_rows(plane))


async def _rows(plane: ControlPlane) -> list[Row]:
    ours, both, writes = [], [], []
    for number in range(ROUNDS):
        # In turns: what the server keeps growing by weighs on all alike.
        ours.append(await _created(plane, f"ours-{number}"))
        both.append(await _bare(plane, f"both-{number}", dry_run=True))
        writes.append(await _bare(plane, f"writes-{number}", dry_run=False))
    value, same, less = (
        tuple(map(statistics.median, zip(*runs, strict=True))) for runs in (ours, both, writes)
    )
    rows = [
        _rate(f"apply {OBJECTS:,} new ConfigMaps", value[0], same[0]),
        _rate("the same, against writes without a dry-run", value[0], less[0]),
        _row("the same, processor time an object", value[1] * 1e6, "µs", same[1] * 1e6),
    ]
    return rows + await _again(plane)


async def _created(plane: ControlPlane, namespace: str) -> tuple[float, float]:
    """Objects a second, and processor seconds of this process an object."""
    commits = _Commits()
    async with _target(plane, commits) as target:
        await _deliver(target, commits.commit([_namespace(namespace)]))
        wanted = commits.commit([_namespace(namespace), *_config_maps(namespace)])
        before, began = _processor(), time.perf_counter()
        outcome = await _deliver(target, wanted, full=False)
        seconds, processor = time.perf_counter() - began, _processor() - before
        _check(outcome, OBJECTS)
        await _deliver(target, commits.commit([_namespace(namespace)]))
    return OBJECTS / seconds, processor / OBJECTS


async def _bare(plane: ControlPlane, namespace: str, *, dry_run: bool) -> tuple[float, float]:
    """The same bytes by an HTTP client and nothing else: objects a second, processor seconds an object."""
    plane.apply(_namespace(namespace))
    bodies = [
        (body["metadata"]["name"], orjson.dumps(sendable(body, _PART_OF))) for body in _config_maps(namespace)
    ]
    path = f"{plane.server}/api/v1/namespaces/{namespace}/configmaps/"
    query = "?fieldManager=bare&force=true&fieldValidation=Strict"
    headers = {"Authorization": f"Bearer {plane.token}", "Content-Type": "application/apply-patch+yaml"}
    context = ssl.create_default_context(cafile=str(plane.ca_file))
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=context)
    gate = asyncio.Semaphore(16)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def send(name: str, body: bytes, suffix: str = "") -> None:
            async with gate, session.patch(f"{path}{name}{query}{suffix}", data=body) as response:
                await response.read()
                if response.status >= 300:
                    raise RuntimeError(f"{name}: {response.status}")

        before, began = _processor(), time.perf_counter()
        if dry_run:
            await asyncio.gather(*(send(name, body, "&dryRun=All") for name, body in bodies))
        await asyncio.gather(*(send(name, body) for name, body in bodies))
        seconds, processor = time.perf_counter() - began, _processor() - before
        async with session.delete(path.rstrip("/"), headers={"Content-Type": "application/json"}) as response:
            await response.read()
    return OBJECTS / seconds, processor / OBJECTS


async def _again(plane: ControlPlane) -> list[Row]:
    """Passes over a tree that is applied already: in full, after a restart, over nothing, and with one object changed."""
    commits = _Commits()
    namespace = "again"
    bodies = [_namespace(namespace), *_config_maps(namespace)]
    wanted = commits.commit(bodies)
    async with _target(plane, commits) as target:
        await _deliver(target, wanted)
        await _deliver(target, wanted)
        full = await _median(lambda: _deliver(target, wanted), 5)
        nothing = await _median(lambda: _deliver(target, wanted, full=False), 9)

        changed = []
        for number in range(SINGLE_CHANGES):
            bodies[1 + number] = _config_map(namespace, number, text=f"changed {number}")
            changed.append(commits.commit(bodies))

        async def change_one(newer: Desired) -> None:
            _check(await _deliver(target, newer, full=False), 1)

        single = sorted([await _seconds(change_one(newer)) for newer in changed])
        floor = sorted(
            [await _seconds(_one_write(target, namespace, number)) for number in range(SINGLE_CHANGES)]
        )
    async with _target(plane, commits) as target:
        restart = await _seconds(_deliver(target, commits.commit(bodies)))
    return [
        _time(f"one changed object of {OBJECTS:,}, p50", single[len(single) // 2], floor[len(floor) // 2]),
        _time(
            f"one changed object of {OBJECTS:,}, p95",
            single[int(len(single) * 0.95)],
            floor[int(len(floor) * 0.95)],
        ),
        _time(f"a pass over {OBJECTS:,} known objects", nothing, None),
        _time(f"a full pass over {OBJECTS:,} unchanged objects", full, None),
        _time(f"a restart over {OBJECTS:,} unchanged objects", restart, None),
    ]


async def _one_write(target: PushTarget, namespace: str, number: int) -> None:
    """What cannot be left out of one changed object: its write."""
    client = target.site.client
    resource_ = (await client.discovery()).find("v1", "ConfigMap")
    if resource_ is None:
        raise RuntimeError("no ConfigMaps here")
    body = sendable(_config_map(namespace, number, text=f"floor {number}"), _PART_OF)
    await client.apply(resource_, namespace, body["metadata"]["name"], body, manager="fleet-reconciler")


class _Commits:
    """Trees by commit, as Git keeps them."""

    def __init__(self) -> None:
        self._trees: dict[str, frozenset[ObjectId]] = {}
        self._known: dict[bytes, DesiredObject] = {}

    def commit(self, bodies: Sequence[Body]) -> Desired:
        objects = {}
        for body in bodies:
            data = emit(body)
            made = self._known.setdefault(
                data, DesiredObject(id=id_of_body(body), digest=f"{hash(data):x}", data=data)
            )
            objects[made.id] = made
        commit = f"{len(self._trees):040x}"
        self._trees[commit] = frozenset(objects)
        return Desired(cluster="bench", commit=commit, objects=objects)

    async def tree(self, commit: str) -> frozenset[ObjectId] | None:
        return self._trees.get(commit)


@asynccontextmanager
async def _target(plane: ControlPlane, commits: _Commits) -> AsyncIterator[PushTarget]:
    client = Client(KubeconfigSource(paths=(plane.kubeconfig,), context=plane.name), cluster=plane.name)
    questions = Questions(
        parse=lambda data: load(data, "").documents[0].body,
        readiness=NATIVE.readiness,
        retain=NATIVE.retain,
        tree=commits.tree,
    )
    target = PushTarget(site=Site(client=client, questions=questions))
    try:
        yield target
    finally:
        await target.close()


async def _deliver(target: PushTarget, desired: Desired, *, full: bool = True) -> Outcome:
    live = await target.inspect(desired, full=full)
    limits = GuardLimits(max_deletions=10 * OBJECTS, protected_kinds=())
    return await target.apply(changes(desired, live, Rules(now=datetime.now(UTC), limits=limits)))


def _check(outcome: Outcome, written: int) -> None:
    if len(outcome.written) != written or not outcome.complete:
        raise RuntimeError(f"{len(outcome.written)} written, {outcome.problems}")


def _namespace(name: str) -> Body:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _config_maps(namespace: str) -> list[Body]:
    return [_config_map(namespace, number) for number in range(OBJECTS)]


def _config_map(namespace: str, number: int, *, text: str = "first") -> Body:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"settings-{number:04}",
            "namespace": namespace,
            "labels": {"app": f"app-{number % 20}"},
        },
        "data": {"text": text, **{f"key-{index}": f"value {index} of {number}" for index in range(12)}},
    }


async def _median(work: Callable[[], Awaitable[object]], times: int) -> float:
    return statistics.median([await _seconds(work()) for _ in range(times)])


async def _seconds(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _rate(scenario: str, value: float, floor: float) -> Row:
    return {
        "scenario": f"delivery: {scenario}",
        "value": round(value),
        "unit": "objects/s",
        "floor": round(floor),
        "ratio": round(floor / value, 2),
    }


def _time(scenario: str, seconds: float, floor: float | None) -> Row:
    return _row(scenario, seconds * 1e3, "ms", None if floor is None else floor * 1e3)


def _row(scenario: str, value: float, unit: str, floor: float | None) -> Row:
    row: Row = {"scenario": f"delivery: {scenario}", "value": round(value, 1), "unit": unit}
    return row if floor is None else {**row, "floor": round(floor, 1), "ratio": round(value / floor, 2)}
