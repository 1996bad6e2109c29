"""Suspension by each of its ways, for the reconciler and for the agent: nothing is written while it lasts, then all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.controlplane import ControlPlane
from tests.controlplane.polling import eventually
from tests.e2e.program import Program, run_cli
from tests.e2e.scenes import Fleet, shown_on_failure, summary_of


@pytest.fixture(scope="module")
def planes(fleet_of_clusters) -> Iterator[tuple[ControlPlane, ...]]:
    """The three clusters of the session; what this file makes in them goes when it is done."""
    yield fleet_of_clusters
    with ThreadPoolExecutor(len(fleet_of_clusters)) as pool:
        list(pool.map(ControlPlane.clean, fleet_of_clusters))


def said(*arguments: str, cwd: Path | None = None) -> str:
    answer = run_cli(*arguments, cwd=cwd)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def sync_of(fleet: Fleet, plane: ControlPlane) -> str:
    """The status's word on one cluster's delivery."""
    rows = {row["name"]: row for row in summary_of(fleet.repository)["clusters"]}
    return str(rows[plane.name].get("sync", ""))


class Switch:
    """One way to suspend and resume: what a person runs, then what shows that the processes know."""

    def __init__(self, turn: Callable[[str], object]) -> None:
        self.suspend = lambda: turn("suspend")
        self.resume = lambda: turn("resume")


def by_git(fleet: Fleet, *only: str) -> Switch:
    """In reconciler.yaml, which is committed like any change. What is committed after it, is rendered after it."""

    def turn(verb: str) -> None:
        said(verb, *only, cwd=fleet.author.path)
        fleet.commit(verb, {})

    return Switch(turn)


def by_file(fleet: Fleet, program: Program, *only: str) -> Switch:
    """Beside a reconciler on the same machine."""
    where = f"--data-dir={fleet.directory / 'data'}"
    return Switch(lambda verb: turned(program, verb, where, *only))


def by_annotation(fleet: Fleet, hub: ControlPlane, program: Program, *only: str) -> Switch:
    """In the cluster that the process runs in, without Git."""
    context = (f"--kubeconfig={fleet.kubeconfig}", f"--context={hub.name}")
    return Switch(
        lambda verb: turned(program, verb, "--now", *context, f"--namespace=records-{fleet.name}", *only)
    )


def turned(program: Program, *arguments: str) -> None:
    """Turn the switch, and wait until the process says that it saw it."""
    before = len(program.events("switch.turned"))
    said(*arguments)
    eventually("the switch is seen", lambda: len(program.events("switch.turned")) > before, within=15)


def refused_passes(program: Program) -> int:
    """How often the reconciler found something to do and did not do it."""
    return sum("nothing is written" in row["problem"] for row in program.events("pass.failed"))


def test_a_cluster_suspended_by_the_repository_is_written_to_by_neither_process_until_it_is_resumed(
    planes, tmp_path
):
    pushed, held, pulled = planes
    fleet = Fleet("bygit", planes, tmp_path, pulled=[pulled.name])
    with fleet.reconciler() as program, fleet.agent(pulled) as agent, shown_on_failure(program, agent):
        fleet.wait_for(fleet.commit("first", {"apps/maps.yaml": fleet.maps("a", "b")}))
        switch = by_git(fleet, f"--cluster={held.name}", f"--cluster={pulled.name}")
        switch.suspend()
        marks = fleet.marks()
        second = fleet.commit("second", {"apps/maps.yaml": fleet.maps("a", "c", a="2")})
        fleet.wait_for(second, [pushed])
        assert fleet.there(pushed) == {"a": {"a": "2"}, "c": {"a": "2"}}
        for plane in (held, pulled):
            eventually("the status says so", lambda plane=plane: sync_of(fleet, plane) == "Suspended")
            plane.kubectl("delete", "configmap", "b", "-n", fleet.shop)
        # Somebody's own doing is not put back either; a change that others get shows that the pass went by.
        fleet.wait_for(fleet.commit("third", {"apps/more.yaml": fleet.maps("d")}), [pushed])
        for plane in (held, pulled):
            assert fleet.there(plane) == {"a": {"a": "1"}}
            assert fleet.writes(plane, marks[plane.name]) == []

        switch.resume()
        fleet.wait_for(fleet.author.head)
        for plane in planes:
            assert fleet.there(plane) == {"a": {"a": "2"}, "c": {"a": "2"}, "d": {"a": "1"}}


def test_the_reconciler_suspended_beside_itself_writes_nothing_until_it_is_resumed(planes, tmp_path):
    hub, other, _ = planes
    fleet = Fleet("byswitch", [hub, other], tmp_path)
    first = fleet.commit("first", {"apps/maps.yaml": fleet.maps("a")})
    hub.kubectl("create", "namespace", f"records-{fleet.name}")
    arguments = (f"--own-context={hub.name}",)
    with fleet.reconciler(*arguments) as program, shown_on_failure(program):
        fleet.wait_for(first)
        switches = {
            "a file": by_file(fleet, program),
            "an annotation": by_annotation(fleet, hub, program),
        }
        for what, switch in switches.items():
            before = {plane.name: fleet.there(plane) for plane in fleet.planes}
            branches = fleet.repository.branches()
            switch.suspend()
            marks = fleet.marks()
            commit = fleet.commit(what, {"apps/more.yaml": fleet.maps("b", by=what)})
            hub.kubectl("delete", "configmap", "a", "-n", fleet.shop)
            # Of the next two passes that end, one has begun after that.
            passes = refused_passes(program)
            eventually(
                "it has looked again, twice", lambda passes=passes: refused_passes(program) >= passes + 2
            )
            assert fleet.there(other) == before[other.name], what
            assert "a" not in fleet.there(hub), what
            assert [fleet.writes(plane, marks[plane.name]) for plane in fleet.planes] == [[], []], what
            # What agents and other tools follow stands still, too.
            after = fleet.repository.branches()
            assert {name: after[name] for name in branches if name not in ("main", "reconciler/status")} == {
                name: branches[name] for name in branches if name not in ("main", "reconciler/status")
            }, what
            switch.resume()
            fleet.wait_for(commit)
            for plane in fleet.planes:
                eventually(
                    "all of it is there",
                    lambda plane=plane, what=what: fleet.there(plane) == {"a": {"a": "1"}, "b": {"by": what}},
                )

        # One cluster alone; and a restart does not forget it.
        by_file(fleet, program, f"--cluster={other.name}").suspend()
        marks = fleet.marks()
        one = fleet.commit("one cluster", {"apps/more.yaml": fleet.maps("b", by="one")})
        fleet.wait_for(one, [hub])
    with fleet.reconciler(*arguments) as program, shown_on_failure(program):
        two = fleet.commit("after a restart", {"apps/more.yaml": fleet.maps("b", by="two")})
        fleet.wait_for(two, [hub])
        eventually("the status says so", lambda: sync_of(fleet, other) == "Suspended")
        assert fleet.writes(other, marks[other.name]) == []
        by_file(fleet, program, f"--cluster={other.name}").resume()
        fleet.wait_for(two)
        assert fleet.there(other)["b"] == {"by": "two"}


def test_an_agent_suspended_in_its_own_cluster_writes_nothing_there_and_goes_on_reporting(planes, tmp_path):
    plane = planes[0]
    fleet = Fleet("edge", [plane], tmp_path, pulled=[plane.name])
    with fleet.reconciler() as program, fleet.agent(plane) as agent, shown_on_failure(program, agent):
        fleet.wait_for(fleet.commit("first", {"apps/maps.yaml": fleet.maps("a")}))
        switch = by_annotation(fleet, plane, agent)
        switch.suspend()
        marks = fleet.marks()
        second = fleet.commit("second", {"apps/more.yaml": fleet.maps("b")})
        eventually("its report says so", lambda: sync_of(fleet, plane) == "Suspended")
        plane.kubectl("delete", "configmap", "a", "-n", fleet.shop)
        third = fleet.commit("third", {"apps/more.yaml": fleet.maps("b", a="3")})
        eventually(
            "it has seen that", lambda: agent.events("tree.taken")[-1]["commit"] == fleet.rendered_of(third)
        )
        assert fleet.there(plane) == {}
        assert fleet.writes(plane, marks[plane.name]) == []
        assert second != third
    # It stays suspended over a restart: the switch is in the cluster.
    with fleet.reconciler() as program, fleet.agent(plane) as agent, shown_on_failure(program, agent):
        eventually("it stands", lambda: agent.events("tree.taken"))
        fourth = fleet.commit("fourth", {"apps/more.yaml": fleet.maps("b", a="4")})
        eventually(
            "it has seen that", lambda: agent.events("tree.taken")[-1]["commit"] == fleet.rendered_of(fourth)
        )
        assert fleet.writes(plane, marks[plane.name]) == []
        by_annotation(fleet, plane, agent).resume()
        fleet.wait_for(fourth)
        assert fleet.there(plane) == {"a": {"a": "1"}, "b": {"a": "4"}}
