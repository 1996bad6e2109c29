"""Reports that mean harm (DESIGN §5, promise 8): a cluster may spoil what is known of itself, and nothing else, in bounded time.

Each is read as the reconciler reads one, goes into a status commit beside an honest cluster's, and comes back as the next observation.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from reconciler.interpreter.registry import NATIVE
from reconciler.model.binding import Binding, TargetCluster
from reconciler.model.cluster import Cluster, ClusterStatus, Condition
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest, Origin
from reconciler.model.observation import ClusterReport, Health, MemberStatus, Readiness
from reconciler.observe.branches import decode_report
from reconciler.status.aggregate import Facts, status_files
from reconciler.status.document import decode_observation
from reconciler.wiring import aggregate

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SECONDS = 5.0
"""Of CPU time, which a busy machine cannot stretch."""
HEAD = "apiVersion: fleet-reconciler/v1alpha1\nkind: ClusterReport\nmetadata: {name: honest}\n"
READY = HEAD + "status: {conditions: [{type: Ready, status: 'True'}]}\n"

# What is no report is silence: the cluster becomes Unknown, as one that is away.
SILENT = {
    "nothing": "",
    "no YAML": "a: [",
    "no mapping": "- x",
    "not UTF-8": "a: \udcff",
    "a billion laughs": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ),
    "a hundred thousand brackets": "a: " + "[" * 100_000,
    "conditions that are a mapping": HEAD + "status: {conditions: {a: b}}",
    "APIs that are a number": HEAD + "status: {apiEnablements: 5}",
    "nodes that are a text": HEAD + "status: {nodeSummary: {totalNum: many}}",
    "more nodes than there are numbers": HEAD + "status: {nodeSummary: {totalNum: 1e400}}",
    "capacity that is no quantity": HEAD + "status: {resourceSummary: {allocatable: {cpu: much}}}",
    "capacity of a billion digits": HEAD + "status: {resourceSummary: {allocatable: {cpu: 1e999999999}}}",
    "a condition since never": HEAD
    + "status: {conditions: [{type: Ready, status: 'True', lastTransitionTime: never}]}",
    "a condition since after the calendar": HEAD
    + "status: {conditions: [{type: Ready, status: 'True', lastTransitionTime: '9999-12-31T23:59:59-14:00'}]}",
}
# What else stands there is believed as far as it is of the right kind.
TOLD = {
    "another cluster's name": READY,
    "sync that is a list": READY + "sync: []",
    "a commit that is a list": READY + "appliedCommit: [a]",
    "kinds that are a number": READY + "customKinds: 5",
    "an observation in the year 99999": READY + "observedAt: 99999-01-01T00:00:00Z",
    "a message of ten megabytes": READY + "sync: {message: '" + "x" * 2_500_000 + "'}",
    "Markdown": READY + "sync: {message: '| <script>alert(1)</script> @everyone `x` ](http://evil) \\e[31m'}",
}
STATUSES = {
    "a number": "5",
    "a list": "[x]",
    "a time that is none": "{lastScheduleTime: soon, startTime: soon, completionTime: soon}",
    "a month that is none": "{lastScheduleTime: '2026-13-45T99:00:00Z'}",
    "a time beyond the calendar": "{lastScheduleTime: '0001-01-01T00:00:00+14:00', startTime: '0001-01-01T00:00:00+14:00'}",
    "counts that are texts": "{replicas: many, readyReplicas: [], active: x, succeeded: x, failed: {}}",
    "counts without measure": "{replicas: 1e300, readyReplicas: 99999999999999999999999999}",
    "the greatest counts": "{replicas: 9223372036854775807, active: 9223372036854775807, failed: 9223372036854775807}",
    "conditions that are none": "{conditions: [{type: 5, status: []}, x]}",
    "addresses that are none": "{loadBalancer: {ingress: [{ip: 5, ports: 7}]}}",
}
KINDS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Pod": "v1",
    "Service": "v1",
    "Ingress": "networking.k8s.io/v1",
    "PersistentVolumeClaim": "v1",
    "PodDisruptionBudget": "policy/v1",
    "Widget": "example.com/v1",
}


@pytest.mark.parametrize("text", SILENT.values(), ids=SILENT)
def test_what_is_no_report_is_silence(text):
    started = time.thread_time()
    assert decode_report("hostile", {"cluster.yaml": text.encode(errors="surrogateescape")}) is None
    assert time.thread_time() - started < SECONDS


@pytest.mark.parametrize("text", TOLD.values(), ids=TOLD)
def test_a_report_speaks_of_its_own_cluster_alone_and_at_bounded_length(text):
    report = decode_report("hostile", {"cluster.yaml": text.encode()})
    assert report is not None
    assert report.cluster.name == "hostile"
    assert report.cluster.status.condition("Ready").status == "True"
    files = committed(report.cluster, {})
    assert sum(map(len, files.values())) < 20_000
    seen = decode_observation(files, commit="1" * 40, time=NOW).clusters
    assert seen["honest"].status.condition("Ready").status == "True"
    assert seen["honest"].message == "all is well"
    shown = files["STATUS.md"].decode()
    assert "<script>" not in shown
    assert "@everyone" not in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", STATUSES.values(), ids=STATUSES)
def test_a_status_that_does_not_fit_its_kind_spoils_no_status_commit(kind, status):
    id_ = ObjectId(group=KINDS[kind].rpartition("/")[0], kind=kind, namespace="shop", name="web")
    said = f"health: Healthy\nreadiness: Current\nstatus: {status}\n"
    report = decode_report(
        "hostile", {"cluster.yaml": READY.encode(), f"objects/{id_.tree_path}": said.encode()}
    )
    files = committed(report.cluster, {id_: report.members[id_]})
    seen = decode_observation(files, commit="1" * 40, time=NOW).objects[id_]
    assert [(each.cluster, each.health) for each in seen] == [
        ("honest", Health.HEALTHY),
        ("hostile", Health.HEALTHY),
    ]


def test_what_a_report_says_of_objects_that_are_not_there_goes_nowhere():
    files = {
        "cluster.yaml": READY.encode(),
        "objects/shop/Deployment.apps/%2e%2e%2f%2e%2e%2fetc.yaml": b"health: Healthy\n",
        "objects/../../etc/passwd.yaml": b"health: Healthy\n",
        "objects/x.yaml": b"health: Healthy\n",
        "objects/shop/Deployment.apps/web.yaml": b"health: [x\n",
        "objects/shop/Deployment.apps/half.yaml": b'status: {phase: "\\ud800"}',
    }
    report = decode_report("hostile", files)
    assert report.refused == 4
    assert set(committed(report.cluster, report.members)) == {
        "clusters/honest.yaml",
        "clusters/hostile.yaml",
        "summary.yaml",
        "STATUS.md",
    }


def committed(report: ClusterReport, members: dict[ObjectId, MemberStatus]) -> dict[str, bytes]:
    """The status commit of a fleet of two clusters, one of which is honest and runs the same objects."""
    ready = ClusterStatus(conditions=(Condition(type="Ready", status="True", reason="ClusterReady"),))
    wanted = {id_: member for id_, member in members.items() if id_.name == "web"}
    bindings = {
        id_: Binding(
            resource=id_,
            api_version=KINDS[id_.kind],
            clusters=(TargetCluster(name="honest"), TargetCluster(name="hostile")),
        )
        for id_ in wanted
    }
    bodies = {
        id_: {
            "apiVersion": KINDS[id_.kind],
            "kind": id_.kind,
            "metadata": {"name": "web", "namespace": "shop"},
        }
        for id_ in wanted
    }
    honest = MemberStatus(
        cluster="honest",
        applied=True,
        health=Health.HEALTHY,
        readiness=Readiness.CURRENT,
        status={"replicas": 1},
    )
    facts = Facts(
        source_commit="s" * 40,
        rendered_commit="r" * 40,
        now=NOW,
        clusters=(Cluster(name="honest"), Cluster(name="hostile")),
        reports={
            "honest": ClusterReport(name="honest", status=ready, sync="Synced", message="all is well"),
            "hostile": report,
        },
        bindings=bindings,
        templates={
            id_: Manifest(id=id_, body=body, origin=Origin(path="web.yaml", line=1, column=1))
            for id_, body in bodies.items()
        },
        members={id_: (honest, member) for id_, member in wanted.items()},
    )
    return status_files(facts, lambda body, items: aggregate(NATIVE, body, items))
