"""The control planes of the tests are real, can be broken in the ways that matter, and are clean afterwards."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.controlplane import BinariesError, ControlPlane, KubectlError, Node, binaries, eventually
from tests.controlplane.binaries import NAMES
from tests.controlplane.processes import command_of
from tests.ports import free_port, free_ports

ROOT = Path(__file__).parents[2]


def workload(kind: str, name: str, image: str, **spec: object) -> dict[str, object]:
    """A Deployment, StatefulSet or Job of one container."""
    pod: dict[str, object] = {"containers": [{"name": "main", "image": image}]}
    if kind == "Job":
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name},
            "spec": {"template": {"spec": {**pod, "restartPolicy": "Never"}}, **spec},
        }
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
            **spec,
        },
    }


def apply_in(plane: ControlPlane, namespace: str, *documents: dict[str, object]) -> None:
    if plane.find("namespace", namespace) is None:
        plane.kubectl("create", "namespace", namespace)
    text = "\n---\n".join(yaml.safe_dump(document) for document in documents)
    plane.kubectl("apply", "--server-side", "-n", namespace, "-f", "-", stdin=text)


def pods(plane: ControlPlane, namespace: str) -> list[dict]:
    return plane.kubectl_json("get", "pods", "-n", namespace)["items"]


def condition(found: dict, kind: str) -> str:
    return next(
        (each["status"] for each in found["status"].get("conditions", []) if each["type"] == kind), ""
    )


# --- what they are ---


def test_three_clusters_run_side_by_side_and_share_nothing(clean_clusters):
    assert len({plane.server for plane in clean_clusters}) == 3
    for plane in clean_clusters:
        assert plane.kubectl_json("version")["serverVersion"]["gitVersion"] == "v1.36.3"
        plane.kubectl("create", "configmap", "where", f"--from-literal=name={plane.name}", "-n", "default")
    for plane in clean_clusters:
        assert plane.find("configmap", "where", "default")["data"] == {"name": plane.name}
    uids = {plane.find("namespace", "kube-system")["metadata"]["uid"] for plane in clean_clusters}
    assert len(uids) == 3


def test_a_kubeconfig_verifies_the_server_and_no_other(fleet_of_clusters):
    one, two, _ = fleet_of_clusters
    content = yaml.safe_load(one.kubeconfig.read_text())
    assert "insecure-skip-tls-verify" not in one.kubeconfig.read_text()
    assert set(content["clusters"][0]["cluster"]) == {"server", "certificate-authority-data"}
    assert one.kubeconfig.stat().st_mode & 0o077 == 0
    request = urllib.request.Request(
        f"{one.server}/version", headers={"Authorization": f"Bearer {one.token}"}
    )
    with urllib.request.urlopen(
        request, context=ssl.create_default_context(cafile=str(one.ca_file))
    ) as answer:
        assert answer.status == 200
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(request, context=ssl.create_default_context(cafile=str(two.ca_file)))


def test_the_powerless_user_is_forbidden_everything_until_a_role_is_bound(clean_clusters):
    one = clean_clusters[0]

    def lists_config_maps() -> subprocess.CompletedProcess[str]:
        kubectl = [one.binaries.path("kubectl"), "--kubeconfig", one.powerless_kubeconfig]
        command = [*kubectl, "get", "configmaps", "-n", "default", "-o", "name"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    refused = lists_config_maps()
    assert refused.returncode == 1
    assert 'User "powerless" cannot list resource "configmaps"' in refused.stderr
    one.kubectl("create", "rolebinding", "viewer", "--clusterrole=view", "--user=powerless", "-n", "default")
    # The authorizer learns of it through a watch.
    eventually("the role is bound", lambda: lists_config_maps().stdout == "configmap/kube-root-ca.crt\n")


# --- what kwok does in place of kubelets ---


def test_a_deployment_of_two_pods_becomes_ready(clean_clusters):
    one = clean_clusters[0]
    apply_in(one, "shop", workload("Deployment", "web", "web:1.0", replicas=2))
    one.kubectl("rollout", "status", "deployment/web", "-n", "shop", "--timeout=30s")
    status = one.find("deployment", "web", "shop")["status"]
    assert (status["readyReplicas"], status["availableReplicas"]) == (2, 2)
    assert {pod["spec"]["nodeName"] for pod in pods(one, "shop")} <= set(one.names("nodes"))
    assert len({pod["status"]["podIP"] for pod in pods(one, "shop")}) == 2


def test_a_crashing_image_and_one_that_is_never_ready_do_not_become_available(clean_clusters):
    one = clean_clusters[0]
    apply_in(
        one,
        "shop",
        workload("Deployment", "crash", "registry.example:5000/crash:crash-loop"),
        workload("Deployment", "slow", "slow:never-ready@sha256:" + "0" * 64),
        workload("Deployment", "fine", "fine"),
    )
    one.kubectl("rollout", "status", "deployment/fine", "-n", "shop", "--timeout=30s")

    def crashed_twice() -> bool:
        states = [
            state
            for pod in pods(one, "shop")
            if "crash-" in pod["metadata"]["name"]
            for state in pod["status"].get("containerStatuses", [])
        ]
        return any(
            state["restartCount"] >= 2 and state["state"]["waiting"]["reason"] == "CrashLoopBackOff"
            for state in states
        )

    def slow_runs() -> dict | None:
        found = [pod for pod in pods(one, "shop") if pod["metadata"]["name"].startswith("slow-")]
        return next((pod for pod in found if pod["status"]["phase"] == "Running"), None)

    eventually("the crashing pod was restarted again", crashed_twice)
    slow = eventually("the pod that is never ready runs", slow_runs)
    assert condition(slow, "Ready") == "False"
    for name in ("crash", "slow"):
        eventually(
            f"{name} is counted",
            lambda name=name: one.find("deployment", name, "shop")["status"].get("unavailableReplicas") == 1,
        )
        assert condition(one.find("deployment", name, "shop"), "Available") == "False"


def test_jobs_complete_fail_or_run_on_as_their_image_says(clean_clusters):
    one = clean_clusters[0]
    apply_in(
        one,
        "shop",
        workload("Job", "good", "job:1"),
        workload("Job", "bad", "job:crash-loop", backoffLimit=0),
        workload("Job", "long", "job:never-completes"),
    )
    one.kubectl("wait", "--for=condition=Complete", "job/good", "-n", "shop", "--timeout=30s")
    one.kubectl("wait", "--for=condition=Failed", "job/bad", "-n", "shop", "--timeout=30s")
    assert one.find("job", "good", "shop")["status"]["succeeded"] == 1
    assert one.find("job", "bad", "shop")["status"]["failed"] == 1
    eventually("the long one runs", lambda: one.find("job", "long", "shop")["status"].get("active") == 1)
    assert one.find("job", "long", "shop")["status"].get("conditions", []) == []


def test_storage_is_bound_and_a_load_balancer_gets_an_address(clean_clusters):
    one = clean_clusters[0]
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "db"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "db"}, "ports": [{"port": 5432}]},
    }
    apply_in(
        one,
        "shop",
        workload("StatefulSet", "db", "db:1", serviceName="db", volumeClaimTemplates=[claim]),
        service,
    )
    one.kubectl("rollout", "status", "statefulset/db", "-n", "shop", "--timeout=30s")
    assert one.find("pvc", "data-db-0", "shop")["status"]["phase"] == "Bound"
    eventually(
        "the service has an address",
        lambda: one.find("service", "db", "shop")["status"]["loadBalancer"].get("ingress"),
    )
    one.kubectl("delete", "statefulset,pvc", "--all", "-n", "shop")
    eventually("the volume went with its claim", lambda: one.names("persistentvolumes") == [])


def test_nodes_have_the_capacity_labels_and_taints_that_were_asked_for(start_cluster):
    plane = start_cluster(
        "small",
        nodes=[
            Node(
                name="big",
                labels={"topology.kubernetes.io/zone": "a"},
                capacity={"cpu": "4", "memory": "8Gi", "pods": "10"},
            ),
            Node(name="gpu", taints=({"key": "gpu", "value": "yes", "effect": "NoSchedule"},)),
        ],
    )
    big = plane.find("node", "big")
    assert big["metadata"]["labels"]["topology.kubernetes.io/zone"] == "a"
    assert big["status"]["allocatable"] == {"cpu": "4", "memory": "8Gi", "pods": "10"}
    wish = workload("Deployment", "web", "web:1", replicas=5)
    wish["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1"}}
    apply_in(plane, "shop", wish)
    eventually(
        "four fit", lambda: plane.find("deployment", "web", "shop")["status"].get("readyReplicas") == 4
    )
    # The fifth may be made after the four are ready.
    eventually(
        "one is left over",
        lambda: sorted(pod["spec"].get("nodeName", "") for pod in pods(plane, "shop")) == ["", *["big"] * 4],
    )
    plane.add_node(Node(name="more"))
    eventually(
        "the fifth fits now", lambda: plane.find("deployment", "web", "shop")["status"]["readyReplicas"] == 5
    )


def test_a_node_without_heartbeat_is_not_ready_and_comes_back(start_cluster):
    plane = start_cluster("beats", nodes=[Node(name="n1")])
    plane.stop_heartbeat("n1")
    eventually("the cluster gave the node up", lambda: not plane.node_is_ready("n1"), within=60)
    assert condition(plane.find("node", "n1"), "Ready") == "Unknown"
    plane.resume_heartbeat("n1")
    eventually("the node is back", lambda: plane.node_is_ready("n1"), within=60)


# --- what was asked of them ---


def test_the_request_counter_moves_on_a_write_and_not_on_a_dry_run(clean_clusters):
    one = clean_clusters[0]
    # Nobody else writes Secrets here. ConfigMaps are the controllers' too: one for each namespace, and again where a test's
    # namespace has just gone.
    document = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "c", "namespace": "default"},
        "stringData": {"a": "1"},
    }
    before = one.request_counts()
    one.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=json.dumps(document))
    dry = one.request_counts() - before
    assert dry.total(verb="APPLY", resource="secrets", dry_run=True) == 1
    assert dry.applied == 0
    assert dry.writes("secrets") == 0
    one.apply(document)
    real = one.request_counts() - before
    assert real.applied == 1
    assert real.total(verb="APPLY", resource="secrets", dry_run=False) == 1
    assert real.writes("secrets") == 1
    one.kubectl("delete", "secret", "c", "-n", "default")
    assert (one.request_counts() - before).writes("secrets") == 2


def test_the_audit_log_names_the_user_and_the_object_of_each_write_in_order(clean_clusters):
    one = clean_clusters[0]
    mark = one.audit_mark()
    kubectl = [one.binaries.path("kubectl"), "--kubeconfig", one.kubeconfig, "-n", "default"]
    for arguments in (
        ["create", "configmap", "b"],
        ["create", "configmap", "a", "--dry-run=server"],
        ["create", "configmap", "a"],
        ["label", "configmap", "b", "x=y"],
        ["delete", "configmap", "a"],
    ):
        subprocess.run([*kubectl, *arguments], check=True, capture_output=True)
    one.kubectl("create", "configmap", "by-the-witness", "-n", "default")
    written = one.writes(since=mark)
    assert [(each.verb, each.name, each.resource, each.namespace, each.code) for each in written] == [
        ("create", "b", "configmaps", "default", 201),
        ("create", "a", "configmaps", "default", 201),
        ("patch", "b", "configmaps", "default", 200),
        ("delete", "a", "configmaps", "default", 200),
    ]
    assert [each.name for each in one.writes(since=mark, dry_runs=True) if each.dry_run] == ["a"]
    assert [each.name for each in one.writes(since=mark, user="witness")] == ["by-the-witness"]


def test_an_audit_mark_set_while_a_line_is_being_written_is_where_that_line_begins(
    control_plane_binaries, tmp_path: Path
):
    plane = ControlPlane("unstarted", tmp_path, control_plane_binaries)
    first, second = (
        json.dumps(
            {
                "stage": "ResponseComplete",
                "verb": "delete",
                "user": {"username": "reconciler"},
                "objectRef": {"resource": "configmaps", "namespace": "default", "name": name},
                "requestURI": f"/api/v1/namespaces/default/configmaps/{name}",
                "responseStatus": {"code": 200},
            }
        )
        for name in ("first", "second")
    )
    log = tmp_path / "audit.log"
    log.write_text("")
    assert plane.audit_mark() == 0
    log.write_text(f"{first}\n{second[:80]}")
    mark = plane.audit_mark()
    assert plane.writes(since=mark) == []
    log.write_text(f"{first}\n{second}\n")
    assert [each.name for each in plane.writes(since=mark)] == ["second"]
    assert plane.audit_mark() == log.stat().st_size


# --- breaking and mending ---


def test_a_paused_server_answers_nothing_until_it_is_resumed(start_cluster):
    plane = start_cluster()
    plane.pause_apiserver()
    with pytest.raises(KubectlError, match="no answer within"):
        plane.kubectl("get", "namespaces", timeout=3)
    plane.resume()
    assert "default" in plane.names("namespaces")


def test_a_server_without_its_store_lives_but_writes_nothing_and_a_restart_keeps_what_was_there(
    start_cluster,
):
    plane = start_cluster()
    plane.kubectl("create", "configmap", "kept", "-n", "default")
    before = plane.find("configmap", "kept", "default")
    plane.kill_etcd()
    assert not plane.running
    assert "etcd ended with -9" in plane.report()
    with pytest.raises(KubectlError):
        plane.kubectl("create", "configmap", "lost", "-n", "default", "--request-timeout=3s", timeout=15)
    server, kubeconfig = plane.server, plane.kubeconfig.read_text()
    plane.restart()
    assert plane.running
    assert (plane.server, plane.kubeconfig.read_text()) == (server, kubeconfig)
    assert plane.find("configmap", "kept", "default") == before
    assert plane.find("configmap", "lost", "default") is None
    apply_in(plane, "shop", workload("Deployment", "web", "web:1"))
    plane.kubectl("rollout", "status", "deployment/web", "-n", "shop", "--timeout=60s")


def test_a_killed_server_refuses_connections(start_cluster):
    plane = start_cluster()
    plane.kill_apiserver()
    with pytest.raises(KubectlError, match="refused"):
        plane.kubectl("get", "namespaces")
    plane.clean()
    assert "default" in plane.names("namespaces")


# --- leaving nothing ---


WIDGETS = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
OBSTACLES = """
apiVersion: v1
kind: Namespace
metadata: {name: mess}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: held, namespace: mess, finalizers: [example.com/never-removed]}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: held, namespace: default, finalizers: [example.com/never-removed]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: of-a-test}
rules: []
---
apiVersion: v1
kind: ConfigMap
metadata: {name: of-a-test, namespace: kube-system}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.nobody.example.com}
spec:
  group: nobody.example.com
  version: v1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: nobody, namespace: mess}
"""
WEBHOOK = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: refuses-everything}
webhooks:
- name: nobody.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  clientConfig: {url: "https://127.0.0.1:1/"}
  rules:
  - {apiGroups: ["*"], apiVersions: ["*"], operations: [CREATE, UPDATE, DELETE], resources: ["configmaps", "widgets"]}
"""


def everything(plane: ControlPlane) -> set[str]:
    """What kubectl finds of every kind it knows, but for what the cluster itself writes all the time."""
    kinds = plane.kubectl("api-resources", "--verbs=list,delete", "-o", "name").split()
    kinds = [kind for kind in kinds if not kind.startswith(("events", "leases", "ipaddresses"))]
    return set(
        plane.kubectl(
            "get", ",".join(kinds), "-A", "--ignore-not-found", "--no-headers", "-o", "name"
        ).split()
    )


def test_cleaning_brings_a_cluster_back_to_what_it_was(clean_clusters):
    one = clean_clusters[0]
    one.clean()
    before = everything(one)
    one.apply(WIDGETS)
    one.kubectl("wait", "--for=condition=Established", "crd/widgets.example.com", "--timeout=30s")
    eventually("the new kind is served", lambda: one.names("widgets") == [], ignoring=(KubectlError,))
    one.apply(OBSTACLES)
    apply_in(one, "mess", workload("Deployment", "web", "web:1", replicas=3), workload("Job", "job", "job:1"))
    one.kubectl("rollout", "status", "deployment/web", "-n", "mess", "--timeout=30s")
    one.apply(WEBHOOK)
    one.kubectl("label", "node", "node-1", "team=blue")
    one.kubectl("taint", "node", "node-2", "team=blue:NoSchedule")
    one.kubectl("cordon", "node-3")
    assert "namespace/mess" in everything(one)

    one.clean()

    assert everything(one) == before
    nodes = {node["metadata"]["name"]: node for node in one.kubectl_json("get", "nodes")["items"]}
    assert "team" not in nodes["node-1"]["metadata"]["labels"]
    assert all(
        "taints" not in node["spec"] and "unschedulable" not in node["spec"] for node in nodes.values()
    )
    # The same names may be used at once, and nothing of the past is in them.
    one.kubectl("create", "namespace", "mess")
    assert one.names("pods,deployments,jobs", "mess") == []


def processes_under(directory: Path) -> list[int]:
    found = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
    return [pid for pid in found if pid != os.getpid() and f"{directory}/" in command_of(pid)]


def test_a_killed_test_run_leaves_no_process_behind(control_plane_binaries, tmp_path):
    program = f"""
import os, pathlib, signal, threading
from tests.controlplane import ControlPlane, binaries
plane = ControlPlane("orphan", pathlib.Path({str(tmp_path / "orphan")!r}), binaries())
starter = threading.Thread(target=plane.start)   # even when the thread that asked for it is gone
starter.start(); starter.join()
assert plane.running
print(*plane.pids.values(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(killed.stdout.split()) == 5
    eventually("all of them have ended", lambda: processes_under(tmp_path / "orphan") == [])


def test_clusters_for_people_go_up_and_down_by_a_command(control_plane_binaries, tmp_path):
    directory = tmp_path / "demo"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.controlplane", *arguments, "--dir", str(directory)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    try:
        up = run("up", "--clusters", "2")
        assert up.returncode == 0, up.stderr
        record = json.loads((directory / "clusters.json").read_text())
        assert [cluster["name"] for cluster in record["clusters"]] == ["member1", "member2"]
        for cluster in record["clusters"]:
            nodes = subprocess.run(
                [record["kubectl"], "--kubeconfig", cluster["kubeconfig"], "get", "nodes", "-o", "name"],
                capture_output=True,
                text=True,
                check=True,
            )
            assert len(nodes.stdout.split()) == 3
        again = run("up", "--clusters", "1")
        assert again.returncode == 1
        assert "already holds clusters" in again.stderr
    finally:
        down = run("down")
    assert down.returncode == 0, down.stderr
    assert processes_under(directory) == []
    assert not directory.exists()


def test_no_port_is_given_twice_nor_to_another_process_of_these_tests():
    mine = [*free_ports(30), *free_ports(30), *(free_port() for _ in range(30))]
    program = "from tests.ports import free_ports; print(*free_ports(90))"
    other = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    mine += map(int, other.stdout.split())
    assert len(set(mine)) == len(mine) == 180


# --- where the binaries come from ---


def test_without_go_and_without_assets_one_line_says_what_to_set(monkeypatch, tmp_path):
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BinariesError) as missing:
        binaries()
    assert len(str(missing.value).splitlines()) == 1
    assert "Go on PATH" in str(missing.value)
    assert "KUBEBUILDER_ASSETS" in str(missing.value)


def test_assets_that_lack_a_binary_are_refused_by_name_although_go_is_there(monkeypatch, tmp_path):
    for name in NAMES:
        if name != "kwok":
            (tmp_path / name).write_text("#!/bin/sh\n")
            (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    with pytest.raises(BinariesError, match=r"lacks kwok: add them there, or unset it"):
        binaries()


def test_assets_win_over_everything(monkeypatch, tmp_path, control_plane_binaries):
    for name in NAMES:
        (tmp_path / name).symlink_to(control_plane_binaries.path(name))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    assert binaries().directory == tmp_path


def test_tests_that_need_a_cluster_fail_and_are_not_skipped_where_none_can_be_built(tmp_path):
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("KUBEBUILDER", "PYTEST"))
    }
    chosen = "tests/e2e/test_controlplane.py::test_three_clusters_run_side_by_side_and_share_nothing"
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", chosen],
        cwd=ROOT,
        env={**environment, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1, result.stdout
    assert "real control planes need Go on PATH" in result.stdout
    assert "1 error" in result.stdout
    assert "skipped" not in result.stdout
