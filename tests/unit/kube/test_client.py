"""The client's own promises, against a small HTTP server: what it sends, what it repeats, and what it never sends."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from reconciler.errors import CredentialRefused, Forbidden, Halted, Throttled, Unauthorized, Unreachable
from reconciler.kube.client import Client, Limits
from reconciler.kube.connection import Connection, FixedSource
from reconciler.kube.credentials import SecretSource
from reconciler.kube.discovery import discover
from reconciler.kube.resources import Resource
from reconciler.kube.retry import Backoff
from reconciler.model.cluster import Cluster, SecretReference

MAPS = Resource(group="", version="v1", kind="ConfigMap", plural="configmaps", namespaced=True)
BODY = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}


class Server:
    """Answers with what the test says, and remembers what it was asked."""

    def __init__(self):
        self.asked = []
        self.answers = []
        self.answer = (200, {"metadata": {"resourceVersion": "1"}})
        self.hold = None
        self.url = ""

    async def handle(self, request):
        self.asked.append((request.method, request.query.get("dryRun", "")))
        if self.hold is not None:
            await self.hold.wait()
        status, body = self.answers.pop(0) if self.answers else self.answer
        if isinstance(body, str):
            return web.Response(status=status, text=body)
        return web.json_response(body, status=status, headers={"Retry-After": "0"})

    @asynccontextmanager
    async def running(self):
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            await runner.cleanup()


@pytest.fixture
async def server():
    async with Server().running() as found:
        yield found


@asynccontextmanager
async def client_of(source, **more):
    limits = more.pop("limits", Limits(timeout=60, backoff=Backoff(first=0.001)))
    client = Client(source, cluster="one", limits=limits, **more)
    try:
        yield client
    finally:
        await client.close()


def fixed(server, key="k", **headers):
    return FixedSource(Connection(server=server.url, origin="a test", key=key, headers=headers))


def write(client, name="a", *, dry_run=False):
    return client.apply(MAPS, "shop", name, BODY, manager="m", dry_run=dry_run)


async def test_no_write_is_sent_while_nothing_may_be_written_and_looking_goes_on(server):
    async with client_of(fixed(server), halted=lambda: "the fleet is suspended") as client:
        for asking in (
            write(client),
            client.create(MAPS, "shop", BODY),
            client.put(MAPS, "shop", "a", BODY),
            client.delete(MAPS, "shop", "a"),
        ):
            with pytest.raises(Halted, match="the fleet is suspended"):
                await asking
        assert server.asked == []
        await write(client, dry_run=True)
        await client.get(MAPS, "shop", "a")
        assert server.asked == [("PATCH", "All"), ("GET", "")]


async def test_a_write_is_not_sent_again_when_the_lease_was_lost_in_between(server):
    reasons = ["", "the lease is lost"]
    server.answers = [(429, {"kind": "Status", "message": "slow down"})]
    async with client_of(fixed(server), halted=lambda: reasons.pop(0)) as client:
        with pytest.raises(Halted, match="the lease is lost"):
            await write(client)
        assert server.asked == [("PATCH", "")]


async def test_a_write_that_waits_for_a_connection_asks_when_it_has_one(server):
    reason = [""]
    server.hold = asyncio.Event()
    limits = Limits(timeout=60, connections=1)
    async with client_of(fixed(server), limits=limits, halted=lambda: reason[0]) as client:
        first, second = asyncio.create_task(write(client)), asyncio.create_task(write(client, "b"))
        async with asyncio.timeout(60):
            while not server.asked:  # noqa: ASYNC110 - the server's list has no event
                await asyncio.sleep(0.005)
        reason[0] = "the program is being stopped"
        server.hold.set()
        await first
        with pytest.raises(Halted, match="being stopped"):
            await second
        assert server.asked == [("PATCH", "")]


async def test_what_may_have_been_carried_out_is_not_repeated_unless_it_can_be(server):
    late = (504, {"kind": "Status", "message": "request did not complete within 34s"})
    busy = (429, {"kind": "Status", "message": "slow down"})
    async with client_of(fixed(server)) as client:
        server.answers = [late]
        with pytest.raises(Throttled):
            await client.put(MAPS, "shop", "a", BODY)
        server.answers = [busy]
        await client.put(MAPS, "shop", "a", BODY)
        server.answers = [late]
        await write(client)
        assert [method for method, _ in server.asked] == ["PUT", "PUT", "PUT", "PATCH", "PATCH"]


class Kept:
    """A credential that is kept somewhere: `says` is what loading it comes to."""

    def __init__(self, says):
        self.says = says
        self.loads = 0

    async def load(self):
        self.loads += 1
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


async def test_a_credential_that_cannot_be_read_again_is_as_good_as_it_was(server):
    source = Kept(fixed(server).connection)
    async with client_of(source) as client:
        await client.get(MAPS, "shop", "a")
        source.says = Unreachable("the hub is away")
        assert await client.refresh() is False
        await write(client)
        # What is wrong with it is another matter, and so is one that was never there.
        source.says = CredentialRefused("not labelled", code="R532")
        with pytest.raises(CredentialRefused):
            await client.refresh()
    source.says = Unreachable("the hub is away")
    async with client_of(source) as client:
        with pytest.raises(Unreachable, match="the credential cannot be read: the hub is away"):
            await client.get(MAPS, "shop", "a")


async def test_a_secret_that_we_may_not_read_is_a_refused_credential_that_names_it():
    async def read(_reference):
        raise Forbidden('secrets "one" is forbidden')

    cluster = Cluster(name="one", secret_ref=SecretReference(namespace="ours", name="one"))
    with pytest.raises(CredentialRefused, match="Secret ours/one may not be read") as refused:
        await SecretSource(cluster=cluster, namespace="ours", read=read).load()
    assert refused.value.code == "R530"


async def test_a_401_reads_the_credential_again_once_and_then_names_it(server):
    source = Kept(fixed(server).connection)
    async with client_of(source) as client:
        await client.get(MAPS, "shop", "a")
        server.answer = (401, {"kind": "Status", "message": "Unauthorized"})
        with pytest.raises(Unauthorized, match="renew a test"):
            await client.get(MAPS, "shop", "a")
        assert source.loads == 2
        assert len(server.asked) == 3
        # The new one, where there is one, is used at once.
        server.answers = [(401, {"kind": "Status"}), (200, {"metadata": {}})]
        source.says = fixed(server, key="another").connection
        before = client._current.session
        await client.get(MAPS, "shop", "a")
        assert before.closed
        assert not client._current.session.closed


@pytest.mark.parametrize("body", ["<html>please log in</html>", "[]", '"text"', ""])
async def test_something_that_is_no_api_server_ends_in_our_own_error(server, body):
    server.answer = (200, body)
    async with client_of(fixed(server)) as client:
        for asking in (client.get(MAPS, "shop", "a"), client.list(MAPS), write(client), client.version()):
            with pytest.raises(Unreachable, match="this is not an API server"):
                await asking
        with pytest.raises(Unreachable, match="this is not an API server"):
            await discover(client._bytes)
