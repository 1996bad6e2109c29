"""A look and its dry-run, with somebody who writes in between. On a real server: tests/e2e/test_delivery_push.py."""

import asyncio
import copy
import json
from itertools import count

import pytest

from reconciler.errors import Unreachable
from reconciler.interpreter.registry import NATIVE
from reconciler.kube.resources import Discovery, Resource
from reconciler.model.plan import Desired
from reconciler.plan.inventory import live_object
from reconciler.plan.payload import sendable
from reconciler.targets.inspection import Inspector
from reconciler.targets.site import Questions, Site
from reconciler.targets.table import Table
from tests.contract.delivering import config_map, tree

DISCOVERY = Discovery(
    (Resource(group="", version="v1", kind="ConfigMap", plural="configmaps", namespaced=True),)
)


class Server:
    """One object, to which somebody writes after every look."""

    cluster = "member"

    def __init__(self, write) -> None:
        self._write = write
        self._versions = count(1)
        self.dry_runs = 0
        self.body = config_map("one")
        self.body["metadata"] |= {"uid": "u", "resourceVersion": "0"}

    async def discovery(self):
        return DISCOVERY

    async def get(self, *_):
        seen = copy.deepcopy(self.body)
        self._write(self.body)
        self.body["metadata"]["resourceVersion"] = str(next(self._versions))
        return seen

    async def apply(self, _resource, _namespace, _name, body, **_):
        self.dry_runs += 1
        return {**copy.deepcopy(self.body), "data": body["data"]}, False


async def tried(server):
    site = Site(client=server, questions=Questions(parse=dict, readiness=NATIVE.readiness))
    objects = tree(config_map("one"))
    (id_,) = objects
    known = live_object(await server.get(), part_of=site.part_of, manager=site.manager)
    return await Inspector(site=site, table=Table()).trial(
        id_, config_map("one"), known, Desired(cluster="member", commit="c", objects=objects), DISCOVERY
    )


async def test_a_status_that_moved_makes_a_dry_run_no_less_valid():
    server = Server(lambda body: body.update(status={"seen": body["metadata"]["resourceVersion"]}))
    trial = await tried(server)
    assert trial.refusal is None
    assert trial.after["data"] == {"key": "value"}
    assert server.dry_runs == 1


async def test_anything_else_that_moved_does():
    server = Server(lambda body: body["data"].update(theirs=body["metadata"]["resourceVersion"]))
    trial = await tried(server)
    assert trial.refusal.code == "R510"
    assert server.dry_runs == 4


async def test_another_object_of_the_same_name_is_looked_at_anew():
    server = Server(lambda body: body["metadata"].update(uid=f"u{body['metadata']['resourceVersion']}"))
    trial = await tried(server)
    assert trial.refusal.code == "R510"


class SlowServer:
    """Answers in time, but for the object `slow`."""

    cluster = "member"

    def __init__(self):
        self.answered = set()

    async def discovery(self):
        return DISCOVERY

    async def apply(self, _resource, _namespace, name, body, **_):
        while name == "slow":
            await asyncio.sleep(0)
            if self.answered == {"same", "other"}:
                raise Unreachable("no answer within 30 s")
        self.answered.add(name)
        return stored(body), False


def stored(body):
    return {**body, "metadata": {**body["metadata"], "uid": "u", "resourceVersion": "1"}}


async def test_what_was_proven_before_a_look_failed_is_kept():
    questions = Questions(parse=json.loads, readiness=NATIVE.readiness)
    site, table = Site(client=SlowServer(), questions=questions), Table()
    objects = tree(config_map("same"), config_map("other"), config_map("slow"))
    bodies = config_map("same"), config_map("other", key="theirs"), config_map("slow")
    seen = [
        live_object(stored(sendable(body, site.part_of)), part_of=site.part_of, manager=site.manager)
        for body in bodies
    ]
    found = {each.id: each for each in seen}
    desired = Desired(cluster="member", commit="c", objects=objects)
    with pytest.raises(Unreachable):
        await Inspector(site=site, table=table).trials(list(objects.values()), desired, found)
    proven = {id_.name for id_, object_ in objects.items() if table.proves(found[id_], object_.digest)}
    assert proven == {"same"}
