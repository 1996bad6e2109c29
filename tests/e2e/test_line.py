"""The whole line, from ends that no other file looks at: remotes of their own, signatures, an observed cluster, Secrets, a dead one.

Each test has a fleet of its own on clusters that all share. Audit logs and `git` are the witnesses.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from statistics import median

import pytest
import yaml

from tests.controlplane import ControlPlane
from tests.controlplane.polling import eventually
from tests.e2e.program import Program, everywhere, run_cli
from tests.e2e.scenes import Fleet, delivered, shown_on_failure, summary_of
from tests.gitservers import bare_repository


@pytest.fixture(scope="module")
def planes(fleet_of_clusters) -> Iterator[tuple[ControlPlane, ...]]:
    """The three clusters of the session; what this file makes in them goes when it is done."""
    yield fleet_of_clusters
    with ThreadPoolExecutor(len(fleet_of_clusters)) as pool:
        list(pool.map(ControlPlane.clean, fleet_of_clusters))


def config(**spec: object) -> str:
    """A reconciler.yaml."""
    return json.dumps(
        {
            "apiVersion": "fleet-reconciler/v1alpha1",
            "kind": "FleetConfig",
            "metadata": {"name": "fleet"},
            "spec": spec,
        }
    )


def signing_key(directory: Path) -> tuple[Path, Path]:
    """A key to sign with, and the file of allowed signers that names it."""
    directory.mkdir()
    key = directory / "signing"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
    allowed = directory / "allowed"
    public = key.with_suffix(".pub").read_text()
    allowed.write_text(f'fleet-reconciler@localhost namespaces="git" {public}')
    return key, allowed


def test_each_role_may_have_a_repository_of_its_own_and_commits_are_signed(planes, tmp_path):
    pushed, pulled, _ = planes
    fleet = Fleet("roles", [pushed, pulled], tmp_path, pulled=[pulled.name])
    remotes = tmp_path / "remotes"
    rendered, status = (bare_repository(remotes / f"{role}.git") for role in ("rendered", "status"))
    branches = {plane.name: bare_repository(remotes / f"cluster-{plane.name}.git") for plane in fleet.planes}
    reports = {plane.name: bare_repository(remotes / f"report-{plane.name}.git") for plane in fleet.planes}
    key, allowed = signing_key(tmp_path / "key")
    away = branches[pushed.name].path
    away.rename(away.with_suffix(".away"))
    program = fleet.reconciler(
        f"--rendered-url={rendered.url}",
        f"--status-url={status.url}",
        f"--cluster-url={remotes.as_uri()}/cluster-{{cluster}}.git",
        f"--report-url={remotes.as_uri()}/report-{{cluster}}.git",
        f"--signing-key={key}",
    )
    agent = Program(
        fleet.directory,
        "agent",
        f"--cluster={pulled.name}",
        f"--url={remotes.as_uri()}/cluster-{{cluster}}.git",
        f"--report-url={remotes.as_uri()}/report-{{cluster}}.git",
        f"--data-dir={fleet.directory / 'agent'}",
        f"--kubeconfig={fleet.kubeconfig}",
        f"--namespace=records-{fleet.name}",
        f"--verify-signatures={allowed}",
        "--poll-interval=1",
    )
    with program, agent, shown_on_failure(program, agent):
        first = fleet.commit("first", {"apps/maps.yaml": fleet.maps("a")})
        # One of the repositories is not there: its branch is said, and even its own cluster is delivered to.
        eventually("delivered", delivered(status, first, fleet.planes), within=60)
        eventually("said", lambda: summary_of(status)["problems"] == {"R603": 1}, within=30)
        assert set(fleet.there(pushed)) == set(fleet.there(pulled)) == {"a"}
        away.with_suffix(".away").rename(away)
        # It was asked in vain a few times, each time after a longer while, a minute in the end.
        eventually(
            "shown",
            lambda: "reconciler/cluster/" + pushed.name in branches[pushed.name].branches(),
            within=120,
        )
        eventually("gone", lambda: summary_of(status)["problems"] == {}, within=30)
        second = fleet.commit("second", {"apps/more.yaml": fleet.maps("b")})
        eventually("delivered", delivered(status, second, fleet.planes), within=60)

        # Each repository holds its own role and no other.
        assert set(fleet.repository.branches()) == {"main"}
        assert set(rendered.branches()) == {"reconciler/rendered"}
        assert set(status.branches()) == {"reconciler/status"}
        assert set(reports[pulled.name].branches()) == {f"reconciler/report/{pulled.name}"}
        assert reports[pushed.name].branches() == {}
        for plane in fleet.planes:
            name = f"reconciler/cluster/{plane.name}"
            eventually(
                "the branch shows it",
                lambda plane=plane, name=name: (
                    branches[plane.name].git("rev-parse", f"{name}^{{tree}}")
                    == rendered.git("rev-parse", f"reconciler/rendered:clusters/{plane.name}")
                ),
            )
            assert set(branches[plane.name].branches()) == {name}
        for repository, branch in (
            (rendered, "reconciler/rendered"),
            (status, "reconciler/status"),
            (branches[pulled.name], f"reconciler/cluster/{pulled.name}"),
        ):
            repository.git("-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit", branch)

        # Somebody who may push to the branch, and has no key, says what the agent shall do.
        program.stop()
        marks = fleet.marks()
        branch = f"reconciler/cluster/{pulled.name}"
        tip = branches[pulled.name].branches()[branch]
        tree = branches[pulled.name].git("rev-parse", f"{tip}^{{tree}}")
        message = branches[pulled.name].git("log", "-1", "--format=%B", tip).replace(second[:12], "0" * 12)
        forged = forged_commit(branches[pulled.name].path, tree, tip, message)
        branches[pulled.name].git("update-ref", f"refs/heads/{branch}", forged)
        eventually(
            "the agent says it",
            lambda: any("not signed" in row["problem"] for row in agent.events("follow.failed")),
            within=30,
        )
        pulled.kubectl("delete", "configmap", "b", "-n", fleet.shop)
        eventually("and heals by what it took", lambda: set(fleet.there(pulled)) == {"a", "b"})
        assert fleet.deletions(marks) == []


def forged_commit(repository: Path, tree: str, parent: str, message: str) -> str:
    """A commit in our own name, as anybody can make one."""
    ours = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "fleet-reconciler"), ("EMAIL", "fleet-reconciler@localhost"))
    }
    return subprocess.run(
        ["git", f"--git-dir={repository}", "commit-tree", tree, "-p", parent, "-m", message],
        env={**os.environ, **ours},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_an_observed_cluster_is_planned_and_reported_and_never_written_to(planes, tmp_path):
    served, observed, pulled = planes
    fleet = Fleet("observed", planes, tmp_path, pulled=[pulled.name])
    with fleet.reconciler() as program, fleet.agent(pulled) as agent, shown_on_failure(program, agent):
        fleet.wait_for(fleet.commit("first", {"apps/maps.yaml": fleet.maps("a", "b")}))
        only = config(observeClusters=[observed.name, pulled.name])
        watching = fleet.commit("two are only observed", {"reconciler.yaml": only})
        fleet.wait_for(watching, [served])
        eventually(
            "taken", lambda: state_of(fleet, pulled) == state_of(fleet, observed) == "Synced", within=30
        )
        marks = fleet.marks()
        more = fleet.commit(
            "one comes, one goes, one changes", {"apps/maps.yaml": fleet.maps("b", "c", a="2")}
        )
        fleet.wait_for(more, [served])
        assert fleet.there(served) == {"b": {"a": "2"}, "c": {"a": "2"}}
        eventually(
            "both say what they do not do",
            lambda: {state_of(fleet, observed), state_of(fleet, pulled)} == {"Suspended"},
            within=30,
        )
        for plane in (observed, pulled):
            # Drift is seen as well, and left alone.
            plane.kubectl("delete", "configmap", "b", "-n", fleet.shop)
        again = fleet.commit("again", {"apps/more.yaml": fleet.maps("d")})
        fleet.wait_for(again, [served])
        # A person with `apply` is shown the plan as well, and writes nothing there either.
        fleet.author.git("fetch", "--quiet", "origin")
        kube = (f"--kubeconfig={fleet.kubeconfig}", f"--namespace=records-{fleet.name}")
        answer = run_cli("apply", "-y", "--names", *kube, cwd=fleet.author.path)
        assert answer.returncode == 0, answer.stderr
        assert (
            f"cluster {observed.name}: nothing to do; not finished: the cluster is only observed"
            in answer.stderr
        )
        assert "ConfigMap shop-observed/d" in answer.stdout
        # And nobody writes while the switch beside the reconciler is turned.
        switch = {"name": "fleet-reconciler-suspend", "namespace": f"records-{fleet.name}"}
        switch |= {"annotations": {"fleet-reconciler/suspend": "true"}}
        served.apply(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": switch}))
        answer = run_cli("apply", "-y", *kube, f"--own-context={served.name}", cwd=fleet.author.path)
        assert answer.returncode == 2
        assert "the fleet is suspended" in answer.stdout + answer.stderr
        for plane in (observed, pulled):
            assert fleet.there(plane) == {"a": {"a": "1"}}
            # Not even the record of what is applied.
            assert plane.writes(since=marks[plane.name], failed=False) == []
        fleet.wait_for(fleet.commit("all are served again", {"reconciler.yaml": None}))
        for plane in planes:
            assert set(fleet.there(plane)) == {"b", "c", "d"}


def state_of(fleet: Fleet, plane: ControlPlane) -> str:
    """How the delivery to a cluster stands, in the status."""
    rows = {row["name"]: row for row in summary_of(fleet.repository).get("clusters", ())}
    return str(rows.get(plane.name, {}).get("sync", ""))


CANARY = "canary-4f1d9c3b"


def secret(name: str, namespace: str, value: str, **more: object) -> str:
    """A Secret with the same value in both forms."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "data": {"encoded": base64.b64encode(value.encode()).decode()},
            "stringData": {"plain": value},
            **more,
        }
    )


def test_a_secret_is_shown_in_no_log_diff_plan_report_or_status(planes, tmp_path):
    pushed, pulled, _ = planes
    fleet = Fleet("secret", [pushed, pulled], tmp_path, pulled=[pulled.name])
    values = [f"{CANARY}-{number}" for number in range(4)]

    def files(number: int) -> dict[str, str]:
        return {
            "apps/secret.yaml": secret("ordinary", fleet.shop, values[number]),
            # The second cannot change: the server says so, and quotes what it likes.
            "apps/fixed.yaml": secret("fixed", fleet.shop, values[number], immutable=True),
            # The third is refused by its shape.
            "apps/typed.yaml": secret(
                "typed", fleet.shop, values[number], type="kubernetes.io/tls" if number else "Opaque"
            ),
        }

    shown: list[str] = []
    with (
        fleet.reconciler("--log-level=debug") as program,
        fleet.agent(pulled, "--log-level=debug") as agent,
        shown_on_failure(program, agent),
    ):
        allowed = {
            "reconciler.yaml": config(secrets="allow"),
            "policies/all.yaml": everywhere("all", ("v1", "Secret"), ("v1", "ConfigMap")),
        }
        fleet.wait_for(fleet.commit("first", {**allowed, **files(0)}))
        for plane in fleet.planes:
            plane.kubectl("patch", "secret", "ordinary", "-n", fleet.shop, "--type=merge", "-p",
                          json.dumps({"stringData": {"plain": values[2]}}))  # fmt: skip
        for each in (program, agent):
            eventually("drift is put back", lambda each=each: each.events("drift.corrected"), within=30)
        second = fleet.commit("all values change, and two of them must not", files(1))
        eventually("said", lambda: fleet.problems(second).keys() >= {"R503"}, within=60)
        eventually("told by the agent", lambda: "fixed" in told_by(fleet, pulled), within=60)
        for plane in fleet.planes:
            data = plane.kubectl_json("get", "secret", "fixed", "-n", fleet.shop)["data"]
            assert base64.b64decode(data["plain"]).decode() == values[0]
        fleet.author.git("fetch", "--quiet", "origin")
        fleet.author.commit("one more change", files(3))
        kube = (f"--kubeconfig={fleet.kubeconfig}", f"--namespace=records-{fleet.name}")
        for arguments in (
            ("diff", "main~2..main"),
            ("diff", "main~2..main", "-o", "json"),
            ("diff", "main~2..main", "-o", "markdown"),
            ("apply", "--dry-run", *kube),
            ("apply", "--dry-run", "-o", "json", *kube),
            ("status",),
            ("explain", f"Secret/{fleet.shop}/ordinary"),
        ):
            answer = run_cli(*arguments, cwd=fleet.author.path)
            assert "Traceback" not in answer.stderr, answer.stderr
            shown += [answer.stdout, answer.stderr]
        program.stop()
        agent.stop()
        shown += [program.log_path.read_text(), agent.log_path.read_text()]
    for branch in ("reconciler/status", f"reconciler/report/{pulled.name}"):
        shown.append(fleet.repository.git("log", "-p", "--format=%B", branch))
    # The diffs do speak of the Secrets.
    assert "ordinary" in "".join(shown)
    for value in values:
        for form in (value, base64.b64encode(value.encode()).decode()):
            assert not [text for text in shown if form in text], form


def told_by(fleet: Fleet, plane: ControlPlane) -> str:
    """The words of what could not be applied, in an agent's report."""
    branch = f"reconciler/report/{plane.name}"
    texts = [
        yaml.safe_load(fleet.repository.read(branch, path))
        for path in fleet.repository.files(branch)
        if path.startswith("objects/")
    ]
    return " ".join(str(row.get("appliedMessage", "")) for row in texts)


def test_a_server_that_hangs_leaves_the_latency_of_the_others_as_it_was(planes, start_cluster, tmp_path):
    alive = planes[:2]
    dead = start_cluster("hanging")
    fleet = Fleet("latency", [*alive, dead], tmp_path)
    with fleet.reconciler("--timeout=5") as program, shown_on_failure(program):
        fleet.wait_for(fleet.commit("first", {"apps/maps.yaml": fleet.maps("m")}))

        numbers = count()

        def seconds() -> float:
            """From a push to the object in both healthy clusters."""
            name = f"sample-{next(numbers)}"
            fleet.commit(name, {f"apps/{name}.yaml": fleet.maps(name)})
            started = time.monotonic()
            for plane in alive:
                eventually(name, lambda plane=plane: name in fleet.there(plane), within=30)
            return time.monotonic() - started

        def silences() -> int:
            """How often it was asked and did not answer; while the breaker is open it is not asked."""
            return sum("not asked" not in row["problem"] for row in program.events("cluster.failed"))

        before = [seconds() for _ in range(6)]
        dead.pause_apiserver()
        during: list[float] = []
        # From the first silence over retries and timeouts into the open breaker: none of it is the others' matter.
        while len(during) < 12 or silences() < 3:
            assert len(during) < 500, "the silent server was never noticed"
            during.append(seconds())
        dead.resume()
        # The machine may be slower by now than it was, for all of them.
        after = [seconds() for _ in range(6)]
        print(f"before {sorted(before)}, during {sorted(during)}, after {sorted(after)}")
        assert median(during) < 1.5 * max(median(before), median(after)) + 0.5
        # Whoever waits for the silent server does so each time that it is asked; a machine stumbles once or twice.
        slow = [each for each in during if each > max(*before, *after) + 2.0]
        assert len(slow) < 3, slow
