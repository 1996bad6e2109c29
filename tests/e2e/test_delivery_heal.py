"""Drift on real API servers: what others change is put back at once, and a fight is told from drift."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from reconciler.kube.watch import EventType, follow
from reconciler.model.marks import PART_OF
from reconciler.plan.changes import Rules
from reconciler.plan.inventory import apply_set_id
from reconciler.targets.fight import FightDetector
from reconciler.targets.heal import Healer
from tests.contract.delivering import (
    UNGUARDED,
    Commits,
    config_map,
    definition,
    deliver,
    deployment,
    namespace,
    target_of,
    widget,
)

OURS = f"{PART_OF}={apply_set_id('fleet-reconciler')}"


async def until(condition, *, seconds: float = 20.0):
    for _ in range(int(seconds / 0.05)):
        found = condition()
        if found:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen in time")


@asynccontextmanager
async def healing(target, **fields):
    """A healer that runs until the end, with what it told."""
    told: dict[str, list] = {"fights": [], "corrected": []}
    rules = Rules(now=datetime.now(UTC), limits=UNGUARDED)
    healer = Healer(
        target=target,
        correct=lambda ids: target.put_back(ids, rules),
        fighting=told["fights"].append,
        corrected=told["corrected"].append,
        survey=0.2,
        **fields,
    )
    stopping = asyncio.Event()
    task = asyncio.create_task(healer.run(stopping))
    try:
        yield healer, told
    finally:
        stopping.set()
        await task


async def test_what_others_change_or_delete_is_put_back_at_once(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    wanted = commits.commit(
        namespace(), config_map("a", key="ours"), definition(), widget(size=1), deployment(replicas=1)
    )
    async with target_of(plane, commits) as target:
        await deliver(target, wanted)
        async with healing(target) as (healer, told):
            await until(lambda: "Widget.shop.example.com" in healer.watched_kinds)
            plane.kubectl("delete", "configmap", "a", "-n", "shop")
            await until(lambda: plane.find("configmap", "a", "shop"))
            plane.kubectl("patch", "widget", "one", "-n", "shop", "--type=merge", "-p", '{"spec":{"size":7}}')
            await until(lambda: plane.find("widget", "one", "shop")["spec"]["size"] == 1)
            plane.kubectl("scale", "deployment", "web", "-n", "shop", "--replicas=4")
            await until(lambda: plane.find("deployment", "web", "shop")["spec"]["replicas"] == 1)
            expected = {"ConfigMap shop/a", "Deployment.apps shop/web", "Widget.shop.example.com shop/one"}
            await until(
                lambda: {str(id_) for outcome in told["corrected"] for id_ in outcome.written} == expected
            )
            assert told["fights"] == []


async def test_a_namespace_that_somebody_deletes_comes_back_with_all_that_was_in_it(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    wanted = [namespace(), config_map("a", key="ours"), config_map("b", key="ours"), deployment(replicas=1)]

    def there() -> bool:
        maps = {"a", "b"} <= {*plane.names("configmaps", "shop")}
        return maps and plane.names("deployments", "shop") == ["web"]

    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(*wanted))
        uid = plane.find("namespace", "shop")["metadata"]["uid"]
        async with healing(target) as (healer, told):
            await until(lambda: {"ConfigMap", "Deployment.apps", "Namespace"} <= {*healer.watched_kinds})
            # What goes first cannot be made again while the whole is going, and nothing tells when it can.
            plane.kubectl("delete", "namespace", "shop", "--wait=false")
            await until(
                lambda: (plane.find("namespace", "shop") or wanted[0])["metadata"].get("uid", uid) != uid,
                seconds=60,
            )
            await until(there, seconds=90)
            assert told["fights"] == []


async def test_beside_a_refused_neighbour_drift_is_put_back_and_what_is_new_waits(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    wanted = [
        namespace(),
        config_map("stands", key="ours"),
        config_map("waits", key="old"),
        deployment(replicas=1),
    ]

    def drift(name: str, value: str) -> None:
        change = json.dumps({"data": {"key": value}})
        plane.kubectl("patch", "configmap", name, "-n", "shop", "--type=merge", "-p", change)

    def value(name: str) -> str:
        return plane.find("configmap", name, "shop")["data"]["key"]

    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(*wanted))
        async with healing(target) as (healer, told):
            await until(lambda: {"ConfigMap", "Deployment.apps"} <= {*healer.watched_kinds})
            refused = deployment(replicas=-1)
            wanted = [namespace(), config_map("stands", key="ours"), config_map("waits", key="new"), refused]
            _, outcome = await deliver(target, commits.commit(*wanted))
            assert {str(id_) for id_ in outcome.failed} == {"Deployment.apps shop/web"}
            assert value("waits") == "old"
            # One event alone, and together with those of the others.
            drift("waits", "theirs")
            await asyncio.sleep(1.0)
            assert value("waits") == "theirs"
            plane.kubectl("scale", "deployment", "web", "-n", "shop", "--replicas=4")
            drift("waits", "theirs again")
            drift("stands", "theirs")
            await until(lambda: value("stands") == "ours")
            # A whole pass knows the difference as well, and so do the watches after it.
            plane.kubectl("scale", "deployment", "web", "-n", "shop", "--replicas=5")
            await deliver(target, commits.commit(*wanted))
            plane.kubectl("delete", "configmap", "stands", "-n", "shop")
            await until(lambda: plane.find("configmap", "stands", "shop") and value("stands") == "ours")
            await asyncio.sleep(0.5)
            assert value("waits") == "theirs again"
            assert plane.find("deployment", "web", "shop")["spec"]["replicas"] == 5
            written = {str(id_) for outcome in told["corrected"] for id_ in outcome.written}
            assert written == {"ConfigMap shop/stands"}
            wanted[-1] = deployment(replicas=2)
            await deliver(target, commits.commit(*wanted))
            assert value("waits") == "new"
            assert plane.find("deployment", "web", "shop")["spec"]["replicas"] == 2


async def test_a_whole_pass_puts_drift_back_beside_a_refused_neighbour(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(
            target,
            commits.commit(namespace(), config_map("stands", key="ours"), config_map("waits", key="old")),
        )
        wanted = [
            namespace(),
            config_map("stands", key="ours"),
            config_map("waits", key="new"),
            deployment(replicas=-1),
        ]
        plane.kubectl("delete", "configmap", "stands", "-n", "shop")
        _, outcome = await deliver(target, commits.commit(*wanted))
        assert [str(id_) for id_ in outcome.written] == ["ConfigMap shop/stands"]
        assert plane.find("configmap", "waits", "shop")["data"] == {"key": "old"}


async def test_our_own_passes_are_no_drift_and_neither_is_anybody_elses_object(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), config_map("a")))
        async with healing(target) as (healer, told):
            await until(lambda: "ConfigMap" in healer.watched_kinds)
            many = [config_map(f"c{number}") for number in range(50)]
            mark = plane.audit_mark()
            await deliver(target, commits.commit(namespace(), *many, deployment()))
            plane.apply(config_map("theirs"))
            plane.kubectl("delete", "configmap", "theirs", "-n", "shop")
            await until(
                lambda: (
                    "True"
                    in plane.kubectl(
                        "get",
                        "deployment",
                        "web",
                        "-n",
                        "shop",
                        "-o",
                        "jsonpath={.status.conditions[?(@.type=='Available')].status}",
                    )
                )
            )
            await asyncio.sleep(0.5)
            assert told["corrected"] == []
            names = [write.name for write in plane.writes(since=mark) if write.verb == "patch"]
            assert sorted(names) == sorted(["web", *(f"c{number}" for number in range(50))])


async def test_a_label_taken_off_by_hand_is_respected_by_the_watches_too(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), config_map("a", key="ours")))
        async with healing(target) as (healer, _):
            await until(lambda: "ConfigMap" in healer.watched_kinds)
            plane.kubectl("label", "configmap", "a", "-n", "shop", f"{PART_OF}-")
            plane.kubectl(
                "patch", "configmap", "a", "-n", "shop", "--type=merge", "-p", '{"data":{"key":"theirs"}}'
            )
            await asyncio.sleep(1.0)
            assert plane.find("configmap", "a", "shop")["data"] == {"key": "theirs"}


async def test_somebody_who_keeps_writing_is_named_a_fight_and_waited_for(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(
            target, commits.commit(namespace(), config_map("a", key="ours"), config_map("b", key="ours"))
        )
        detector = FightDetector(threshold=2.5, first_wait=600.0)
        async with healing(target, detector=detector) as (healer, told):
            await until(lambda: "ConfigMap" in healer.watched_kinds)
            for _ in range(3):
                plane.kubectl(
                    "patch", "configmap", "a", "-n", "shop", "--type=merge", "-p", '{"data":{"key":"theirs"}}'
                )
                await until(lambda: plane.find("configmap", "a", "shop")["data"] == {"key": "ours"})
            await until(lambda: told["fights"])
            (problem,) = told["fights"]
            assert (problem.code, problem.subject) == ("R514", "ConfigMap shop/a")
            plane.kubectl(
                "patch", "configmap", "a", "-n", "shop", "--type=merge", "-p", '{"data":{"key":"theirs"}}'
            )
            plane.kubectl(
                "patch", "configmap", "b", "-n", "shop", "--type=merge", "-p", '{"data":{"key":"theirs"}}'
            )
            await until(lambda: plane.find("configmap", "b", "shop")["data"] == {"key": "ours"})
            assert plane.find("configmap", "a", "shop")["data"] == {"key": "theirs"}


async def test_drift_while_the_server_was_away_is_found_when_it_comes_back(start_cluster):
    plane = start_cluster("away")
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), config_map("a", key="ours")))
        async with healing(target) as (healer, _):
            await until(lambda: "ConfigMap" in healer.watched_kinds)
            plane.restart()
            plane.kubectl(
                "patch", "configmap", "a", "-n", "shop", "--type=merge", "-p", '{"data":{"key":"theirs"}}'
            )
            await until(lambda: plane.find("configmap", "a", "shop")["data"] == {"key": "ours"}, seconds=60)


async def test_a_suspended_cluster_is_not_healed(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    reason = [""]
    async with target_of(plane, commits, answers={"stopped": lambda: reason[0]}) as target:
        await deliver(target, commits.commit(namespace(), config_map("a", key="ours")))
        async with healing(target) as (healer, _):
            await until(lambda: "ConfigMap" in healer.watched_kinds)
            reason[0] = "suspended"
            mark = plane.audit_mark()
            plane.kubectl(
                "patch", "configmap", "a", "-n", "shop", "--type=merge", "-p", '{"data":{"key":"theirs"}}'
            )
            await asyncio.sleep(1.0)
            assert plane.writes(since=mark) == []


async def test_a_watch_goes_on_over_its_own_end_and_sees_every_change(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), config_map("a")))
        client = target.site.client
        resource = (await client.discovery()).find("v1", "ConfigMap")
        seen: list[tuple[EventType, list[str]]] = []

        def note(event) -> None:
            seen.append((event.type, [body["metadata"]["name"] for body in event.objects]))

        async def watch() -> None:
            # Without luck: less than a second is no limit to the server.
            async for event in follow(client, resource, labels=OURS, seconds=1.0, dice=lambda: 0.5):
                note(event)

        task = asyncio.create_task(watch())
        await until(lambda: seen)
        for number in range(3):
            await asyncio.sleep(1.2)
            await deliver(target, commits.commit(namespace(), config_map("a", key=f"{number}")))
        await until(lambda: len(seen) >= 4)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert seen == [(EventType.LISTED, ["a"]), *[(EventType.MODIFIED, ["a"])] * 3]


async def test_a_watch_from_a_version_that_the_server_forgot_begins_with_a_list(start_cluster):
    plane = start_cluster("forgetful")
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), config_map("a")))
        # A server that starts remembers nothing that was before.
        plane.restart()
        client = target.site.client
        resource = (await client.discovery()).find("v1", "ConfigMap")
        async with asyncio.timeout(20):
            async for event in follow(client, resource, labels=OURS, version="1"):
                assert event.type is EventType.LISTED
                assert [body["metadata"]["name"] for body in event.objects] == ["a"]
                break


async def test_more_objects_than_a_page_holds_are_all_listed(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    many = [config_map(f"c{number:03}") for number in range(620)]
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), *many))
        plan, _ = await deliver(target, commits.commit(namespace(), *many[:610]))
        assert len(plan.deletions) == 10
        live = await target.inspect(commits.commit(namespace(), *many[:610]))
        assert len(live.inventory) == 611
    assert len(plane.names("configmaps", "shop", selector=OURS)) == 610
