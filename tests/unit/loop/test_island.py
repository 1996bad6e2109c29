"""One cluster's worker over a cluster in memory: what it does, what it keeps, and how it says what went wrong."""

import asyncio
from dataclasses import replace

from reconciler.errors import CredentialRefused, Forbidden, Outdated, Throttled, Unauthorized, Unreachable
from reconciler.events import Reason
from reconciler.model.observation import Readiness
from reconciler.plan.report import delivery_problem
from reconciler.targets.breaker import Breaker
from tests.unit.loop.islands import Scene, config_map, tree, until


async def test_a_tree_that_may_be_old_heals_and_deletes_nothing_until_it_is_confirmed():
    doubts = ["the Git remote was not reached yet"]
    scene = Scene(unsure=lambda: doubts[0])
    scene.want(tree("1", config_map("a"), config_map("b")))
    await scene.deliver()
    assert scene.names() == ["a", "b"]
    scene.want(tree("2", config_map("a", a="2")))
    outcome = await scene.deliver()
    assert scene.names() == ["a", "b"]
    assert not outcome.complete
    (problem,) = [each for each in scene.island.problems() if each.code == "R506"]
    assert "the Git remote was not reached yet" in problem.evidence[0]
    doubts[0] = ""
    scene.island._wanted.clear()
    scene.island.confirmed()
    assert scene.island.is_waited_for
    assert (await scene.deliver()).complete
    assert scene.names() == ["a"]
    # Only what was kept for this reason is looked at again: a poll that finds nothing new asks no cluster.
    scene.island._wanted.clear()
    scene.island.confirmed()
    assert not scene.island.is_waited_for


async def test_what_is_only_observed_is_planned_and_told_and_not_written():
    scene = Scene()
    scene.want(tree("1", config_map("a")))
    await scene.deliver()
    scene.island.observe_only = True
    scene.cluster.writes.clear()
    # Where there is nothing to do the cluster stands at the tree, and nobody looks at it all the time.
    assert (await scene.deliver()).complete
    assert scene.island.reason is Reason.SYNCED
    scene.want(tree("2", config_map("b")))
    outcome = await scene.deliver()
    assert scene.cluster.writes == []
    assert scene.names() == ["a"]
    assert scene.cluster.record.commit == "1"
    assert outcome.stopped == "the cluster is only observed"
    assert [change.id.name for change in scene.island.plan.changes] == ["b", "a"]
    await scene.island.observe()
    assert scene.island.report.sync == Reason.SUSPENDED
    assert scene.island.report.rendered_commit == ""
    scene.island.observe_only = False
    scene.island.again()
    await scene.deliver()
    assert scene.names() == ["b"]


class Failing:
    """A target whose every look ends in an error, behind a breaker."""

    name = "memory"

    def __init__(self, error):
        self.error = error
        self.breaker = Breaker(dice=lambda: 1.0, clock=lambda: 0.0)

    async def inspect(self, desired, *, full=True):
        async with self.breaker.watching():
            raise self.error

    async def apply(self, plan):
        raise AssertionError("nothing can be applied")

    async def close(self):
        pass


REASONS = (
    (Unreachable("no answer within 30 s"), "R511", Reason.CLUSTER_UNREACHABLE),
    (Throttled("come back later"), "R512", Reason.CLUSTER_UNREACHABLE),
    (Unauthorized("not accepted: renew Secret ns/one"), "R538", Reason.CREDENTIALS_REFUSED),
    (CredentialRefused("apiEndpoint is not the server", code="R533"), "R533", Reason.CREDENTIALS_REFUSED),
    (Forbidden("may not list configmaps"), "R509", Reason.SYNC_FAILED),
    (Outdated("another writer"), "R515", Reason.PROGRESSING),
)


async def test_each_failure_of_a_cluster_is_a_problem_with_its_code_and_says_the_same_while_it_lasts():
    for error, code, reason in REASONS:
        scene = Scene(target=Failing(error))
        scene.want(tree("1", config_map("a")))
        said = []
        for _ in range(5):
            await scene.deliver()
            await scene.island.observe()
            said.append((scene.island.report.sync, scene.island.report.message))
            assert [problem.code for problem in scene.island.problems()] == [code]
        # The breaker opens meanwhile; how long it stays so is another number each time, and no news.
        assert set(said) == {(reason.value, str(error))}
        assert scene.told == 1


async def test_a_problem_of_the_cluster_is_gone_when_it_is_served_again():
    scene = Scene(target=Failing(Unreachable("away")))
    scene.want(tree("1", config_map("a")))
    await scene.deliver()
    assert scene.island.problems()
    scene.island.target = Scene().target
    await scene.deliver()
    assert scene.island.problems() == ()
    assert scene.island.reason is Reason.SYNCED


def test_every_fight_is_told_and_forgiven_when_nobody_was_met_again():
    scene = Scene()
    for name in ("a", "b"):
        said = f"ConfigMap shop/{name} was put back again and again"
        scene.island.fighting(delivery_problem("R514", "memory", said, subject=f"ConfigMap shop/{name}"))
    assert [problem.subject for problem in scene.island.problems()] == [
        "ConfigMap shop/a",
        "ConfigMap shop/b",
    ]
    scene.clock.move(3599)
    scene.island.fighting(delivery_problem("R514", "memory", "again", subject="ConfigMap shop/b"))
    scene.clock.move(2)
    assert [problem.subject for problem in scene.island.problems()] == ["ConfigMap shop/b"]
    scene.clock.move(3600)
    assert scene.island.problems() == ()


async def test_a_fault_of_our_own_ends_neither_the_worker_nor_another_one():
    scene = Scene()
    broken = [True]
    rules = scene.island.rules

    def failing(desired):
        if broken[0]:
            broken[0] = False
            raise RuntimeError("a fault of ours")
        return rules(desired)

    scene.island.rules = failing
    scene.island._backoff.first = 0.01
    stopping = asyncio.Event()
    work = asyncio.create_task(scene.island.run(stopping))
    scene.want(tree("1", config_map("a")))
    await until(lambda: scene.names() == ["a"])
    stopping.set()
    await asyncio.wait_for(work, 60)


class Watches:
    """What the watches say of themselves."""

    def __init__(self):
        self.all = True

    async def run(self, stopping):
        await stopping.wait()

    def sees_everything(self):
        return self.all


async def test_a_cluster_in_which_nothing_moves_is_not_listed_again_and_again():
    scene = Scene()
    island = scene.island
    island.healer = watches = Watches()
    counted = []
    objects = island.observer.objects

    async def listed(wanted, failures):
        counted.append(len(wanted))
        return await objects(wanted, failures)

    island.observer.objects = listed

    async def looks():
        before = len(counted)
        await island.observe()
        return len(counted) - before

    scene.want(tree("1", config_map("a")))
    await scene.deliver()
    assert await looks() == 1
    assert await looks() == 0
    # What the watches see, what was delivered, and what they cannot see.
    island.stir()
    assert await looks() == 1
    scene.want(tree("2", config_map("a"), config_map("b")))
    await scene.deliver()
    assert await looks() == 1
    assert await looks() == 0
    watches.all = False
    assert await looks() == 1
    watches.all = True
    assert await looks() == 0
    # Something that is not ready may become so by time alone.
    island.members = {
        id_: replace(row, readiness=Readiness.IN_PROGRESS) for id_, row in island.members.items()
    }
    assert await looks() == 1
    assert await looks() == 0
    scene.clock.move(301)
    assert await looks() == 1
    # A change that comes while they are being listed is not lost.
    scene.clock.move(301)

    async def stirring(wanted, failures):
        island.stir()
        return await listed(wanted, failures)

    island.observer.objects = stirring
    assert await looks() == 1
    island.observer.objects = listed
    assert await looks() == 1
    assert await looks() == 0


async def test_a_cluster_is_not_looked_at_while_it_is_written_to_unless_that_takes_long():
    scene = Scene()
    island = scene.island
    # Longer than any test: only its end lets a look come before.
    island.pace = replace(island.pace, gather=0.001, writing=3600.0)
    looked, apply, written = [], island.target.apply, asyncio.Event()
    cluster = island.observer.cluster

    async def slowly(plan):
        outcome = await apply(plan)
        await written.wait()
        return outcome

    async def looking(now):
        looked.append(written.is_set())
        return await cluster(now)

    island.target.apply, island.observer.cluster = slowly, looking
    stopping = asyncio.Event()
    work = asyncio.create_task(island.run(stopping))
    await until(lambda: looked)
    scene.want(tree("1", config_map("a")))
    await until(lambda: scene.names() == ["a"])
    for _ in range(100):
        await asyncio.sleep(0)  # a look that had begun before comes to its end
    looked.clear()
    for _ in range(20):
        island.stir()
        await asyncio.sleep(0.01)
    assert looked == []
    written.set()
    await until(lambda: looked)
    assert all(looked)
    island.pace = replace(island.pace, writing=0.01)
    # What waits for something to become ready is told meanwhile.
    written.clear()
    scene.want(tree("2", config_map("a"), config_map("b")))
    await until(lambda: scene.names() == ["a", "b"])
    looked.clear()
    await until(lambda: looked)
    written.set()
    stopping.set()
    await asyncio.wait_for(work, 60)
