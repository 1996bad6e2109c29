"""DESIGN section 5, promises 1 to 6, 8 and 9, each tried to be broken on the real processes. Audit logs say what was deleted.

Every test has a fleet of its own (repository, namespaces, record) on clusters that all share.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pygit2
import pytest
import yaml

from tests.controlplane import ControlPlane
from tests.controlplane.polling import eventually
from tests.e2e.program import Program, cluster_file, everywhere, run_cli
from tests.e2e.scenes import Fleet, shown_on_failure, summary_of


@pytest.fixture(scope="module")
def planes(fleet_of_clusters) -> Iterator[tuple[ControlPlane, ...]]:
    """The three clusters of the session; what this file makes in them goes when it is done."""
    yield fleet_of_clusters
    with ThreadPoolExecutor(len(fleet_of_clusters)) as pool:
        list(pool.map(ControlPlane.clean, fleet_of_clusters))


def guards(most: int) -> str:
    """A reconciler.yaml that allows so many deletions, whatever the inventory."""
    limits = {"maxDeletions": most, "maxDeletionPercent": 0}
    return yaml.safe_dump(
        {
            "apiVersion": "fleet-reconciler/v1alpha1",
            "kind": "FleetConfig",
            "metadata": {"name": "fleet"},
            "spec": {"guards": limits},
        }
    )


def lose_data(fleet: Fleet) -> None:
    """Take the reconciler's data directory away: at once, for a `git` that its killed parent left may still write into it."""
    (fleet.directory / "data").rename(fleet.directory / "lost")


def failures(program: Program, kind: str, event: str = "pass.failed") -> list[dict[str, Any]]:
    """The failed passes for one reason; a host that was not reached for a moment is another one."""
    return [row for row in program.events(event) if row["kind"] == kind]


def test_an_unreadable_file_and_a_refused_document_delete_nothing_and_hold_up_no_other_file(planes, tmp_path):
    plane = planes[0]
    fleet = Fleet("unreadable", [plane], tmp_path)
    good = {
        "apps/one.yaml": fleet.maps("a", "b"),
        "policies/all.yaml": everywhere("all", ("v1", "ConfigMap")),
    }
    with fleet.reconciler() as program, shown_on_failure(program):
        first = fleet.commit(
            "first", {**good, "apps/two.yaml": fleet.maps("c"), "apps/three.yaml": fleet.maps("d")}
        )
        fleet.wait_for(first)
        marks = fleet.marks()

        broken = {
            "apps/one.yaml": "data: [",
            "apps/two.yaml": None,
            "apps/three.yaml": fleet.maps("d", a="2"),
        }
        second = fleet.commit("one file breaks, one goes, one changes", broken)
        fleet.wait_for(second)
        assert fleet.there(plane) == {"a": {"a": "1"}, "b": {"a": "1"}, "c": {"a": "1"}, "d": {"a": "2"}}
        assert fleet.trailer("Complete") == "false"
        assert any(code.startswith("R1") for code in fleet.problems(second))

        third = fleet.commit("the file is whole again", {"apps/one.yaml": good["apps/one.yaml"]})
        eventually("what went is pruned", lambda: fleet.deletions(marks) == [(plane.name, "c")])
        fleet.wait_for(third)

        refused = everywhere("all", ("v1", "ConfigMap"), unheard="of")
        fourth = fleet.commit(
            "the policy is refused, and a template goes",
            {
                "policies/all.yaml": refused,
                "apps/one.yaml": fleet.maps("a"),
                "apps/three.yaml": fleet.maps("d", a="3"),
            },
        )
        fleet.wait_for(fourth)
        assert set(fleet.there(plane)) == {"a", "b", "d"}
        assert any(code.startswith("R2") for code in fleet.problems(fourth))
        fifth = fleet.commit("the policy is good again", {"policies/all.yaml": good["policies/all.yaml"]})
        eventually("now it goes", lambda: fleet.there(plane) == {"a": {"a": "1"}, "d": {"a": "3"}})
        fleet.wait_for(fifth)
        assert fleet.deletions(marks) == [(plane.name, "c"), (plane.name, "b")]


def test_a_guard_holds_over_two_quick_commits_a_restart_and_a_change_of_its_own_settings(planes, tmp_path):
    plane = planes[0]
    fleet = Fleet("interleaved", [plane], tmp_path)
    names = [f"m{number}" for number in range(12)]
    with fleet.reconciler() as program, shown_on_failure(program):
        fleet.wait_for(
            fleet.commit("first", {"reconciler.yaml": guards(3), "apps/maps.yaml": fleet.maps(*names)})
        )
    marks = fleet.marks()
    # Each alone is within the limit, and nobody looked in between.
    fleet.commit("two go", {"apps/maps.yaml": fleet.maps(*names[:10])})
    quick = fleet.commit("two more go", {"apps/maps.yaml": fleet.maps(*names[:8])})
    with fleet.reconciler() as program, shown_on_failure(program):
        fleet.wait_for(quick)
        assert fleet.problems(quick).keys() >= {"R504"}
        assert fleet.trailer("Prune") == "held"
        program.kill()
    # Everything that was remembered is gone, and what is added is no excuse for what goes.
    lose_data(fleet)
    with fleet.reconciler() as program, shown_on_failure(program):
        added = fleet.commit("one is added", {"apps/more.yaml": fleet.maps("more")})
        fleet.wait_for(added)
        assert "R504" in fleet.problems(added)
        loosened = fleet.commit(
            "its own guard is loosened, and one more goes",
            {"reconciler.yaml": guards(10), "apps/maps.yaml": fleet.maps(*names[:7])},
        )
        fleet.wait_for(loosened)
        assert fleet.trailer("Prune") == "held"
        assert fleet.deletions(marks) == []
        assert set(fleet.there(plane)) == {*names, "more"}
        # Back below the limit, the deletions are those that the newest commit means.
        few = fleet.commit(
            "only three go", {"reconciler.yaml": guards(3), "apps/maps.yaml": fleet.maps(*names[:9])}
        )
        eventually("pruned", lambda: len(fleet.deletions(marks)) == 3)
        fleet.wait_for(few)
        assert sorted(fleet.deletions(marks)) == [(plane.name, name) for name in sorted(names[9:])]


def test_few_deletions_on_each_of_many_clusters_trip_the_guard_of_the_fleet(planes, tmp_path):
    fleet = Fleet("many", planes, tmp_path)
    names = [f"m{number:02}" for number in range(20)]
    with fleet.reconciler() as program, shown_on_failure(program):
        fleet.wait_for(fleet.commit("first", {"apps/maps.yaml": fleet.maps(*names)}))
        marks = fleet.marks()
        # 15 of 63: more than ten, and more than a fifth; on no cluster more than either.
        five = fleet.commit("five go everywhere", {"apps/maps.yaml": fleet.maps(*names[5:])})
        fleet.wait_for(five)
        # Held by the guard of the fleet alone; each cluster says what stays in it.
        assert fleet.problems(five) == {"R504": 1, "R506": 3}
        assert fleet.deletions(marks) == []
        four = fleet.commit("four go everywhere", {"apps/maps.yaml": fleet.maps(*names[4:])})
        fleet.wait_for(four)
        eventually("pruned", lambda: len(fleet.deletions(marks)) == 12)
        assert {name for _, name in fleet.deletions(marks)} == set(names[:4])


def test_a_cluster_leaves_only_with_an_approval_and_its_objects_stay(planes, tmp_path):
    stays, leaves, _ = planes
    fleet = Fleet("leaving", [stays, leaves], tmp_path)
    with fleet.reconciler() as program, shown_on_failure(program):
        fleet.wait_for(fleet.commit("first", {"apps/maps.yaml": fleet.maps("a", "b")}))
        marks = fleet.marks()
        gone = fleet.commit(
            "a cluster leaves, and an object goes",
            {f"clusters/{leaves.name}.yaml": None, "apps/maps.yaml": fleet.maps("a")},
        )
        fleet.wait_for(gone, [stays])
        assert fleet.problems(gone) == {"R505": 1, "R506": 1}
        assert fleet.deletions(marks) == []

        fleet.author.git("fetch", "--quiet", "origin")
        answer = run_cli("approve", "--reason", "it moves to another fleet", cwd=fleet.author.path)
        assert answer.returncode == 0, answer.stderr
        assert f"Cluster.cluster.karmada.io {leaves.name}" in answer.stderr
        fleet.wait_for(fleet.commit("approved", {}), [stays])
        eventually("the object goes where it may", lambda: fleet.deletions(marks) == [(stays.name, "b")])
        assert set(fleet.there(leaves)) == {"a", "b"}


def test_a_rewritten_source_history_is_followed_only_when_it_is_accepted(planes, tmp_path):
    plane = planes[0]
    fleet = Fleet("rewritten", [plane], tmp_path)
    with fleet.reconciler() as program, shown_on_failure(program):
        first = fleet.commit("first", {"apps/maps.yaml": fleet.maps("a", "b")})
        fleet.wait_for(first)
        second = fleet.commit("second", {"apps/more.yaml": fleet.maps("c")})
        fleet.wait_for(second)
        marks, rendered = fleet.marks(), fleet.repository.branches()["reconciler/rendered"]
        fleet.author.git("reset", "--quiet", "--hard", first)
        rewritten = fleet.author.commit("another second", {"apps/maps.yaml": fleet.maps("a")})
        fleet.author.push("--force", "HEAD")
        said = eventually("it stops", lambda: failures(program, "HistoryRewritten"))[-1]
        assert f"--accept-history {rewritten}" in said["problem"]
        # It goes on healing what was rendered.
        plane.kubectl("delete", "configmap", "c", "-n", fleet.shop)
        eventually("put back", lambda: "c" in fleet.there(plane))
    # A restart is no acceptance, and neither is an empty data directory.
    for data in ("data", "other"):
        with fleet.reconciler(data=data) as program, shown_on_failure(program):
            eventually("it stops again", lambda program=program: failures(program, "HistoryRewritten"))
    assert fleet.repository.branches()["reconciler/rendered"] == rendered
    assert fleet.deletions(marks) == []
    with fleet.reconciler(f"--accept-history={rewritten}") as program, shown_on_failure(program):
        fleet.wait_for(rewritten)
        eventually("it goes on", lambda: set(fleet.there(plane)) == {"a"})
        assert fleet.trailer("Accepted-History") == rewritten
    # What was accepted stays accepted for what grows from it, without the flag.
    with fleet.reconciler() as program, shown_on_failure(program):
        fleet.wait_for(fleet.commit("third", {"apps/more.yaml": fleet.maps("d")}))
        assert set(fleet.there(plane)) == {"a", "d"}


def test_a_foreign_commit_on_a_machine_branch_stops_that_branch(planes, tmp_path):
    pushed, pulled, _ = planes
    fleet = Fleet("foreign", [pushed, pulled], tmp_path, pulled=[pulled.name])
    branch = f"reconciler/cluster/{pulled.name}"
    with fleet.reconciler() as program, fleet.agent(pulled) as agent, shown_on_failure(program, agent):
        first = fleet.commit("first", {"apps/maps.yaml": fleet.maps("a")})
        fleet.wait_for(first)
        marks = fleet.marks()
        fleet.author.git("fetch", "--quiet", "origin")
        fleet.author.git("checkout", "--quiet", "-B", "theirs", f"origin/{branch}")
        fleet.author.git("rm", "-r", "--quiet", fleet.shop)
        foreign = fleet.author.commit("everything goes")
        fleet.author.push(f"HEAD:{branch}")
        eventually("the agent says it", lambda: failures(agent, "ForeignCommit", "follow.failed"))
        fleet.author.git("checkout", "--quiet", "main")
        second = fleet.commit("second", {"apps/more.yaml": fleet.maps("b")})
        fleet.wait_for(second, [pushed])
        # The branch stays as they left it, and is said; the truth and the other cluster go on.
        eventually("it is named", lambda: fleet.problems(second) == {"R602": 1}, within=30)
        assert fleet.repository.branches()[branch] == foreign
        assert set(fleet.there(pushed)) == {"a", "b"}
        assert set(fleet.there(pulled)) == {"a"}
        pulled.kubectl("delete", "configmap", "a", "-n", fleet.shop)
        eventually("the agent heals from its last tree", lambda: set(fleet.there(pulled)) == {"a"})
        assert fleet.deletions(marks) == []

        # The truth itself is another matter: nothing is decided upon what somebody else wrote there.
        fleet.author.git("fetch", "--quiet", "origin")
        fleet.author.git("checkout", "--quiet", "-B", "theirs", "origin/reconciler/rendered")
        fleet.author.git("rm", "-r", "--quiet", "bindings", f"clusters/{pushed.name}/{fleet.shop}")
        fleet.author.commit("the schedule is forgotten")
        fleet.author.push("HEAD:reconciler/rendered")
        eventually("it stops", lambda: failures(program, "ForeignCommit"))
    with fleet.reconciler(data="other") as program, shown_on_failure(program):
        eventually("it stops again", lambda: failures(program, "ForeignCommit"))
    assert fleet.deletions(marks) == []


def test_of_two_reconcilers_only_the_one_that_holds_the_lease_writes(planes, tmp_path):
    hub = planes[0]
    fleet = Fleet("lease", [hub], tmp_path)
    first = fleet.commit("first", {"apps/maps.yaml": fleet.maps("a")})
    hub.kubectl("create", "namespace", f"records-{fleet.name}")
    elected = ("--leader-elect", f"--own-context={hub.name}")
    with (
        fleet.reconciler(*elected) as one,
        fleet.reconciler(*elected, data="other") as two,
        shown_on_failure(one, two),
    ):
        fleet.wait_for(first)
        leaders = [each for each in (one, two) if each.events("lease.acquired")]
        assert len(leaders) == 1
        leader, waiting = (one, two) if leaders == [one] else (two, one)
        assert waiting.events("reconciler.started") == []

        # The leader hangs: it cannot renew, and it cannot know.
        leader.pause()
        second = fleet.commit("second", {"apps/maps.yaml": fleet.maps("a", "b")})
        eventually("the other takes over", lambda: waiting.events("lease.acquired"), within=60)
        fleet.wait_for(second)
        mark = hub.audit_mark()
        third = fleet.commit("third", {"apps/maps.yaml": fleet.maps("a", "b", "c")})
        leader.resume()
        eventually("the old leader ends", lambda: leader.process.poll() is not None, within=30)
        assert leader.events("lease.lost")
        fleet.wait_for(third)
        # Nothing came from the one that had hung: each write of the third commit is there once.
        assert fleet.writes(hub, mark) == [("patch", "c")]
        assert {row["source"] for row in leader.events("tree.rendered")} == {first}

        # A person with `apply` is told to wait, too.
        fleet.author.git("fetch", "--quiet", "origin")
        answer = run_cli(
            "apply", "-y", f"--kubeconfig={fleet.kubeconfig}", f"--own-context={hub.name}",
            f"--namespace=records-{fleet.name}", cwd=fleet.author.path,
        )  # fmt: skip
        assert answer.returncode == 2
        assert "holds the lease" in answer.stderr


def test_a_dead_cluster_holds_up_nobody_and_loses_nothing_when_even_the_status_is_lost(
    planes, start_cluster, tmp_path
):
    alive = planes[:2]
    dead = start_cluster("dead")
    fleet = Fleet("dead", [*alive, dead], tmp_path)
    with fleet.reconciler("--timeout=5") as program, shown_on_failure(program):
        fleet.wait_for(fleet.commit("first", {"apps/maps.yaml": fleet.maps("a", "b")}))
        marks = fleet.marks()
        dead.pause_apiserver()
        second = fleet.commit("second", {"apps/more.yaml": fleet.maps("c")})
        fleet.wait_for(second, alive)
        rows = {row["name"]: row for row in summary_of(fleet.repository)["clusters"]}
        assert rows[dead.name].get("current", False) is False
        tree = fleet.repository.git("rev-parse", "reconciler/rendered^{tree}")
    # Everything that was known of any cluster is lost, and one of them cannot be asked again.
    lose_data(fleet)
    fleet.repository.git("update-ref", "-d", "refs/heads/reconciler/status")
    with fleet.reconciler("--timeout=5") as program, shown_on_failure(program):
        fleet.wait_for(second, alive)
        assert fleet.repository.git("rev-parse", "reconciler/rendered^{tree}") == tree
        third = fleet.commit("third", {"apps/more.yaml": fleet.maps("c", a="2")})
        fleet.wait_for(third, alive)
        dead.resume()
        # It is asked rarely by now: twice as rarely with each time that it was silent.
        fleet.wait_for(third, within=300)
        for plane in fleet.planes:
            assert fleet.there(plane) == {"a": {"a": "1"}, "b": {"a": "1"}, "c": {"a": "2"}}
    assert fleet.deletions(marks) == []


HOSTILE = {
    "not yaml": {"cluster.yaml": "a: [", "objects/x": "{"},
    "of another shape": {"cluster.yaml": json.dumps({"status": {"conditions": [7], "apiEnablements": "x"}})},
    "of no shape": {"cluster.yaml": "[]"},
    "a bomb": {"cluster.yaml": "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*{'a' if not n else f'b{n-1}'}, *{'a' if not n else f'b{n-1}'}]\n" for n in range(40))},
    "larger than is read": {"cluster.yaml": "# " + "x" * (4 << 20)},
}  # fmt: skip


def test_a_hostile_report_says_nothing_of_others_and_stops_nobody(planes, tmp_path):
    pushed, honest, hostile = planes
    fleet = Fleet("hostile", planes, tmp_path, pulled=[honest.name, hostile.name])
    with fleet.reconciler() as program, fleet.agent(honest) as agent, shown_on_failure(program, agent):
        first = fleet.commit("first", {"apps/maps.yaml": fleet.maps("a")})
        with fleet.agent(hostile):
            fleet.wait_for(first)
        # The last that its agent has said is read by whatever pass begins after its end.
        fleet.wait_for(
            fleet.commit("its agent is away", {"apps/more.yaml": fleet.maps("b")}), [pushed, honest]
        )
        believed = fleet.repository.read("reconciler/status", f"clusters/{hostile.name}.yaml")
        for number, (what, files) in enumerate(HOSTILE.items()):
            report(fleet, hostile, files)
            commit = fleet.commit(
                f"while the report is {what}", {"apps/more.yaml": fleet.maps("b", a=str(number))}
            )
            fleet.wait_for(commit, [pushed, honest])
            assert reported(told_of(fleet, hostile)) == reported(believed), what
        assert program.events("report.refused")

        # A report that can be read, by a liar: of other clusters, other objects, other kinds' scopes, in every wrong type.
        lies = yaml.safe_load(believed)
        lies["metadata"]["name"] = pushed.name
        lies["status"]["conditions"] = [{"type": "Ready", "status": "True", "reason": "ClusterReady"}]
        lies["customKinds"] = [{"group": "apps", "kind": "Deployment", "namespaced": False}]
        lies["appliedCommit"] = "f" * 40
        member = {"kind": "ObjectReport", "clusterName": pushed.name, "applied": "yes", "health": ["?"]}
        others = {
            f"objects/{fleet.shop}/ConfigMap/a.yaml": json.dumps({**member, "status": "ill"}),
            "objects/kube-system/ConfigMap/of-others.yaml": json.dumps(
                {**member, "status": {"a": "x" * 200_000}}
            ),
            f"clusters/{pushed.name}.yaml": json.dumps(lies),
            "summary.yaml": "clusters: []",
        }
        before = {
            name: fleet.repository.read("reconciler/status", f"clusters/{name}.yaml")
            for name in (pushed.name, honest.name)
        }
        report(fleet, hostile, {"cluster.yaml": json.dumps(lies), **others})
        eventually(
            "the liar's own words are told",
            lambda: '"ffff' in told_of(fleet, hostile) or "appliedCommit: ffff" in told_of(fleet, hostile),
        )
        last = fleet.commit("last", {"apps/more.yaml": fleet.maps("b", a="last")})
        fleet.wait_for(last, [pushed, honest])
        for name, text in before.items():
            after = yaml.safe_load(fleet.repository.read("reconciler/status", f"clusters/{name}.yaml"))
            assert after["status"] == yaml.safe_load(text)["status"], name
        status = yaml.safe_load(
            fleet.repository.read("reconciler/status", f"workloads/{fleet.shop}/ConfigMap/a.yaml")
        )
        rows = {row["clusterName"]: row for row in status["aggregatedStatus"]}
        assert rows[pushed.name]["health"] == rows[honest.name]["health"] == "Healthy"
        files = fleet.repository.files("reconciler/status")
        assert not [path for path in files if "of-others" in path or path.startswith("objects")]
        # And what it would be given is what everybody gets.
        given = {
            fleet.repository.git("rev-parse", f"reconciler/rendered:clusters/{plane.name}/{fleet.shop}")
            for plane in planes
        }
        assert len(given) == 1

        # What Git itself refuses is refused for that branch, though all lie in one repository.
        report(fleet, hostile, {"../clusters/up.yaml": "{}", "cluster.yaml": "{}"})
        eventually("Git refuses it", lambda: program.events("report.unread"), within=30)
        assert {row["cluster"] for row in program.events("report.unread")} == {hostile.name}
        after = fleet.commit("after that", {"apps/more.yaml": fleet.maps("b", a="after")})
        fleet.wait_for(after, [pushed, honest])
        assert fleet.there(pushed) == fleet.there(honest) == {"a": {"a": "1"}, "b": {"a": "after"}}


def reported(text: str) -> dict[str, Any]:
    """What a cluster's document says that the cluster itself has said; the conditions are the reconciler's own."""
    return {key: value for key, value in yaml.safe_load(text).items() if key != "conditions"}


def told_of(fleet: Fleet, plane: ControlPlane) -> str:
    return fleet.repository.read("reconciler/status", f"clusters/{plane.name}.yaml")


def report(fleet: Fleet, plane: ControlPlane, files: dict[str, str]) -> None:
    """Put a commit of one's own making on a report branch, with whatever paths."""
    store = pygit2.Repository(str(fleet.repository.path))
    entries: dict[str, Any] = {}
    for path, text in files.items():
        *folders, name = path.split("/")
        place = entries
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = store.create_blob(text.encode())
    tree = str(write_tree(store, entries))
    commit = fleet.repository.git("commit-tree", tree, "-m", "report")
    fleet.repository.git("update-ref", f"refs/heads/reconciler/report/{plane.name}", commit)


def write_tree(store: pygit2.Repository, entries: dict[str, Any]) -> pygit2.Oid:
    """A tree object as it is, without the checks that git's own commands make."""
    rows = []
    for name, entry in entries.items():
        is_tree = isinstance(entry, dict)
        oid = write_tree(store, entry) if is_tree else entry
        rows.append((f"{name}/" if is_tree else name, b"40000" if is_tree else b"100644", name, oid.raw))
    data = b"".join(mode + b" " + name.encode() + b"\0" + oid for _, mode, name, oid in sorted(rows))
    return store.write(pygit2.enums.ObjectType.TREE, data)


def test_an_agent_that_was_away_deletes_nothing_by_the_tree_it_remembers(planes, tmp_path):
    plane = planes[0]
    fleet = Fleet("stale", [plane], tmp_path, pulled=[plane.name])
    with fleet.reconciler() as program:
        with fleet.agent(plane) as agent, shown_on_failure(program, agent):
            fleet.wait_for(fleet.commit("first", {"apps/maps.yaml": fleet.maps("a")}))
        with shown_on_failure(program):
            # While the agent is away the cluster is pushed to, and more arrives.
            cluster = {f"clusters/{plane.name}.yaml": cluster_file(plane.name, "Push")}
            fleet.wait_for(fleet.commit("pushed", {**cluster, "apps/more.yaml": fleet.maps("b")}))
    marks = fleet.marks()
    away = fleet.repository.path.with_suffix(".away")
    fleet.repository.path.rename(away)
    with fleet.agent(plane) as agent, shown_on_failure(agent):
        eventually("it will not go back", lambda: agent.events("cluster.outdated"), within=30)
        assert set(fleet.there(plane)) == {"a", "b"}
        away.rename(fleet.repository.path)
        eventually("it takes the newest tree", lambda: len(agent.events("tree.taken")) == 2, within=30)
        plane.kubectl("delete", "configmap", "b", "-n", fleet.shop)
        eventually("and heals by it", lambda: set(fleet.there(plane)) == {"a", "b"})
    assert fleet.deletions(marks) == []
