"""What a healer does with a correction that did not succeed. Watches and servers: tests/e2e/test_delivery_heal.py."""

import asyncio

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


def outcome(*, failed=(), problems=()) -> Outcome:
    return Outcome(
        cluster="member", commit="c", failed=dict.fromkeys(failed, "the server is busy"), problems=problems
    )


async def test_what_was_refused_is_asked_for_again_until_it_is_done_and_nothing_else_is():
    scene = Scene(outcome(failed=[ONE]), outcome(failed=[ONE]), outcome())
    assert await scene.play() == [{ONE, TWO}, {ONE}, {ONE}]


async def test_what_was_taken_from_us_is_not_asked_for_again():
    taken = refusal_problem("member", ONE, Refusal(code="R501", message="not ours"))
    scene = Scene(outcome(failed=[ONE, TWO], problems=(taken,)), outcome())
    assert await scene.play() == [{ONE, TWO}, {TWO}]
