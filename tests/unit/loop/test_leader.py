"""The lease: one holder at a time, whatever the clocks say. The API server is a Lease with a resourceVersion, in memory."""

import asyncio
import copy
from contextlib import AsyncExitStack
from types import SimpleNamespace

import pytest

from reconciler.cli.processes import Readiness, lead, passing_on
from reconciler.errors import FieldConflict, Rejected, Unreachable
from reconciler.loop.leader import Leader, lease_holder


class Leases:
    """One Lease as an API server keeps it: writes are compare-and-swap, and it may be away."""

    def __init__(self):
        self.lease = None
        self.version = 0
        self.away = False

    async def get(self, _resource, _namespace, _name):
        self._answer()
        return copy.deepcopy(self.lease)

    async def create(self, _resource, _namespace, body):
        self._answer()
        if self.lease is not None:
            raise Rejected("exists", status=409, reason="AlreadyExists")
        return self._keep(body)

    async def put(self, _resource, _namespace, _name, body):
        self._answer()
        if body["metadata"].get("resourceVersion") != self.lease["metadata"]["resourceVersion"]:
            raise FieldConflict("the object has been modified")
        return self._keep(body)

    def _keep(self, body):
        self.version += 1
        self.lease = copy.deepcopy(body)
        self.lease["metadata"]["resourceVersion"] = str(self.version)
        return copy.deepcopy(self.lease)

    def _answer(self):
        if self.away:
            raise Unreachable("no connection")


class Scene:
    def __init__(self):
        self.leases = Leases()
        self.now = 0.0

    def candidate(self, identity, **more):
        return Leader(self.leases, "ours", "fleet-reconciler", identity, clock=lambda: self.now, **more)


@pytest.fixture
def scene():
    return Scene()


async def test_of_two_candidates_one_holds_and_the_other_only_after_its_time_has_run_out(scene):
    one, two = scene.candidate("one"), scene.candidate("two")
    assert await one._try()
    assert not await two._try()
    assert (one.holds(), two.holds()) == (True, False)
    # The holder hangs. It stops itself before the other one may begin.
    scene.now = 9.9
    assert one.holds()
    assert not await two._try()
    scene.now = 10.0
    assert not one.holds()
    assert not await two._try()
    scene.now = 15.1
    assert await two._try()
    assert scene.leases.lease["spec"]["leaseTransitions"] == 1
    # It wakes up, and finds the lease another's.
    assert not await one._try()
    assert not one.holds()


async def test_a_lease_counts_as_expired_by_our_own_clock_and_not_by_its_words(scene):
    one, two = scene.candidate("one"), scene.candidate("two")
    await one._try()
    # Its holder's clock is years behind; what counts is that we see it renewed.
    for _ in range(20):
        scene.now += 2.0
        scene.leases.lease["spec"]["renewTime"] = f"2001-01-01T00:00:{int(scene.now):02}.000000Z"
        assert not await two._try()


async def test_two_that_take_it_at_once_do_not_both_get_it(scene):
    one, two = scene.candidate("one"), scene.candidate("two")
    stale = await scene.leases.get(None, "", "")
    assert stale is None
    assert await one._try()
    with pytest.raises(Rejected):
        await scene.leases.create(None, "", two._body(None))
    await one._release()
    seen = await scene.leases.get(None, "", "")
    assert await two._try()
    with pytest.raises(FieldConflict):
        await scene.leases.put(None, "", "", one._body(seen))


async def test_a_holder_whose_server_is_away_stops_in_time_and_no_sooner(scene):
    one = scene.candidate("one")
    await one._try()
    scene.leases.away = True
    scene.now = 8.0
    assert await one._try()
    assert one.holds()
    scene.now = 10.0
    assert not await one._try()
    assert not one.holds()


async def test_a_lease_that_is_given_back_is_free_at_once(scene):
    one, two = scene.candidate("one"), scene.candidate("two")
    stopping = asyncio.Event()
    await one._try()
    stopping.set()
    await one.keep(stopping)
    assert not one.holds()
    assert await two._try()
    assert await lease_holder(scene.leases, "ours", "fleet-reconciler") == "two"


async def test_the_lease_stays_ours_until_what_was_under_way_is_done(scene):
    log = SimpleNamespace(info=lambda *_, **__: None, error=lambda *_, **__: pytest.fail("it is not lost"))
    one, two = scene.candidate("one"), scene.candidate("two")
    stopping = asyncio.Event()
    async with AsyncExitStack() as stack:
        assert await lead(one, stopping, stack, log)
        stopping.set()
        await asyncio.sleep(0.05)
        assert one.holds()
        assert not await two._try()
    assert not one.holds()
    assert await two._try()


async def test_what_a_waiting_replica_is_asked_for_reaches_the_holder_once(scene):
    heard = []
    one, two = scene.candidate("one", asked=heard.append), scene.candidate("two")
    assert not await two.pass_on("webhook")
    await one._try()
    fire = passing_on(two, Readiness(work=lambda: "", waits=True), lambda _: pytest.fail("it only waits"))
    fire("webhook")
    await asyncio.sleep(0.01)
    assert scene.leases.lease["spec"]["holderIdentity"] == "one"
    for _ in range(3):
        await one._try()
    assert heard == ["webhook"]
    assert await two.pass_on("report")
    await one._try()
    assert heard == ["webhook", "report"]
    # The one that works does not ask anybody.
    own = []
    passing_on(one, Readiness(work=lambda: "", waits=False), own.append)("webhook")
    assert own == ["webhook"]


async def test_what_was_asked_for_before_the_lease_was_ours_is_not_asked_for_again(scene):
    heard = []
    one, two = scene.candidate("one"), scene.candidate("two", asked=heard.append)
    await one._try()
    await two.pass_on("webhook")
    await one._try()
    await one._release()
    assert await two._try()
    await two._try()
    assert heard == []
