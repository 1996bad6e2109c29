"""SIGKILL of the real process at named points, then started again: it converges, writes nothing twice, deletes nothing wrongly.

Each test is one commit that adds, changes and removes objects on two clusters; the process ends itself at one point of its
pass (`RECONCILER_CRASH_AT`). The clusters' audit logs and `git` are the witnesses of both lives together.
"""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconciler.loop.record import CHECKPOINTS as RECORD_POINTS
from reconciler.targets.push import CHECKPOINTS as DELIVERY_POINTS
from tests.controlplane import ControlPlane
from tests.controlplane.polling import eventually
from tests.e2e.program import Program, cluster_file, config_map, everywhere, merged_kubeconfig, namespace
from tests.e2e.scenes import (
    agent_arguments,
    crash_at,
    delivered,
    run_arguments,
    shown_on_failure,
    writes_to_objects,
)
from tests.gitservers import Clone, bare_repository

SHOP = "shop"
STEADY = tuple(f"steady-{number}" for number in range(6))
KINDS = (
    ("v1", "ConfigMap"),
    ("apps/v1", "Deployment"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("scheduling.k8s.io/v1", "PriorityClass"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("shop.example.com/v1", "Widget"),
)


def definition() -> str:
    """A CRD with one kind, Widget."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"}
    return json.dumps(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgets.shop.example.com"},
            "spec": {
                "group": "shop.example.com",
                "scope": "Namespaced",
                "names": names,
                "versions": [version],
            },
        }
    )


def deployment(name: str, image: str) -> str:
    """A Deployment of one pod; another image is a rollout."""
    labels = {"app": name}
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": SHOP},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "main", "image": image}]},
                },
            },
        }
    )


def generation(number: int) -> dict[str, str]:
    """What each commit changes: its own objects (the last one's go), and a workload and a custom resource that stay."""
    mine = f"generation-{number}"
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": mine}}
    priority = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": mine},
        "value": number,
    }
    widget = {
        "apiVersion": "shop.example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "one", "namespace": SHOP},
        "spec": {"size": number},
    }
    return {
        "apps/generation.yaml": "\n---\n".join(
            (
                config_map(f"{mine}-a", SHOP, number=str(number)),
                config_map(f"{mine}-b", SHOP, number=str(number)),
                json.dumps({**role, "rules": []}),
                json.dumps(priority),
            )
        ),
        "apps/widget.yaml": json.dumps(widget),
        "apps/web.yaml": deployment("web", f"web:{number}"),
    }


def expected_writes(number: int) -> Counter[tuple[str, str, str]]:
    """(verb, resource, name) of everything that the step from one generation to the next is, in one cluster."""
    return Counter(
        [
            *(("patch", "configmaps", f"generation-{number}-{each}") for each in "ab"),
            ("patch", "clusterroles", f"generation-{number}"),
            ("patch", "priorityclasses", f"generation-{number}"),
            ("patch", "widgets", "one"),
            ("patch", "deployments", "web"),
            *(("delete", "configmaps", f"generation-{number - 1}-{each}") for each in "ab"),
            ("delete", "clusterroles", f"generation-{number - 1}"),
            ("delete", "priorityclasses", f"generation-{number - 1}"),
        ]
    )


class Stage:
    """Two clusters by push or one by pull, a fleet repository, and a repository of its own for each cluster's branch.

    The branches lie on other remotes than the truth, or one atomic push would carry both and leave no point in between.
    """

    def __init__(self, planes: tuple[ControlPlane, ...], directory: Path, mode: str) -> None:
        self.planes = planes
        self.directory = directory
        self.repository = bare_repository(directory / "fleet.git")
        self.branches = {
            plane.name: bare_repository(directory / f"cluster-{plane.name}.git") for plane in planes
        }
        self.author = Clone(directory / "author", self.repository.url)
        self.kubeconfig = merged_kubeconfig(planes, directory / "kubeconfig")
        self.number = 1
        self.at_rest = ""
        self.source = self.author.commit_and_push(
            "generation 1",
            {
                **{f"clusters/{plane.name}.yaml": cluster_file(plane.name, mode) for plane in planes},
                "policies/all.yaml": everywhere("all", *KINDS),
                "apps/namespace.yaml": namespace(SHOP),
                "apps/definition.yaml": definition(),
                "apps/steady.yaml": "\n---\n".join(config_map(name, SHOP, a="1") for name in STEADY),
                **generation(1),
            },
        )

    def reconciler(self, crash: dict[str, str] | None = None) -> Program:
        """`reconciler run`."""
        url = f"{self.directory.as_uri()}/cluster-{{cluster}}.git"
        branches = (f"--cluster-url={url}", f"--report-url={url}")
        arguments = run_arguments(self.repository, self.directory, self.kubeconfig, *branches)
        return Program(self.directory, *arguments, environment=crash)

    def agent(self, crash: dict[str, str] | None = None) -> Program:
        """`reconciler agent` of the only cluster; it reports where the reconciler looks for it."""
        plane = self.planes[0]
        remote = self.branches[plane.name]
        arguments = agent_arguments(remote, plane, self.directory, self.kubeconfig)
        return Program(self.directory, *arguments, environment=crash)

    def is_delivered(self) -> bool:
        """Whether the status says that all clusters stand at the newest commit."""
        return delivered(self.repository, self.source, self.planes)()

    def next_generation(self) -> str:
        """Somebody pushes the next step."""
        self.number += 1
        self.source = self.author.commit_and_push(f"generation {self.number}", generation(self.number))
        return self.source

    def shown(self, plane: ControlPlane) -> str:
        """The tree that a cluster's branch shows."""
        return self.branches[plane.name].git("rev-parse", f"reconciler/cluster/{plane.name}^{{tree}}")

    def check(self, marks: dict[str, int], before: dict[str, dict[str, str]]) -> None:
        """Every object of the step was written once in both lives, none other at all; what stays is the same object."""
        expected = expected_writes(self.number)
        for plane in self.planes:
            eventually(
                "all is done", lambda plane=plane: expected.keys() <= set(step(plane, marks[plane.name]))
            )
            rows = step(plane, marks[plane.name])
            assert Counter(rows) == expected, plane.name
            # Deletions come after everything that replaces what goes.
            verbs = [verb for verb, *_ in rows]
            assert verbs == sorted(verbs, reverse=True), plane.name
            after = uids(plane)
            assert {name: after.get(name) for name in STEADY} == {
                name: before[plane.name][name] for name in STEADY
            }
            assert set(after) == {*STEADY, *(f"generation-{self.number}-{each}" for each in "ab")}
        sources = self.repository.log(
            "reconciler/rendered", "%(trailers:key=Source-Commit,valueonly,separator=)"
        )
        assert sources.count(self.source) == 1
        for plane in self.planes:
            tree = self.repository.git("rev-parse", f"reconciler/rendered:clusters/{plane.name}")
            # The branches lie elsewhere: nobody has waited for them.
            eventually("the branch shows it", lambda plane=plane, tree=tree: self.shown(plane) == tree)

    def check_repositories(self) -> None:
        """Nothing in Git is damaged. Only while nobody writes: to `git fsck`, what comes while it reads is missing."""
        for repository in (self.repository, *self.branches.values()):
            repository.check()


def step(plane: ControlPlane, mark: int) -> list[tuple[str, str, str]]:
    """(verb, resource, name) of the writes since a mark that the server took, in order; the program's own record apart."""
    taken = {(verb, resource, name) for verb, resource, _, name in writes_to_objects(plane, mark)}
    found: list[tuple[str, str, str]] = []
    for write in plane.writes(since=mark):
        row = (write.verb, write.resource, write.name)
        # Whoever is killed while a write is under way does not hear of it: the audit log says 504, or 500 where the store
        # was faster to give up than the server, and the object is there or is written again.
        is_unheard = write.code >= 500 and row not in taken and row not in found
        if "fleet-reconciler" not in (write.namespace, write.name) and (write.code < 300 or is_unheard):
            found.append(row)
    return found


def uids(plane: ControlPlane) -> dict[str, str]:
    """The ConfigMaps of the shop; the cluster's own apart."""
    items = plane.kubectl_json("get", "configmaps", "-n", SHOP)["items"]
    found = {item["metadata"]["name"]: item["metadata"]["uid"] for item in items}
    return {name: uid for name, uid in found.items() if name != "kube-root-ca.crt"}


def stage_of(planes: tuple[ControlPlane, ...], directory: Path, mode: str) -> Iterator[Stage]:
    stage = Stage(planes, directory, mode)
    yield stage
    with ThreadPoolExecutor(len(planes)) as pool:
        list(pool.map(ControlPlane.clean, planes))


@pytest.fixture(scope="module")
def pushed(fleet_of_clusters, tmp_path_factory) -> Iterator[Stage]:
    yield from stage_of(fleet_of_clusters[:2], tmp_path_factory.mktemp("pushed"), "Push")


@pytest.fixture(scope="module")
def pulled(fleet_of_clusters, tmp_path_factory) -> Iterator[Stage]:
    yield from stage_of(fleet_of_clusters[2:], tmp_path_factory.mktemp("pulled"), "Pull")


# A point, and how often it is passed before the process ends. Two clusters are delivered to side by side.
OF_THE_RECORD = [(point, 1) for point in RECORD_POINTS]
OF_DELIVERY = [(point, 1) for point in DELIVERY_POINTS] + [("mid-stage", 5), ("mid-prune", 4)]


def killed_there(program: Program, point: str) -> None:
    """Wait until the process has ended itself."""
    with shown_on_failure(program):
        eventually(f"killed at {point}", lambda: program.process.poll() is not None, within=60)
        assert program.process.returncode == -signal.SIGKILL, program.process.returncode


@pytest.mark.parametrize(("point", "occurrence"), OF_THE_RECORD + OF_DELIVERY)
def test_the_reconciler_killed_at_any_point_converges_when_it_is_started_again(
    pushed: Stage, point: str, occurrence: int
):
    if not pushed.is_delivered():
        with pushed.reconciler() as program, shown_on_failure(program):
            eventually("the last generation is there", pushed.is_delivered, within=90)
    before = {plane.name: uids(plane) for plane in pushed.planes}
    marks = {plane.name: plane.audit_mark() for plane in pushed.planes}
    pushed.next_generation()
    killed_there(pushed.reconciler(crash_at(point, occurrence)), point)
    if point == "pushed-truth":
        assert truth_is_ahead(pushed)
    with pushed.reconciler() as program, shown_on_failure(program):
        eventually("it converges", pushed.is_delivered, within=90)
        # A deletion may be left to the pass after the one that the status tells of.
        pushed.check(marks, before)
    pushed.check_repositories()


def truth_is_ahead(stage: Stage) -> bool:
    """Whether the rendered branch shows a commit that no cluster's branch has been told of."""
    truth = stage.repository.branches()["reconciler/rendered"]
    told = [
        remote.git(
            "log", "-1", "--format=%(trailers:key=Rendered-Commit,valueonly)", f"reconciler/cluster/{name}"
        )
        for name, remote in stage.branches.items()
    ]
    return all(truth not in each for each in told)


@pytest.mark.parametrize(("point", "occurrence"), OF_DELIVERY)
def test_the_agent_killed_at_any_point_converges_when_it_is_started_again(
    pulled: Stage, point: str, occurrence: int
):
    with pulled.reconciler() as reconciler, shown_on_failure(reconciler):
        if not pulled.is_delivered():
            with pulled.agent() as agent, shown_on_failure(agent):
                eventually("the last generation is there", pulled.is_delivered, within=90)
        before = {plane.name: uids(plane) for plane in pulled.planes}
        marks = {plane.name: plane.audit_mark() for plane in pulled.planes}
        pulled.next_generation()
        killed_there(pulled.agent(crash_at(point, occurrence)), point)
        with pulled.agent() as agent, shown_on_failure(agent):
            eventually("it converges", pulled.is_delivered, within=90)
            pulled.check(marks, before)
    pulled.check_repositories()
