"""Three real applications on three real API servers, one of them through the agent. `kubectl` says what is there.

Their files lie beside this repository, not in it (RECONCILER_TEST_DATA). Where they are absent nothing here is judged, and one
line of the report says so.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.controlplane import ControlPlane, KubectlError
from tests.controlplane.polling import eventually
from tests.e2e.program import (
    Program,
    cluster_file,
    config_map,
    everywhere,
    merged_kubeconfig,
    namespace,
    run_cli,
)
from tests.e2e.scenes import (
    agent_arguments,
    delivered,
    run_arguments,
    shown_on_failure,
    summary_of,
    writes_to_objects,
)
from tests.gitservers import BareRepository, Clone, bare_repository
from tests.outside import outside_data

DATA = outside_data("real-manifests")
__test__ = DATA is not None  # without it pytest collects nothing here, and says the line of `outside_data`

BOUTIQUE, PROMETHEUS, ARGO = "online-boutique", "kube-prometheus", "argo-cd"
NAMESPACE_OF = {BOUTIQUE: "default", PROMETHEUS: "default", ARGO: "argocd"}
"""For objects that name none."""
CLUSTER_SCOPED = frozenset(
    {"APIService", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Namespace"}
)
SKIPPED = "kube-system"
"""spec scheduling section 2.9."""

# What the cluster makes of what people write, or writes all the time.
MADE_BY_CONTROLLERS = frozenset(
    {
        "controllerrevisions.apps",
        "endpoints",
        "endpointslices.discovery.k8s.io",
        "events",
        "events.events.k8s.io",
        "ipaddresses.networking.k8s.io",
        "leases.coordination.k8s.io",
        "pods",
        "replicasets.apps",
    }
)
MADE_IN_EACH_NAMESPACE = frozenset({("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")})
SETTINGS = """\
apiVersion: fleet-reconciler/v1alpha1
kind: FleetConfig
spec:
  defaultNamespaces:
    - {path: apps/argo-cd, namespace: argocd}
  secretRules:
    - {mode: allow, path: apps/kube-prometheus/}
    - {mode: allow, path: apps/argo-cd/}
"""


class Thing(NamedTuple):
    """One object; its text is how problems name it."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        return f"{kind} {self.namespace}/{self.name}" if self.namespace else f"{kind} {self.name}"


@dataclass(frozen=True, kw_only=True)
class Application:
    """Somebody's manifests, and what they hold."""

    name: str
    files: dict[str, str]
    versions: dict[Thing, str] = field(default_factory=dict)

    @property
    def things(self) -> frozenset[Thing]:
        return frozenset(self.versions)

    @property
    def delivered(self) -> frozenset[Thing]:
        return frozenset(thing for thing in self.versions if thing.namespace != SKIPPED)

    @property
    def policy(self) -> dict[str, str]:
        """A policy file that names every object: by kind and namespace, cluster-scoped ones by name."""
        selectors = {
            (version, thing.kind, thing.namespace, "" if thing.namespace else thing.name)
            for thing, version in self.versions.items()
            if thing.kind != "Namespace"
        }
        spec = {
            "resourceSelectors": [
                {"apiVersion": version, "kind": kind}
                | ({"namespace": where} if where else {})
                | ({"name": name} if name else {})
                for version, kind, where, name in sorted(selectors)
            ],
            "placement": {"clusterAffinity": {}},
        }
        body = {
            "apiVersion": "policy.karmada.io/v1alpha1",
            "kind": "ClusterPropagationPolicy",
            "metadata": {"name": self.name},
            "spec": spec,
        }
        return {f"policies/{self.name}.yaml": yaml.safe_dump(body, sort_keys=False)}


def application(name: str, extra: dict[str, str] | None = None) -> Application:
    """The application's files with all that they hold, read by another parser and without its resolution of scalars."""
    assert DATA is not None
    folder = DATA / name
    files = {
        f"apps/{name}/{path.relative_to(folder)}": path.read_text() for path in sorted(folder.rglob("*.yaml"))
    } | {f"apps/{name}/{path}": text for path, text in (extra or {}).items()}
    versions: dict[Thing, str] = {}
    for text in files.values():
        for document in yaml.load_all(text, Loader=yaml.CBaseLoader):  # strings only
            bodies = document["items"] if document["kind"].endswith("List") else [document]
            for body in bodies:
                kind, metadata = body["kind"], body["metadata"]
                where = "" if kind in CLUSTER_SCOPED else metadata.get("namespace") or NAMESPACE_OF[name]
                version = body["apiVersion"]
                versions[Thing(version.rpartition("/")[0], kind, where, metadata["name"])] = version
    return Application(name=name, files=files, versions=versions)


def listing(plane: ControlPlane) -> frozenset[Thing]:
    """Everything that kubectl lists, less what controllers make."""
    # What is served and what can be listed are two questions: a definition may go in between.
    return eventually(f"a listing of {plane.name}", lambda: _listed(plane), ignoring=(KubectlError,))


def _listed(plane: ControlPlane) -> frozenset[Thing]:
    # A server behind an aggregated API that has no pods makes kubectl complain, after it has listed all others.
    kinds = plane.kubectl_result("api-resources", "--verbs=list,create", "-o", "name").stdout.split()
    wanted = sorted(set(kinds) - MADE_BY_CONTROLLERS)
    assert "deployments.apps" in wanted
    form = '{range .items[*]}{.apiVersion}|{.kind}|{.metadata.namespace}|{.metadata.name}{"\\n"}{end}'
    text = plane.kubectl("get", ",".join(wanted), "-A", "-o", f"jsonpath={form}", timeout=120)
    rows = (line.split("|") for line in text.splitlines())
    things = (Thing(version.rpartition("/")[0] if "/" in version else "", *rest) for version, *rest in rows)
    return frozenset(thing for thing in things if (thing.kind, thing.name) not in MADE_IN_EACH_NAMESPACE)


def listings(planes: Iterable[ControlPlane]) -> dict[str, frozenset[Thing]]:
    every = list(planes)
    with ThreadPoolExecutor(len(every)) as pool:
        return dict(zip([plane.name for plane in every], pool.map(listing, every), strict=True))


class Line:
    """The whole line with its processes: a fleet repository, the reconciler for two clusters, the agent for the third."""

    def __init__(
        self, planes: tuple[ControlPlane, ...], repository: BareRepository, author: Clone, directory: Path
    ) -> None:
        self.planes = planes
        self.repository = repository
        self.author = author
        self.directory = directory
        self.kubeconfig = merged_kubeconfig(planes, directory / "kubeconfig")
        self.applications = {name: application(name) for name in (BOUTIQUE, PROMETHEUS, ARGO)}
        *pushed, pulled = planes
        self.surroundings = {
            "reconciler.yaml": SETTINGS,
            "namespaces/argocd.yaml": namespace("argocd"),
            "policies/marker.yaml": everywhere("marker", ("v1", "ConfigMap"), namespace="default"),
            **{f"clusters/{plane.name}.yaml": cluster_file(plane.name) for plane in pushed},
            f"clusters/{pulled.name}.yaml": cluster_file(pulled.name, "Pull"),
        }
        self.programs: list[Program] = []

    def start(self) -> None:
        """Both processes."""
        pulled = self.planes[-1]
        # A dozen large definitions at once take a server that is short of CPU longer than the default.
        patience = "--timeout=120"
        arguments = (
            run_arguments(self.repository, self.directory, self.kubeconfig, patience),
            agent_arguments(self.repository, pulled, self.directory, self.kubeconfig, patience),
        )
        self.programs = [Program(self.directory, *each) for each in arguments]

    def stop(self) -> None:
        """Both, as Kubernetes ends a pod."""
        for program in self.programs:
            assert program.stop() == 0

    def commit(self, message: str, files: dict[str, str | None]) -> str:
        """What somebody pushes."""
        return self.author.commit_and_push(message, files)

    def with_applications(self, *names: str, **also: str) -> str:
        """Bring the fleet repository to hold these applications with their policies, and wait for every cluster."""
        wanted = {**self.surroundings, **also}
        for name in names:
            wanted |= self.applications[name].files | self.applications[name].policy
        there = self.author.git("ls-files").splitlines()
        commit = self.commit(
            f"the fleet holds {', '.join(names)}", {**dict.fromkeys(set(there) - set(wanted)), **wanted}
        )
        self.wait_for(commit)
        return commit

    def wait_for(self, commit: str) -> None:
        """Until every cluster stands at what the commit comes to."""
        eventually(f"{commit} is everywhere", delivered(self.repository, commit, self.planes), within=240)

    def cli(self, *arguments: str, exit_code: int) -> str:
        """What a verb says in the author's clone, which knows what the machine branches say."""
        self.author.git("fetch", "--quiet", "--prune", "origin")
        for branch in self.author.git(
            "branch", "--list", "--format=%(refname:short)", "reconciler/*"
        ).split():
            self.author.git("branch", "--quiet", "-D", branch)
        answer = run_cli(*arguments, cwd=self.author.path)
        assert answer.returncode == exit_code, (answer.stdout[-4000:], answer.stderr[-4000:])
        return answer.stdout + answer.stderr


@pytest.fixture(scope="module")
def line(
    fleet_of_clusters: tuple[ControlPlane, ControlPlane, ControlPlane],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Line]:
    """One line for all tests of this file: each brings the fleet to what it needs, which costs nothing where it is there."""
    directory = tmp_path_factory.mktemp("real")
    repository = bare_repository(directory / "fleet.git")
    line = Line(fleet_of_clusters, repository, Clone(directory / "author", repository.url), directory)
    line.start()
    yield line
    line.stop()
    with ThreadPoolExecutor(len(line.planes)) as pool:
        list(pool.map(ControlPlane.clean, line.planes))


def test_every_object_that_a_policy_names_is_in_every_cluster_except_what_never_leaves(line: Line):
    with shown_on_failure(*line.programs):
        line.with_applications(BOUTIQUE, PROMETHEUS, ARGO)
        wanted = frozenset().union(*(each.delivered for each in line.applications.values()))
        assert len(wanted) == 35 + (131 - 3) + 70
        for name, there in listings(line.planes).items():
            assert wanted - there == frozenset(), name

        # What stays away is said, each with its place.
        never = {
            thing
            for each in line.applications.values()
            for thing in each.things
            if thing.namespace == SKIPPED
        }
        assert len(never) == 3
        said = json.loads(line.cli("validate", "-o", "json", exit_code=0))["problems"]
        rows = [row for row in said if row["code"] == "R322"]
        assert {row["subject"] for row in rows} == {str(thing) for thing in never}
        assert all(row["path"].startswith("apps/kube-prometheus/") for row in rows)
        assert {row["code"] for row in said} == {"R322"}


def test_a_second_pass_and_a_restart_of_both_processes_send_no_write(line: Line):
    with shown_on_failure(*line.programs):
        line.with_applications(BOUTIQUE, PROMETHEUS, ARGO)
    line.stop()
    objects = {
        plane.name: len(line.repository.files(f"reconciler/cluster/{plane.name}")) for plane in line.planes
    }
    before = {plane.name: plane.request_counts() for plane in line.planes}
    marks = {plane.name: plane.audit_mark() for plane in line.planes}

    def examined(plane: ControlPlane) -> bool:
        """A new process has no proof of anything: it asks the server for each object once."""
        asked = plane.request_counts() - before[plane.name]
        return asked.total(verb="APPLY", dry_run=True) > 0.9 * objects[plane.name]

    line.start()
    with shown_on_failure(*line.programs):
        for plane in line.planes:
            eventually(f"{plane.name} was looked over", lambda plane=plane: examined(plane), within=240)
        for plane in line.planes:
            assert (plane.request_counts() - before[plane.name]).applied == 0, plane.name
        # What comes next is alone in the audit log: whatever that pass wanted to write would stand before it.
        marker = line.commit("a marker", {"apps/marker.yaml": config_map("marker", "default", a="1")})
        line.wait_for(marker)
        for plane in line.planes:
            assert writes_to_objects(plane, marks[plane.name]) == [
                ("patch", "configmaps", "default", "marker")
            ]


def test_the_policy_without_its_templates_prunes_exactly_them_and_the_templates_without_it_stay(line: Line):
    boutique = line.applications[BOUTIQUE]
    with shown_on_failure(*line.programs):
        line.with_applications(BOUTIQUE, PROMETHEUS, ARGO)
        before = listings(line.planes)
        assert all(boutique.things < there for there in before.values())
        bindings = line.repository.files("reconciler/rendered", "bindings")
        marks = {plane.name: plane.audit_mark() for plane in line.planes}

        alone = line.commit("the policy goes, the shop stays", dict.fromkeys(boutique.policy))
        line.wait_for(alone)
        assert listings(line.planes) == before
        assert line.repository.files("reconciler/rendered", "bindings") == bindings
        for plane in line.planes:
            assert writes_to_objects(plane, marks[plane.name]) == []
        said = json.loads(line.cli("validate", "-o", "json", exit_code=0))["problems"]
        stays = {row["subject"] for row in said if row["code"] == "R321"}
        assert stays == {str(thing) for thing in boutique.things}
        assert {row["severity"] for row in said if row["code"] == "R321"} == {"warning"}
        assert summary_of(line.repository)["problems"]["R321"] == len(boutique.things)

        back = line.commit("the policy is back", dict(boutique.policy))
        line.wait_for(back)
        gone = line.commit("the shop goes, the policy stays", dict.fromkeys(boutique.files))
        line.wait_for(gone)
        for name, there in listings(line.planes).items():
            assert before[name] - there == boutique.things, name
            assert there - before[name] == frozenset(), name
        for plane in line.planes:
            written = writes_to_objects(plane, marks[plane.name])
            assert {verb for verb, *_ in written} == {"delete"}
            assert len(written) == len(boutique.things)
        assert not set(bindings) <= set(line.repository.files("reconciler/rendered", "bindings"))


def test_an_application_with_a_namespace_and_definitions_goes_only_with_an_approval(line: Line):
    prometheus = line.applications[PROMETHEUS]
    protected = {
        thing for thing in prometheus.delivered if thing.kind in ("Namespace", "CustomResourceDefinition")
    }
    assert len(protected) == 11
    with shown_on_failure(*line.programs):
        line.with_applications(PROMETHEUS, ARGO)
        before = listings(line.planes)
        marks = {plane.name: plane.audit_mark() for plane in line.planes}
        everything = dict.fromkeys((*prometheus.files, *prometheus.policy))
        removed = line.commit("monitoring goes", dict(everything))
        eventually(
            "the reconciler says what it holds",
            lambda: held_by(line.repository, removed) >= {"R504", "R505"},
            within=60,
        )

        # The same by hand, on the commit that the reconciler rendered: the worst exit code of a guard, and its words.
        said = line.cli("render", "--branches", exit_code=3)
        assert all(thing.name in said for thing in protected)
        said = run_here(line, "apply", "-y", "--names", f"--kubeconfig={line.kubeconfig}")
        assert said.returncode == 3, said.stdout[-3000:] + said.stderr[-3000:]
        assert all(thing.name in said.stdout for thing in protected)
        assert listings(line.planes) == before
        for plane in line.planes:
            assert writes_to_objects(plane, marks[plane.name]) == []

        said = line.cli("approve", "--reason", "monitoring moves out", exit_code=0)
        assert "approvals/" in said
        approved = line.commit("approve it", {})
        line.wait_for(approved)
        # The cluster empties a namespace in its own time; whoever deletes it waits for that only so long.
        after = eventually(
            "all of it is gone", lambda: listings_without(line.planes, prometheus.delivered), within=120
        )
        for name, there in after.items():
            # The namespace takes along what the cluster made in it, a definition the APIServices of its group.
            assert {
                thing
                for thing in before[name] - there - prometheus.delivered
                if thing.namespace != "monitoring"
                and not (thing.kind == "APIService" and thing.name.endswith(".monitoring.coreos.com"))
            } == set()
            assert there - before[name] == frozenset(), name
        rest = line.applications[ARGO].delivered
        assert all(rest < there for there in after.values())


def listings_without(
    planes: Iterable[ControlPlane], gone: frozenset[Thing]
) -> dict[str, frozenset[Thing]] | None:
    """What the clusters hold, once none of them holds any of `gone`."""
    found = listings(planes)
    return None if any(gone & there for there in found.values()) else found


def held_by(repository: BareRepository, commit: str) -> set[str]:
    """The codes of the problems that the status of a source commit counts."""
    summary = summary_of(repository)
    return set(summary["problems"]) if summary.get("sourceCommit") == commit else set()


def run_here(line: Line, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A verb on the clone as it is."""
    return run_cli(*arguments, cwd=line.author.path)
