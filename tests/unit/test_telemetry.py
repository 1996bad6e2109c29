"""What `/metrics` says of the fleet, as Prometheus reads it."""

import asyncio
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from reconciler import telemetry
from reconciler.errors import SettingsError
from reconciler.loop.server import Probe, parse_address, serve_probes
from reconciler.model.cluster import ClusterStatus, Condition
from reconciler.model.observation import ClusterReport
from reconciler.plan.report import delivery_problem
from tests.unit.loop.islands import Scene, config_map, tree


@pytest.fixture
async def scrape():
    trouble = {"healthy": "", "ready": "no pass has succeeded yet"}
    probe = Probe(healthy=lambda: trouble["healthy"], ready=lambda: trouble["ready"])
    runner = await serve_probes("127.0.0.1:0", probe, telemetry.REGISTRY)
    host, port = runner.addresses[0][:2]

    def get(path):
        try:
            with urllib.request.urlopen(f"http://{host}:{port}{path}") as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    async def asked(path="/metrics"):
        return await asyncio.to_thread(get, path)

    asked.trouble = trouble
    yield asked
    await runner.cleanup()
    for metric in (telemetry.CLUSTER_READY, telemetry.CLUSTER_LAG_SECONDS, telemetry.OBJECTS):
        metric.clear()


async def rows(scrape, name):
    _, text = await scrape()
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def report(name, ready="True"):
    return ClusterReport(name=name, status=ClusterStatus(conditions=(Condition(type="Ready", status=ready),)))


async def test_the_fleet_is_told_as_it_is_and_what_left_is_gone(scrape):
    hooks = telemetry.hooks()
    one, two = Scene(name="one"), Scene(name="two")
    one.want(tree("1", config_map("a"), config_map("b"), cluster="one"))
    await one.deliver()
    problem = delivery_problem("R513", "one", "is not ready")
    islands = {"one": one.island, "two": two.island}
    reports = {"one": report("one"), "two": report("two", "False"), "edge": report("edge", "Unknown")}
    hooks.fleet(islands, (problem,), reports)
    ready = await rows(scrape, "fleet_reconciler_cluster_ready")
    assert ready == {(("cluster", "one"),): 1, (("cluster", "two"),): 0, (("cluster", "edge"),): 0}
    objects = await rows(scrape, "fleet_reconciler_objects")
    assert objects[(("action", "create"), ("cluster", "one"))] == 2
    assert (await rows(scrape, "fleet_reconciler_problems"))[(("severity", "warning"),)] == 1
    # The next pass does something else, and nothing of the last one stays.
    one.want(tree("2", config_map("a"), config_map("b"), config_map("c"), cluster="one"))
    await one.deliver()
    del islands["two"], reports["two"], reports["edge"]
    hooks.fleet(islands, (), reports)
    objects = await rows(scrape, "fleet_reconciler_objects")
    assert objects[(("action", "create"), ("cluster", "one"))] == 1
    assert objects[(("action", "unchanged"), ("cluster", "one"))] == 2
    assert {dict(labels)["cluster"] for labels in objects} == {"one"}
    for name in ("fleet_reconciler_cluster_ready", "fleet_reconciler_cluster_lag_seconds"):
        assert set(await rows(scrape, name)) == {(("cluster", "one"),)}


async def test_a_cluster_falls_behind_although_nobody_tells_anything(scrape):
    hooks = telemetry.hooks()
    scene = Scene(name="slow")
    scene.want(tree("1", config_map("a"), cluster="slow"))
    hooks.fleet({"slow": scene.island}, (), {})
    scene.clock.move(700)
    lag = await rows(scrape, "fleet_reconciler_cluster_lag_seconds")
    assert lag == {(("cluster", "slow"),): 700}
    await scene.deliver()
    assert await rows(scrape, "fleet_reconciler_cluster_lag_seconds") == {(("cluster", "slow"),): 0}


async def test_the_stages_of_a_workers_pass_are_counted(scrape):
    hooks = telemetry.hooks()
    scene = Scene(stage=hooks.stage)
    before = await rows(scrape, "fleet_reconciler_stage_seconds_count")
    scene.want(tree("1", config_map("a")))
    await scene.deliver()
    after = await rows(scrape, "fleet_reconciler_stage_seconds_count")
    for stage in ("inspect", "apply"):
        label = (("stage", stage),)
        assert after[label] == before.get(label, 0) + 1


async def test_probes_say_what_is_missing_and_then_that_nothing_is(scrape):
    assert await scrape("/healthz") == (200, "ok")
    assert await scrape("/readyz") == (503, "no pass has succeeded yet")
    scrape.trouble["ready"] = ""
    scrape.trouble["healthy"] = "a pass has been running for 700 s"
    assert await scrape("/readyz") == (200, "ok")
    assert await scrape("/healthz") == (503, "a pass has been running for 700 s")
    assert (await scrape("/other"))[0] == 404


def test_an_address_is_host_and_port():
    assert parse_address("[::1]:8081") == ("::1", 8081)
    assert parse_address(":8081") == ("127.0.0.1", 8081)
    for text in ("host:", "host:70000", "host:x"):
        with pytest.raises(SettingsError, match="not HOST:PORT"):
            parse_address(text)
