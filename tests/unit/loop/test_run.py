"""The running reconciler over real repositories and clusters in memory: who waits for whom, and for whom nobody waits."""

import asyncio
import json
import socket
import threading
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import structlog
import structlog.testing
import yaml

from reconciler.errors import ReconcilerError
from reconciler.git.objects import Kind
from reconciler.git.repository import Batch
from reconciler.loop.freshness import Freshness
from reconciler.loop.island import Island
from reconciler.loop.run import Reconciler
from reconciler.loop.triggers import Triggers
from reconciler.model.observation import Readiness
from reconciler.plan.changes import Rules
from reconciler.scheduler.guarded import Origin, guarded_filter
from reconciler.scheduler.plugin import FITS, Filter
from reconciler.scheduler.registry import profile
from reconciler.settings import RemoteUrls, Settings
from reconciler.wiring import remotes_of
from tests.contract.memory import MemoryCluster, MemoryTarget
from tests.gitservers import bare_repository
from tests.unit.loop.fleets import cluster, config_map, fleet, observe, one_pass
from tests.unit.loop.islands import Clock, Observer, until


class Scene:
    """A reconciler, its remotes, and what each cluster holds."""

    def __init__(self, scene):
        self.repository, self.author, self.record = scene
        self.clusters = {}
        self.clock = Clock()
        self.program = None
        self.stopping = asyncio.Event()
        self.unmade = set()
        self.targets = {}

    def reconciler(self, **more):
        self.program = Reconciler(
            record=self.record,
            triggers=Triggers(poll_interval=0.0),
            make_island=self._island,
            aggregate=lambda body, _items: body,
            clock=self.clock,
            log=structlog.get_logger(),
            fresh=Freshness.polling(0.0),
            grace=0.2,
            **more,
        )
        return self.program

    def _island(self, cluster):
        if cluster.name in self.unmade:
            raise ReconcilerError(f"{cluster.name} cannot be reached at all")
        held = self.clusters.setdefault(cluster.name, MemoryCluster(name=cluster.name))

        async def tree(commit):
            return await self.program.asked.do(type(self.record).objects_at, commit, cluster.name)

        target = self.targets.get(cluster.name) or MemoryTarget(held, tree)
        return Island(
            name=cluster.name,
            target=target,
            observer=Observer(cluster.name),
            rules=lambda _desired: Rules(now=self.clock()),
            clock=self.clock,
            changed=self.program.status_changed,
            unsure=self.program.fresh.doubt,
            log=structlog.get_logger(),
        )

    def push(self, message, **files):
        return self.author.commit_and_push(message, files)

    def names(self, name="a"):
        held = self.clusters.get(name)
        return sorted(id_.name for id_ in held.objects if id_.kind == "ConfigMap") if held else []

    @asynccontextmanager
    async def running(self, **more):
        program = self.reconciler(**more)
        work = asyncio.create_task(program.run(self.stopping))
        try:
            yield program
        finally:
            self.stopping.set()
            await asyncio.wait_for(work, 60)


@pytest.fixture
def program(scene):
    found = Scene(scene)
    source = found.author.commit_and_push("first", {**fleet(2), "clusters/b.yaml": cluster("b")})
    observe(found.record, source, one_pass(found.record).commit)
    one_pass(found.record)
    return found


@pytest.fixture
def black_hole():
    """An address that takes connections and never says a word."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"


def with_urls(found, **urls):
    """The record's remotes with other addresses for some roles."""
    remotes = remotes_of(Settings(remotes=RemoteUrls(source=found.repository.url, **urls)), None, laptop=True)
    found.record.remotes = remotes


async def test_a_remote_of_cluster_branches_that_never_answers_holds_up_neither_truth_nor_delivery(
    program, black_hole, tmp_path
):
    bare_repository(tmp_path / "branches" / "a.git")
    with_urls(program, cluster=f"{black_hole}/{{cluster}}.git")
    async with program.running() as running:
        await until(lambda: program.names("a") == program.names("b") == ["c00", "c01"])
        started = time.monotonic()
        program.push("more", **{"apps/more.yaml": config_map("more")})
        running.triggers.fire("test")
        await until(lambda: "more" in program.names("a"))
        # git waits as long as it takes for the remote that is silent.
        assert time.monotonic() - started < 25
        await until(
            lambda: program.repository.branches()["reconciler/rendered"] == running.last.published.commit
        )


async def test_one_remote_of_many_that_is_not_there_is_said_for_its_cluster_and_the_others_are_shown(
    program, tmp_path
):
    shown = bare_repository(tmp_path / "branches" / "a.git")
    with_urls(program, cluster=f"{tmp_path.as_uri()}/branches/{{cluster}}.git")
    async with program.running() as running:
        await until(lambda: "reconciler/cluster/a" in shown.branches())
        await until(lambda: [each.code for each in running.problems(running.last)] == ["R603"])
        (problem,) = running.problems(running.last)
        assert problem.subject == "reconciler/cluster/b"
        assert "cannot fetch from the cluster remote" in problem.evidence[0]
        await until(lambda: program.names("b") == ["c00", "c01"])
        late = bare_repository(tmp_path / "branches" / "b.git")
        await until(lambda: "reconciler/cluster/b" in late.branches())
        await until(lambda: running.problems(running.last) == ())
    tree = program.repository.git("rev-parse", "reconciler/rendered:clusters/b")
    assert late.git("rev-parse", "reconciler/cluster/b^{tree}") == tree


async def test_a_remote_that_shows_everything_is_not_asked_at_every_pass(program, tmp_path):
    for name in ("a", "b"):
        bare_repository(tmp_path / "branches" / f"{name}.git")
    with_urls(program, cluster=f"{tmp_path.as_uri()}/branches/{{cluster}}.git")
    async with program.running() as running:
        asked = []
        do = running._pool.do

        async def counted(call, *arguments):
            asked.append(call.__name__)
            return await do(call, *arguments)

        running._pool.do = counted
        await until(lambda: len(running._projector._shown) == 2)
        for number in range(3):
            before = running.turned
            running.triggers.fire("test")
            await until(lambda before=before: running.turned > before and not running._passing)
            assert asked.count("project") == 2, number
        program.push("more", **{"apps/more.yaml": config_map("more")})
        running.triggers.fire("test")
        await until(lambda: asked.count("project") == 4)


async def test_nothing_is_delivered_of_a_truth_that_the_remote_refused(program):
    program.repository.refuse_pushes("main is frozen", refs="refs/heads/reconciler/rendered")
    program.push("more", **{"apps/more.yaml": config_map("more")})
    async with program.running() as running:
        await until(lambda: "main is frozen" in running.trouble)
        # The first pass failed, so what was pushed before is healed; the refused commit is nowhere.
        await until(lambda: program.names("a") == ["c00", "c01"])
        assert "reconciler/rendered" in running.trouble
        program.repository.accept_pushes()
        await until(lambda: "more" in program.names("a"))


async def test_a_host_that_never_answers_does_not_keep_a_restart_from_healing(program, black_hole):
    async with program.running():
        await until(lambda: program.names("a") == ["c00", "c01"])
    again = Scene((program.repository, program.author, program.record))
    again.clusters = program.clusters
    held = again.clusters["a"]
    held.objects = {id_: body for id_, body in held.objects.items() if id_.name != "c01"}
    # The truth on a host that takes the connection and no more; the mirror knows what was pushed last.
    remotes = program.record.remotes
    silent = replace(remotes.source, url=f"{black_hole}/fleet.git")
    program.record.remotes = replace(remotes, source=silent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reconciler.loop.run.STAND_AFTER", 0.3)
        async with again.running() as running:
            await until(lambda: again.names("a") == ["c00", "c01"])
            assert running.last is None
            assert running.ready() == "no pass has succeeded yet"
            stopped = time.monotonic()
    # And it stops, although git was still waiting for a word.
    assert time.monotonic() - stopped < 25


class Stuck:
    """A target whose write does not end by itself."""

    name = "b"

    def __init__(self):
        self.real = MemoryTarget(MemoryCluster(name="b"), self._no_tree)
        self.entered = asyncio.Event()
        self.let_go = asyncio.Event()

    async def _no_tree(self, _commit):
        return None

    async def inspect(self, desired, *, full=True):
        return await self.real.inspect(desired, full=full)

    async def apply(self, plan):
        self.entered.set()
        await self.let_go.wait()
        return await self.real.apply(plan)

    async def close(self):
        pass


async def test_a_cluster_that_leaves_while_it_hangs_holds_up_nobody(program):
    stuck = Stuck()
    program.targets["b"] = stuck
    leaving = {"clusters/b.yaml": None, "approvals/b.yaml": removal("b")}
    async with program.running() as running:
        await until(lambda: stuck.entered.is_set() and program.names("a") == ["c00", "c01"])
        program.push("b leaves", **leaving, **{"apps/more.yaml": config_map("more")})
        running.triggers.fire("test")
        await until(lambda: "more" in program.names("a"))
        assert set(running.islands) == {"a"}
        stuck.let_go.set()


async def test_a_cluster_that_comes_back_is_served_by_one_worker_after_the_other(program):
    stuck = Stuck()
    program.targets["b"] = stuck
    async with program.running() as running:
        await until(stuck.entered.is_set)
        del program.targets["b"]
        # Another way into the same cluster: a new connection, so a new worker.
        changed = cluster("b").replace('"syncMode"', '"apiEndpoint": "https://b.example.com", "syncMode"')
        program.push("another way", **{"clusters/b.yaml": changed, "apps/more.yaml": config_map("more")})
        running.triggers.fire("test")
        await until(lambda: "more" in program.names("a"))
        assert program.names("b") == []
        stuck.let_go.set()
        await until(lambda: "more" in program.names("b"))


async def test_a_cluster_that_cannot_even_be_begun_with_is_not_the_others_trouble(program):
    program.unmade.add("a")
    async with program.running() as running:
        await until(lambda: program.names("b") == ["c00", "c01"])
        assert set(running.islands) == {"b"}
        assert running.trouble == ""
        program.unmade.clear()
        running.triggers.fire("test")
        await until(lambda: program.names("a") == ["c00", "c01"])


def removal(name):
    spec = {
        "objects": [{"apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "name": name}],
        "clusters": ["*"],
        "expires": "2099-01-01T00:00:00Z",
    }
    return json.dumps(
        {
            "apiVersion": "fleet-reconciler/v1alpha1",
            "kind": "Approval",
            "metadata": {"name": "leaves"},
            "spec": spec,
        }
    )


class Sparing:
    """A rate that makes each push wait a little."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.spent = []

    def wait(self, remote, *, kept=0):
        return self.seconds

    def spend(self, remote):
        self.spent.append(remote.role.value)


async def test_what_arrives_while_the_host_is_spared_goes_with_one_push(program):
    rate = Sparing(0.0)
    async with program.running(rate=rate) as running:
        await until(lambda: program.names("a") == ["c00", "c01"])
        await until(lambda: "status" in rate.spent)
        # Made beforehand, so that they arrive one soon after the other.
        coming = [
            program.author.commit(name, {f"apps/{name}.yaml": config_map(name)})
            for name in ("one", "two", "three")
        ]
        program.author.push("HEAD:refs/heads/next")
        # No pass is under way that did not wait, and would take the first of them alone.
        await until(lambda: not running._passing)
        rate.seconds, before = 2.0, rate.spent.count("rendered")
        for commit in coming:
            program.repository.git("update-ref", "refs/heads/main", commit)
            running.triggers.fire("test")
            await asyncio.sleep(0.1)
        await until(lambda: {"one", "two", "three"} <= set(program.names("a")))
        assert rate.spent.count("rendered") == before + 1
    sources = program.repository.log(
        "reconciler/rendered", "%(trailers:key=Source-Commit,valueonly,separator=)"
    )
    assert program.author.head in sources


async def test_many_packs_are_merged_while_the_program_runs(program):
    packs = program.record.repository.pack_directory
    for number in range(60):
        batch = Batch()
        batch.add(Kind.BLOB, b"%d" % number)
        program.record.repository.write(batch.objects)
    assert len(list(packs.glob("*.pack"))) >= 60
    async with program.running():
        await until(lambda: len(list(packs.glob("*.pack"))) < 50)
        program.push("more", **{"apps/more.yaml": config_map("more")})
        program.program.triggers.fire("test")
        await until(lambda: "more" in program.names("a"))


async def test_the_repository_may_have_its_counters_less_often_and_never_more_often(program):
    async with program.running(status_interval=300.0) as running:
        await until(lambda: program.names("a") == ["c00", "c01"])
        writer = running._status
        assert writer._cadence(running.last).total_seconds() == 300
        for interval, seconds in (("1m", 300), ("20m", 1200)):
            program.push(interval, **{"reconciler.yaml": settings(statusInterval=interval)})
            running.triggers.fire("test")
            await until(lambda: running.last.decision.source.commit == program.author.head)
            assert writer._cadence(running.last).total_seconds() == seconds


def settings(**spec):
    """A reconciler.yaml."""
    return json.dumps(
        {
            "apiVersion": "fleet-reconciler/v1alpha1",
            "kind": "FleetConfig",
            "metadata": {"name": "fleet"},
            "spec": spec,
        }
    )


async def test_a_stop_finishes_the_write_that_is_under_way_and_begins_no_other(program):
    stuck = Stuck()
    program.targets["b"] = stuck
    running = program.reconciler()
    work = asyncio.create_task(running.run(program.stopping))
    await until(stuck.entered.is_set)
    program.stopping.set()
    await asyncio.sleep(0.3)
    assert not work.done()
    assert running.may_deliver() == "the program is being stopped"
    stuck.let_go.set()
    await asyncio.wait_for(work, 60)
    assert sorted(id_.name for id_ in stuck.real.cluster.objects) == ["c00", "c01"]


async def test_without_the_lease_nothing_is_published_delivered_or_told(program):
    async with program.running() as running:
        await until(lambda: program.names("a") == ["c00", "c01"])
        running.may_write = lambda: "the lease is lost"
        # What was under way may end: then a pass has failed, and a status was not even begun.
        running.triggers.fire("test")
        await until(lambda: "the lease is lost" in running.trouble)
        await told(running)
        before = program.repository.branches()
        program.push("more", **{"apps/more.yaml": config_map("more")})
        passes = []
        running.hooks = replace(running.hooks, passed=passes.append)
        running.triggers.fire("test")
        await until(lambda: passes == ["failed"])
        # There is something to tell, too.
        island = running.islands["a"]
        island.observer.readiness = Readiness.FAILED
        island.stir()
        await until(
            lambda: {each.readiness for each in island.members.values()} == {Readiness.FAILED},
        )
        await told(running)
        assert running.may_deliver() == "the lease is lost"
        after = program.repository.branches()
        assert {name: tip for name, tip in after.items() if name != "main"} == {
            name: tip for name, tip in before.items() if name != "main"
        }
        assert program.names("a") == ["c00", "c01"]


async def told(running):
    """Wait until the status writer has begun anew, and so ended what it was at, after now."""
    running.status_changed()
    await until(lambda: not running._status._changed.is_set())


async def test_a_status_that_another_process_of_ours_moved_is_written_upon(program):
    async with program.running() as running:
        await until(lambda: program.names("a") == ["c00", "c01"])
        await until(lambda: running._status.tip != "")
        held, go_on = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()
        holding = asyncio.create_task(
            running._status.lane.do(lambda _: (loop.call_soon_threadsafe(held.set), go_on.wait(60)))
        )
        await held.wait()
        try:
            other = running.record.beside()
            observe(other, program.author.head, running.last.published.commit)
            theirs = program.repository.branches()["reconciler/status"]
        finally:
            go_on.set()
            await holding
        program.push("more", **{"apps/more.yaml": config_map("more")})
        running.triggers.fire("test")
        await until(
            lambda: running._status.tip not in ("", theirs) and "more" in program.names("a"),
        )
        await until(
            lambda: program.author.head[:12] in program.repository.log("reconciler/status", "%s")[0],
        )
        assert theirs in program.repository.log("reconciler/status", "%H")


async def test_a_status_counts_the_problems_of_the_pass_that_it_names(program):
    program.push("broken", **{"apps/broken.yaml": "a: ["})
    async with program.running() as running:
        writer = running._status
        writer.coalesce = 60.0  # what is written is written here
        await until(lambda: running.last is not None)
        broken, go_on = running.last, threading.Event()
        waiting = asyncio.create_task(writer.lane.do(lambda _: go_on.wait(60)))
        telling = asyncio.create_task(writer.write(broken))
        program.push("whole", **{"apps/broken.yaml": config_map("whole")})
        running.triggers.fire("test")
        await until(lambda: running.last is not broken)
        go_on.set()
        await asyncio.gather(waiting, telling)
        summary = yaml.safe_load(program.repository.read("reconciler/status", "summary.yaml"))
        assert summary["sourceCommit"] == broken.decision.source.commit
        assert summary["complete"] is False
        assert any(code.startswith("R1") for code in summary["problems"])


async def test_a_pass_that_hangs_for_ten_minutes_is_not_healthy_and_a_quiet_hour_is(program):
    running = program.reconciler()
    running.turned -= 3600
    assert running.healthy() == ""
    running._passing = True
    assert "a pass has been running for 36" in running.healthy()
    running.turned += 3600
    assert running.healthy() == ""
    await running._archipelago.end()


async def test_a_plugin_that_breaks_is_logged_with_whose_it_is_and_takes_nothing_away(program):
    """One map loses its verdict in the very change that another one is deleted by: both stay until it works."""

    def check(context, _cluster):
        if context.binding.resource.name == "c00":
            raise LookupError("no such label")
        return FITS

    origin = Origin(name="Odd", kind="filter", distribution="my-plugin 1.0")
    async with program.running() as running:
        await until(lambda: program.names("a") == ["c00", "c01"])
        whole = program.record.profiles
        broken = guarded_filter(Filter(name="Odd", check=check), origin)
        running.record.profiles = {"default-scheduler": profile(filters=[broken])}
        with structlog.testing.capture_logs() as said:
            program.push("one goes", **{"apps/c01.yaml": None, "apps/c02.yaml": config_map("c02")})
            running.triggers.fire("test")
            await until(lambda: "c02" in program.names("a"))
            # The islands are told of a tree before the log is.
            await until(lambda: any(each["event"] == "problem.found" for each in said))
        assert program.names("a") == ["c00", "c01", "c02"]
        (row,) = [each for each in said if each["event"] == "problem.found"]
        assert row["code"] == "R305"
        assert row["evidence"] == ["Odd, a filter of my-plugin 1.0: check raised LookupError: no such label"]
        running.record.profiles = whole
        running.triggers.fire("test")
        await until(lambda: program.names("a") == ["c00", "c02"])
