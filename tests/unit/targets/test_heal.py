"""What a healer does with a correction that did not succeed. Watches and servers: tests/e2e/test_delivery_heal.py."""

import asyncio
from contextlib import asynccontextmanager
from itertools import pairwise
from types import SimpleNamespace

from reconciler.errors import Forbidden
from reconciler.kube.client import Listing
from reconciler.kube.resources import Resource
from reconciler.model.identity import ObjectId
from reconciler.model.plan import Outcome, Refusal
from reconciler.plan.report import refusal_problem
from reconciler.targets.heal import Healer

ONE = ObjectId(group="", kind="ConfigMap", namespace="shop", name="one")
TWO = ObjectId(group="", kind="ConfigMap", namespace="shop", name="two")


class Scene:
    """A cluster in which both objects have drifted; `answers` are what comes of the corrections, one after the other."""

    def __init__(self, *answers: Outcome) -> None:
        self.answers = [*answers]
        self.asked: list[frozenset[ObjectId]] = []
        self.done = asyncio.Event()
        self.name = "member"

    async def idle(self) -> None:
        return

    def is_as_wanted(self, _id, _live) -> bool:
        return False

    def seen_objects(self) -> frozenset[ObjectId]:
        return frozenset()

    async def correct(self, ids: frozenset[ObjectId]) -> Outcome:
        self.asked.append(ids)
        if len(self.answers) == 1:
            self.done.set()
        return self.answers.pop(0)

    async def play(self) -> list[frozenset[ObjectId]]:
        healer = Healer(target=self, correct=self.correct, settle=0.001, longest_backoff=0.01)
        healer._note(ONE, None)
        healer._note(TWO, None)
        async with asyncio.timeout(20):
            await healer.run(self.done)
        return self.asked


class Unwatchable:
    """A cluster that may be listed, and not watched."""

    cluster = "member"

    def __init__(self) -> None:
        self.lists: list[float] = []
        self.enough = asyncio.Event()

    async def list(self, *_, **__) -> Listing:
        self.lists.append(asyncio.get_running_loop().time())
        if len(self.lists) == 6:
            self.enough.set()
        return Listing(items=(), resource_version="1")

    @asynccontextmanager
    async def stream(self, *_, **__):
        raise Forbidden('User "agent" cannot watch resource "configmaps"')
        yield


def outcome(*, failed=(), problems=()) -> Outcome:
    return Outcome(
        cluster="member", commit="c", failed=dict.fromkeys(failed, "the server is busy"), problems=problems
    )


async def test_what_was_refused_is_asked_for_again_until_it_is_done_and_nothing_else_is():
    scene = Scene(outcome(failed=[ONE]), outcome(failed=[ONE]), outcome())
    assert await scene.play() == [{ONE, TWO}, {ONE}, {ONE}]


async def test_what_came_right_some_other_way_begins_anew():
    now, scene = [0.0], Scene()
    healer = Healer(target=scene, correct=scene.correct, clock=lambda: now[0])
    for moment in (0.0, 1.0, 3.0):
        now[0] = moment
        healer._put_off(frozenset({ONE}), outcome(failed=[ONE]))
    assert healer._wait(ONE, now[0]) == 4.0
    scene.is_as_wanted = lambda _id, _live: True
    assert healer._due() == (frozenset(), [])
    assert healer._wait(ONE, now[0]) == 0.0
    healer._put_off(frozenset({ONE}), outcome(failed=[ONE]))
    assert healer._wait(ONE, now[0]) == 1.0


async def test_what_was_taken_from_us_is_not_asked_for_again():
    taken = refusal_problem("member", ONE, Refusal(code="R501", message="not ours"))
    scene = Scene(outcome(failed=[ONE, TWO], problems=(taken,)), outcome())
    assert await scene.play() == [{ONE, TWO}, {TWO}]


async def test_a_kind_that_may_not_be_watched_is_listed_more_and_more_rarely():
    client = Unwatchable()
    scene = Scene()
    scene.site = SimpleNamespace(client=client, part_of="ours", manager="fleet-reconciler")
    # With these dice a hundredth of each wait is waited for.
    healer = Healer(target=scene, correct=scene.correct, dice=lambda: -0.98)
    kind = Resource(group="", version="v1", kind="ConfigMap", plural="configmaps", namespaced=True)
    following = asyncio.create_task(healer._follow(kind))
    async with asyncio.timeout(20):
        await client.enough.wait()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    pauses = [later - earlier for earlier, later in pairwise(client.lists)]
    assert all(pause > 0.009 * 2**number for number, pause in enumerate(pauses)), pauses
