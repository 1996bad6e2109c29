"""An agent's report, from its island to what the reconciler believes of it: real Git between the two."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog

from reconciler.git.mirror import open_mirror
from reconciler.git.remote import remote_for
from reconciler.git.urls import Role
from reconciler.loop.lanes import Pool
from reconciler.loop.reporter import Reporter
from reconciler.loop.reports import Reports
from reconciler.model.observation import MemberStatus, Readiness
from reconciler.settings import RemoteUrls, Settings
from tests.unit.loop.islands import Scene as IslandScene
from tests.unit.loop.islands import config_map, tree

BRANCH = "reconciler/report/b"


@pytest.fixture
async def agent(scene, tmp_path):
    """An island with its reporter, and the reconciler's reports on the other side."""
    repository, _, record = scene
    with open_mirror(tmp_path / "agent") as mirror:
        found = IslandScene(name="b")
        found.repository, found.record = repository, record
        found.reporter = Reporter(
            cluster="b",
            repository=mirror.repository,
            remote=remote_for(RemoteUrls(source=repository.url), Role.REPORT, cluster="b", laptop=True),
            branches=Settings().branches,
            clock=found.clock,
            log=structlog.get_logger(),
            in_git=asyncio.to_thread,
            may_write=lambda: "",
        )
        found.reports = Reports(pool=Pool(record, "test"), log=structlog.get_logger(), interval=300.0)
        found.want(tree("1" * 40, config_map("a"), cluster="b"))
        await found.deliver()
        await found.island.observe()
        yield found


def history(agent):
    return agent.repository.log(BRANCH, "%H %ct")


async def test_a_heartbeat_replaces_the_tip_and_a_transition_adds_to_it(agent):
    await agent.reporter.report(agent.island)
    (first,) = history(agent)
    agent.clock.move(299)
    await agent.reporter.report(agent.island)
    assert history(agent) == [first]
    for _ in range(5):
        agent.clock.move(301)
        await agent.reporter.report(agent.island)
    (heartbeat,) = history(agent)
    assert heartbeat != first
    assert int(heartbeat.split()[1]) == int(agent.clock.now.timestamp())
    ill = {
        id_: MemberStatus(cluster="b", applied=True, readiness=Readiness.FAILED)
        for id_ in agent.island.members
    }
    agent.island.members = ill
    await agent.reporter.report(agent.island)
    assert len(history(agent)) == 2
    # The next start knows nothing of what was told, and finds it on the branch.
    again = replace(agent.reporter, _reported={}, _reported_at=None)
    await again.report(agent.island)
    assert len(history(agent)) == 2


async def test_numbers_wait_for_the_next_heartbeat(agent):
    await agent.reporter.report(agent.island)
    before = history(agent)
    for number in range(20):
        agent.clock.move(10)
        agent.island.members = {
            id_: replace(row, status={"observed": number}) for id_, row in agent.island.members.items()
        }
        await agent.reporter.report(agent.island)
    assert history(agent) == before
    agent.clock.move(101)
    await agent.reporter.report(agent.island)
    assert history(agent) != before


async def test_three_missed_intervals_make_a_cluster_unknown_and_the_next_report_known_again(agent):
    await agent.reporter.report(agent.island)
    await agent.reports.refresh(["b"], agent.clock())
    assert ready(agent) == "True"
    agent.clock.move(900)
    assert ready(agent) == "True"
    agent.clock.move(1)
    assert ready(agent) == "Unknown"
    condition = agent.reports.of("b", agent.clock()).cluster.status.condition("Ready")
    assert condition.reason == "ClusterStatusUnknown"
    # What it said of its objects stays: silence is no news of them.
    assert {row.applied for row in agent.reports.of("b", agent.clock()).members.values()} == {True}
    await agent.reporter.report(agent.island)
    await agent.reports.refresh(["b"], agent.clock())
    assert ready(agent) == "True"


async def test_an_agent_whose_clock_is_behind_is_heard_and_one_whose_clock_is_ahead_is_missed_in_time(agent):
    now = agent.clock
    behind = replace(agent.reporter, clock=lambda: now() - timedelta(hours=2))
    await behind.report(agent.island)
    await agent.reports.refresh(["b"], now())
    # What lies there at our start may be as old as it says.
    assert ready(agent) == "Unknown"
    now.move(301)
    await behind.report(agent.island)
    await agent.reports.refresh(["b"], now())
    # What came while we looked is not.
    assert ready(agent) == "True"
    ahead = replace(agent.reporter, clock=lambda: now() + timedelta(hours=2))
    await ahead.report(agent.island)
    await agent.reports.refresh(["b"], now())
    now.move(901)
    assert ready(agent) == "Unknown"


async def test_a_report_that_cannot_be_fetched_is_not_waited_for_and_arrives_when_it_comes(agent):
    arrived = []
    gate = asyncio.Event()
    pool = agent.reports.pool

    class Slow:
        record = pool.record

        async def do(self, call, *arguments):
            if call is type(pool.record).report_tips:
                await gate.wait()
            return await pool.do(call, *arguments)

    reports = Reports(
        pool=Slow(),
        log=structlog.get_logger(),
        interval=300.0,
        patience=0.05,
        arrived=lambda: arrived.append(1),
    )
    await agent.reporter.report(agent.island)
    await reports.refresh(["b"], agent.clock())
    await reports.refresh(["b"], agent.clock())
    assert reports.of("b", agent.clock()) is None
    assert len(reports._fetching) == 1
    gate.set()
    async with asyncio.timeout(60):
        while not arrived:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.01)
    assert reports.of("b", agent.clock()) is not None


def ready(agent):
    return agent.reports.of("b", agent.clock()).cluster.status.condition("Ready").status


async def test_a_fleet_may_have_its_numbers_less_often_and_heartbeats_go_on(agent):
    agent.reporter.cadence = 1000.0
    await agent.reporter.report(agent.island)
    told = agent.repository.files(BRANCH)
    content = [agent.repository.read(BRANCH, path) for path in told]
    for number in range(3):
        agent.clock.move(301)
        agent.island.members = {
            id_: replace(row, status={"observed": number}) for id_, row in agent.island.members.items()
        }
        before = history(agent)
        await agent.reporter.report(agent.island)
        assert history(agent) != before
        assert [agent.repository.read(BRANCH, path) for path in told] == content
    agent.clock.move(100)
    agent.clock.move(301)
    await agent.reporter.report(agent.island)
    assert [agent.repository.read(BRANCH, path) for path in told] != content
