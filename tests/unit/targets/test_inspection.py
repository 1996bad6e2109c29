"""A look and its dry-run, with somebody who writes in between. On a real server: tests/e2e/test_delivery_push.py."""

import copy
from itertools import count

from reconciler.interpreter.registry import NATIVE
from reconciler.kube.resources import Discovery, Resource
from reconciler.model.plan import Desired
from reconciler.plan.inventory import live_object
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
