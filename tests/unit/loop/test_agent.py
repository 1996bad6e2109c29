"""The agent's loop over a real branch and a cluster in memory: what it does while the remote answers, hangs, or speaks nonsense."""

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import structlog

from reconciler.git.branches import Release, project_clusters
from reconciler.git.commits import read_commit
from reconciler.git.mirror import open_mirror
from reconciler.git.remote import push, remote_for
from reconciler.git.urls import Role
from reconciler.git.writer import CommitFacts, write_changes
from reconciler.loop.agent import Agent
from reconciler.loop.clusterbranch import ClusterBranch
from reconciler.loop.reporter import Reporter
from reconciler.loop.triggers import Triggers
from reconciler.render.cluster_files import SETTINGS
from reconciler.settings import GuardLimits, RemoteUrls, Settings
from tests.unit.loop.fleets import config_map, one_pass, started
from tests.unit.loop.islands import Scene as IslandScene
from tests.unit.loop.islands import until


class Scene:
    """An agent of cluster b, its branch, and what its cluster holds."""

    def __init__(self, scene, mirror):
        self.repository, self.author, self.record = scene
        self.mirror = mirror
        self.at = IslandScene(name="b")
        self.agent = None

    def make(self, **changes):
        branch = ClusterBranch(
            cluster="b",
            repository=self.mirror,
            remote=replace(self.remote(Role.CLUSTER), **changes),
            branches=Settings().branches,
            limits=GuardLimits(),
        )

        def reporter(agent, handle):
            return Reporter(
                cluster="b",
                repository=handle,
                remote=self.remote(Role.REPORT),
                branches=Settings().branches,
                clock=self.at.clock,
                log=structlog.get_logger(),
                in_git=agent.in_remote,
                may_write=lambda: "",
            )

        self.agent = Agent(
            branch=branch,
            make_reporter=reporter,
            triggers=Triggers(poll_interval=0.0),
            log=structlog.get_logger(),
            grace=0.2,
        )
        self.at.island.unsure = self.agent.fresh.doubt
        self.at.island.changed = self.agent.changed
        self.at.target.trees = self.agent.objects_at
        return self.agent

    def remote(self, role):
        return remote_for(RemoteUrls(source=self.repository.url), role, cluster="b", laptop=True)

    def more(self, name, **files):
        self.author.commit_and_push(name, files or {f"apps/{name}.yaml": config_map(name)})
        return one_pass(self.record)

    def names(self):
        return sorted(id_.name for id_ in self.at.cluster.objects if id_.kind == "ConfigMap")

    @asynccontextmanager
    async def running(self, **changes):
        agent, stopping = self.make(**changes), asyncio.Event()
        work = asyncio.create_task(agent.run(self.at.island, stopping))
        try:
            yield agent
        finally:
            stopping.set()
            await asyncio.wait_for(work, 60)


@pytest.fixture
def site(scene, tmp_path):
    started(scene, 2)
    with open_mirror(tmp_path / "agent") as mirror:
        yield Scene(scene, mirror.repository)


def again(site):
    """The same agent started anew: a new worker on the same cluster and mirror."""
    found = Scene((site.repository, site.author, site.record), site.mirror)
    found.at.cluster = found.at.target.cluster = site.at.cluster
    return found


async def test_it_takes_its_branch_reports_and_takes_what_is_new(site):
    async with site.running() as agent:
        await until(lambda: site.names() == ["c00", "c01"])
        await until(lambda: "reconciler/report/b" in site.repository.branches())
        assert agent.ready() == ""
        site.more("more")
        agent.triggers.fire("test")
        await until(lambda: "more" in site.names())


async def test_a_remote_that_never_answers_does_not_keep_a_restart_from_healing_and_nothing_is_deleted(site):
    async with site.running():
        await until(lambda: site.names() == ["c00", "c01"])
    # It had fetched and taken that c01 goes, and ended before it was gone; since then c01 may be wanted again.
    site.more("one goes", **{"apps/c01.yaml": None})
    branch = site.make().branch
    branch.remember(branch.fetched())
    held = site.at.cluster
    held.objects = {id_: body for id_, body in held.objects.items() if id_.name != "c00"}
    restarted = again(site)
    with socket.socket() as silent, pytest.MonkeyPatch.context() as patch:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        patch.setattr("reconciler.loop.agent.STAND_AFTER", 0.3)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/fleet.git"
        async with restarted.running(url=url):
            await until(lambda: restarted.names() == ["c00", "c01"])
            await until(lambda: restarted.at.island.outcome is not None)
            assert restarted.names() == ["c00", "c01"]
    answered = again(restarted)
    async with answered.running():
        await until(lambda: answered.names() == ["c00"])


async def test_a_tree_that_it_cannot_read_does_not_end_the_healing_by_the_last_one(site):
    async with site.running() as agent:
        await until(lambda: site.names() == ["c00", "c01"])
        push_settings(site, b"[]")
        agent.triggers.fire("test")
        await until(lambda: "cannot be read: not a ClusterSettings document" in agent.trouble)
        held = site.at.cluster
        held.objects = {id_: body for id_, body in held.objects.items() if id_.name != "c00"}
        site.at.island.again()
        await until(lambda: site.names() == ["c00", "c01"])
        assert agent.ready() == ""
        site.more("more")
        agent.triggers.fire("test")
        await until(lambda: "more" in site.names() and agent.trouble == "")
        # What that tree allowed is not known, so it allowed nothing: its guard is not loosened by being broken.
        limits, _ = agent.rules_now
        assert (limits.max_deletions, limits.max_percent) == (0, 0)


def push_settings(site, data):
    """A commit of ours whose settings are of a form that this agent does not know."""
    tips = site.repository.branches()
    mirror = site.record.repository
    at = site.record.fetch()
    rendered = read_commit(mirror, at.rendered)
    written = write_changes(
        mirror,
        {f"clusters/b/{SETTINGS}": data},
        previous=at.rendered,
        facts=facts_of(rendered),
    )
    projection = project_clusters(
        mirror,
        written.commit,
        releases={"b": Release(complete=True)},
        tips={"b": tips["reconciler/cluster/b"]},
        branches=Settings().branches,
    )
    push(mirror, site.remote(Role.CLUSTER), projection.updates)
    site.record._tips_known = set()


def facts_of(commit):
    return CommitFacts(
        message="render",
        author_time=commit.author_time,
        committer_time=commit.committer_time,
        trailers=dict(commit.trailers),
    )
