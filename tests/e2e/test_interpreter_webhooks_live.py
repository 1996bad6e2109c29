"""Interpreter webhooks about live objects, on real API servers: what members keep, how they do, and an agent that asks nobody."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.controlplane.polling import eventually
from tests.e2e.program import Program, cluster_file, config_map, everywhere, merged_kubeconfig, namespace
from tests.e2e.scenes import agent_arguments, run_arguments, shown_on_failure
from tests.interpreterwebhook import configuration, policy, workload

DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "workloads.workload.example.io"},
    "spec": {
        "group": "workload.example.io",
        "scope": "Namespaced",
        "names": {
            "kind": "Workload",
            "plural": "workloads",
            "singular": "workload",
            "listKind": "WorkloadList",
        },
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            }
        ],
    },
}
PATH = "workloads/shop/Workload.workload.example.io/web.yaml"


def spec(plane):
    result = plane.kubectl_result("get", "workloads.workload.example.io", "web", "-n", "shop", "-o", "json")
    # Until the definition has arrived there is no such kind.
    return json.loads(result.stdout)["spec"] if result.returncode == 0 else {}


def told(repository):
    """What the status branch says of the workload."""
    found = repository.find("reconciler/status", PATH)
    return {} if found is None else yaml.safe_load(found)


def item(repository, plane):
    rows = told(repository).get("aggregatedStatus", [])
    return next((row for row in rows if row["clusterName"] == plane.name), {})


def message(repository, plane):
    summary = yaml.safe_load(repository.read("reconciler/status", "summary.yaml"))
    return next(row for row in summary["clusters"] if row["name"] == plane.name).get("message", "")


def is_known(repository, planes):
    files = [repository.find("reconciler/status", f"clusters/{plane.name}.yaml") for plane in planes]
    return all("workload.example.io" in (found or "") for found in files)


def is_ready(plane, replicas):
    status = json.dumps({"status": {"readyReplicas": replicas}})
    plane.kubectl(
        "patch", "workload", "web", "-n", "shop", "--subresource=status", "--type=merge", "-p", status
    )


def test_members_keep_what_a_webhook_says_and_their_status_is_what_it_makes_of_it(
    clean_clusters, git_repository, git_clone, webhook_server, tmp_path: Path
):
    near, far, _ = clean_clusters
    planes = (near, far)
    repository = git_repository("fleet")
    author = git_clone(repository.url)
    author.commit_and_push(
        "first",
        {
            f"clusters/{near.name}.yaml": cluster_file(near.name),
            f"clusters/{far.name}.yaml": cluster_file(far.name, "Pull"),
            "policies/definitions.yaml": everywhere(
                "definitions", ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
            ),
            "policies/workloads.yaml": json.dumps(policy(near.name, far.name)),
            "hook.yaml": json.dumps(configuration(webhook_server.url, webhook_server.bundle)),
            "apps/definition.yaml": json.dumps(DEFINITION),
            "apps/ns.yaml": namespace("shop"),
            "apps/map.yaml": config_map("web", "shop", colour="blue"),
        },
    )
    kubeconfig = merged_kubeconfig(planes, tmp_path / "kubeconfig")
    agent = agent_arguments(repository, far, tmp_path, kubeconfig)
    reconciler = Program(tmp_path, *run_arguments(repository, tmp_path, kubeconfig))
    with reconciler, shown_on_failure(reconciler):
        with Program(tmp_path, *agent) as first_agent, shown_on_failure(first_agent):
            # A member that has not reported yet would get no share, and keep none.
            eventually("both have reported", lambda: is_known(repository, planes), within=60)
            author.commit_and_push("workload", {"apps/web.yaml": json.dumps(workload(replicas=6))})
            eventually(
                "each member has its share",
                lambda: (spec(near).get("replicas"), spec(far).get("replicas")) == (4, 2),
                within=90,
            )
            assert all(plane.find("configmap", "web", "shop") for plane in planes)
            is_ready(near, 4)
            is_ready(far, 2)
            eventually(
                "what the webhook makes of a pushed member's status is told",
                lambda: (
                    item(repository, near).get("status") == {"readyReplicas": 4}
                    and item(repository, near)["health"] == "Healthy"
                ),
                within=60,
            )
            # The agent was not told to ask: it makes nothing up, and says so.
            eventually(
                "the agent says so",
                lambda: (
                    "R433" in message(repository, far) and item(repository, far).get("health") == "Unknown"
                ),
                within=60,
            )
            assert "status" not in item(repository, far)

            paused = json.dumps({"spec": {"paused": True}})
            for plane in planes:
                plane.kubectl("patch", "workload", "web", "-n", "shop", "--type=merge", "-p", paused)
            author.commit_and_push(
                "second", {"apps/web.yaml": json.dumps(workload(replicas=6, spec={"colour": "red"}))}
            )
            eventually(
                "a change arrives where it is pushed",
                lambda: spec(near).get("colour") == "red",
                within=60,
            )
            assert spec(near)["paused"] is True
            eventually(
                "and is refused where nobody says what to keep",
                lambda: (
                    "R433" in str(item(repository, far)) or "is not asked here" in str(item(repository, far))
                ),
                within=60,
            )
            assert "colour" not in spec(far)
        with Program(tmp_path, *agent, "--ask-webhooks") as second_agent, shown_on_failure(second_agent):
            eventually(
                "an agent that asks takes it over", lambda: spec(far).get("colour") == "red", within=90
            )
            assert spec(far)["paused"] is True
            assert spec(far)["replicas"] == 2
            eventually(
                "the members' statuses are merged by the webhook",
                lambda: (
                    told(repository).get("status") == {"readyReplicas": 6}
                    and told(repository)["health"] == "Healthy"
                ),
                within=60,
            )
            eventually(
                "it has nothing to say any more",
                lambda: "R433" not in message(repository, far),
                within=60,
            )
            is_ready(far, 1)
            eventually(
                "one that is worse is told",
                lambda: (
                    item(repository, far).get("health") == "Unhealthy"
                    and told(repository).get("status") == {"readyReplicas": 5}
                ),
                within=60,
            )
    # Secrets, and kinds that no rule names, were never sent.
    assert {request["kind"]["kind"] for request in webhook_server.requests} == {"Workload"}
