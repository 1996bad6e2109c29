"""Aggregated status against an independent witness: what `kubectl get -o json` says in each member, and its sums.

Three real clusters, one of them with an agent, and one workload of each built-in kind. The projection below is written from
the specification (rendering and status, sections 4.3 and 4.4), not from our rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane import ControlPlane
from tests.controlplane.polling import eventually
from tests.e2e.program import run_cli
from tests.e2e.scenes import Fleet, shown_on_failure

IMAGE = "registry.example/web:1"
WORKLOADS = (
    ("apps/v1", "Deployment", "web"),
    ("apps/v1", "StatefulSet", "data"),
    ("apps/v1", "DaemonSet", "agent"),
    ("batch/v1", "Job", "once"),
    ("batch/v1", "CronJob", "minutely"),
    ("v1", "Service", "front"),
)
SHARES = {"member1": 3, "member2": 2, "member3": 1}

# Section 4.3: what is reported of a member's object; names in the second tuple are written even when zero.
REFLECTED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Deployment": (
        (
            "observedGeneration",
            "replicas",
            "updatedReplicas",
            "readyReplicas",
            "availableReplicas",
            "unavailableReplicas",
        ),
        (),
    ),
    "StatefulSet": (
        ("readyReplicas", "currentReplicas", "updatedReplicas"),
        ("replicas", "availableReplicas"),
    ),
    "DaemonSet": (
        ("observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable"),
        ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"),
    ),
}
# Section 4.4: what is summed.
SUMMED: Mapping[str, tuple[str, ...]] = {
    "Deployment": (
        "replicas",
        "readyReplicas",
        "updatedReplicas",
        "availableReplicas",
        "unavailableReplicas",
    ),
    "StatefulSet": (
        "availableReplicas",
        "currentReplicas",
        "readyReplicas",
        "replicas",
        "updatedReplicas",
    ),
    "DaemonSet": (
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
        "numberUnavailable",
    ),
}


def projected(live: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a member's object comes to in a report."""
    kind, status = live["kind"], live.get("status") or {}
    if kind in REFLECTED:
        plain, always = REFLECTED[kind]
        found = {name: status[name] for name in plain if status.get(name)}
        found |= {name: status.get(name, 0) for name in always}
        return found | {"generation": live["metadata"]["generation"]}
    if kind == "Job":
        names = ("active", "succeeded", "failed", "conditions", "startTime", "completionTime")
        return {name: status[name] for name in names if status.get(name)}
    if kind == "Service":
        return {"loadBalancer": status["loadBalancer"]} if live["spec"]["type"] == "LoadBalancer" else None
    return dict(status)


def merged(kind: str, lives: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the members' objects come to together, without the times that the merge itself takes."""
    statuses = [live.get("status") or {} for live in lives.values()]
    if kind in SUMMED:
        totals = {name: sum(status.get(name, 0) for status in statuses) for name in SUMMED[kind]}
        return {name: value for name, value in totals.items() if value}
    if kind == "Job":
        return {
            "succeeded": sum(status["succeeded"] for status in statuses),
            "startTime": min(status["startTime"] for status in statuses),
            "completionTime": max(status["completionTime"] for status in statuses),
            "conditions": ["Complete", "SuccessCriteriaMet"],
        }
    if kind == "CronJob":
        times = {
            name: max(status[name] for status in statuses if name in status)
            for name in ("lastScheduleTime", "lastSuccessfulTime")
            if any(name in status for status in statuses)
        }
        active = [each for status in statuses for each in status.get("active", ())]
        return times | ({"active": active} if active else {})
    addresses = {json.dumps(each, sort_keys=True) for s in statuses for each in s["loadBalancer"]["ingress"]}
    return {"loadBalancer": {"ingress": [json.loads(each) for each in sorted(addresses)]}}


def without_times(kind: str, status: Mapping[str, Any]) -> dict[str, Any]:
    """A merged status in the form of `merged`: zeros that are always written left out, a Job's conditions as their types."""
    found = {name: value for name, value in status.items() if value not in (0, None)}
    if kind == "Job":
        found["conditions"] = sorted(
            each["type"] for each in status["conditions"] if each["status"] == "True"
        )
    return found


@dataclass(frozen=True)
class Line:
    """The running fleet of this file."""

    fleet: Fleet

    def told(self, kind: str, group: str, name: str) -> dict[str, Any]:
        """The status branch's document of a workload."""
        qualified = f"{kind}.{group}" if group else kind
        text = self.fleet.repository.read(
            "reconciler/status", f"workloads/{self.fleet.shop}/{qualified}/{name}.yaml"
        )
        found: dict[str, Any] = yaml.safe_load(text)
        return found

    def lives(self, kind: str, name: str) -> dict[str, dict[str, Any]]:
        """The object in every member, by cluster, as kubectl prints it."""
        with ThreadPoolExecutor(len(self.fleet.planes)) as pool:
            found = pool.map(
                lambda plane: plane.kubectl_json("get", kind.lower(), name, "-n", self.fleet.shop),
                self.fleet.planes,
            )
        return dict(zip((plane.name for plane in self.fleet.planes), found, strict=True))

    def get(self, *words: str) -> str:
        """What `reconciler get` prints in a fresh clone of the fleet's repository."""
        clone = self.fleet.author.path
        self.fleet.author.git("fetch", "--quiet", "origin", "+refs/heads/*:refs/remotes/origin/*")
        answer = run_cli("get", *words, cwd=clone)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout


def pod(image: str = IMAGE, restart: str = "Always") -> dict[str, Any]:
    return {"containers": [{"name": "main", "image": image}], "restartPolicy": restart}


def workloads(namespace: str) -> str:
    """One of each kind, as a service team writes them."""

    def of(api: str, kind: str, name: str, spec: Any) -> str:
        metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
        return json.dumps({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec})

    def selected(name: str, **more: Any) -> dict[str, Any]:
        template = {"metadata": {"labels": {"app": name}}, "spec": pod()}
        return {"selector": {"matchLabels": {"app": name}}, "template": template, **more}

    job = {"template": {"spec": pod(restart="Never")}, "completions": 2, "parallelism": 2}
    return "\n---\n".join(
        [
            of("apps/v1", "Deployment", "web", selected("web", replicas=6)),
            of("apps/v1", "StatefulSet", "data", selected("data", replicas=2, serviceName="data")),
            of("apps/v1", "DaemonSet", "agent", selected("agent")),
            of("batch/v1", "Job", "once", job),
            of("batch/v1", "CronJob", "minutely", {"schedule": "* * * * *", "jobTemplate": {"spec": job}}),
            of("v1", "Service", "front", {"type": "LoadBalancer", "ports": [{"port": 80}]}),
        ]
    )


def policies(namespace: str) -> str:
    """Everything everywhere; the Deployment divided 3 : 2 : 1."""

    def policy(name: str, selectors: list[dict[str, str]], placement: dict[str, Any]) -> str:
        return json.dumps(
            {
                "apiVersion": "policy.karmada.io/v1alpha1",
                "kind": "PropagationPolicy",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"resourceSelectors": selectors, "placement": placement},
            }
        )

    everything = [{"apiVersion": api, "kind": kind} for api, kind, _ in WORKLOADS[1:]]
    weights = [{"targetCluster": {"clusterNames": [name]}, "weight": share} for name, share in SHARES.items()]
    divided = {
        "replicaScheduling": {
            "replicaSchedulingType": "Divided",
            "replicaDivisionPreference": "Weighted",
            "weightPreference": {"staticWeightList": weights},
        }
    }
    return "\n---\n".join(
        [
            policy("web", [{"apiVersion": "apps/v1", "kind": "Deployment"}], divided),
            policy("rest", everything, {}),
        ]
    )


def broken_image(namespace: str, cluster: str) -> str:
    """The image of the Deployment, on one cluster, becomes one that never is ready there."""
    tag = {"component": "Tag", "operator": "replace", "value": "never-ready"}
    return json.dumps(
        {
            "apiVersion": "policy.karmada.io/v1alpha1",
            "kind": "OverridePolicy",
            "metadata": {"name": "broken", "namespace": namespace},
            "spec": {
                "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}],
                "overrideRules": [
                    {
                        "targetCluster": {"clusterNames": [cluster]},
                        "overriders": {"imageOverrider": [tag]},
                    }
                ],
            },
        }
    )


@pytest.fixture(scope="module")
def line(fleet_of_clusters, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A reconciler for two of the clusters, an agent in the third, and everything rolled out."""
    planes: tuple[ControlPlane, ...] = fleet_of_clusters
    directory: Path = tmp_path_factory.mktemp("status")
    fleet = Fleet("status", planes, directory, pulled=[planes[2].name])
    try:
        with ExitStack() as stack:
            reconciler = stack.enter_context(fleet.reconciler("--status-interval=2"))
            agent = stack.enter_context(fleet.agent(planes[2], "--report-interval=2"))
            stack.enter_context(shown_on_failure(reconciler, agent))
            # What is divided before a cluster has reported is divided without it.
            fleet.wait_for(fleet.commit("clusters", {}))
            files = {"apps/all.yaml": workloads(fleet.shop), "policies/shop.yaml": policies(fleet.shop)}
            fleet.wait_for(fleet.commit("workloads", files))
            yield Line(fleet)
    finally:
        with ThreadPoolExecutor(len(planes)) as pool:
            list(pool.map(ControlPlane.clean, planes))


def agrees(line: Line, api: str, kind: str, name: str) -> bool:
    """Whether the committed document says, cluster by cluster and summed, what the members say."""
    document, lives = line.told(kind, api.rpartition("/")[0], name), line.lives(kind, name)
    items = {item["clusterName"]: item.get("status") for item in document["aggregatedStatus"]}
    assert items == {cluster: projected(live) for cluster, live in lives.items()}
    assert without_times(kind, document.get("status", {})) == merged(kind, lives)
    return True


@pytest.mark.parametrize(("api", "kind", "name"), WORKLOADS, ids=[kind for _, kind, _ in WORKLOADS])
def test_the_status_in_git_is_what_the_members_say_one_by_one_and_summed(line: Line, api, kind, name):
    def rolled_out() -> bool:
        document = line.told(kind, api.rpartition("/")[0], name)
        assert {each["type"]: each["status"] for each in document["conditions"]} == {
            "Scheduled": "True",
            "Rendered": "True",
            "Delivered": "True",
            "FullyApplied": "True",
            "Healthy": "True",
        }
        commit = document["rendered"]["commit"]
        assert [item["appliedCommit"] for item in document["aggregatedStatus"]] == [commit] * 3
        assert (document["health"], document["readiness"]) == ("Healthy", "Current")
        return True

    eventually(f"{kind} is rolled out", rolled_out, within=60)
    eventually(f"{kind} agrees", lambda: agrees(line, api, kind, name), within=60, ignoring=(KeyError,))


def test_replicas_are_those_of_the_policy_in_git_and_in_the_members(line: Line):
    document = line.told("Deployment", "apps", "web")
    assert {each["name"]: each["replicas"] for each in document["clusters"]} == SHARES

    def ready() -> dict[str, int]:
        lives = line.lives("deployment", "web")
        return {name: live["status"].get("readyReplicas", 0) for name, live in lives.items()}

    eventually("all of them are ready", lambda: ready() == SHARES, within=60)


def test_the_tables_show_it(line: Line):
    def shown() -> bool:
        rows = [text.split() for text in line.get("workloads", "-n", line.fleet.shop).splitlines()[1:]]
        ready = {row[1]: row[3] for row in rows}
        assert ready["Deployment/web"] == "6/6"
        assert ready["StatefulSet/data"] == "6/6"
        assert ready["DaemonSet/agent"] == "9/9"
        assert [row[2] for row in rows] == ["3/3"] * len(WORKLOADS)
        return True

    eventually("everything is ready", shown, within=60)
    assert line.get("deploy", "web", "-o", "name").split() == ["deployment.apps/web"]


def test_a_broken_image_in_one_member_degrades_health_in_git_and_the_old_one_restores_it(line: Line):
    sick = line.fleet.planes[1].name

    def health() -> dict[str, str]:
        document = line.told("Deployment", "apps", "web")
        found = {item["clusterName"]: item["health"] for item in document["aggregatedStatus"]}
        return {**found, "": document["health"]}

    fine = {"": "Healthy", **dict.fromkeys(SHARES, "Healthy")}
    eventually("it is healthy", lambda: health() == fine, within=60)
    before = line.told("Deployment", "apps", "web")["rendered"]["commit"]
    line.fleet.commit("break", {"policies/broken.yaml": broken_image(line.fleet.shop, sick)})
    eventually(
        "it is degraded there alone",
        lambda: health() == {**fine, "": "Unhealthy", sick: "Unhealthy"},
        within=60,
    )
    lives = line.lives("deployment", "web")
    images = {
        name: live["spec"]["template"]["spec"]["containers"][0]["image"] for name, live in lives.items()
    }
    assert images == {**dict.fromkeys(SHARES, IMAGE), sick: "registry.example/web:never-ready"}
    page = line.fleet.repository.read("reconciler/status", "STATUS.md")
    (row,) = [text for text in page.splitlines() if text.startswith(f"| Deployment {line.fleet.shop}/web ")]
    assert f"{sick}: " in row
    assert "member1" not in row

    line.fleet.commit("mend", {"policies/broken.yaml": None})
    eventually("it is healthy again", lambda: health() == fine, within=60)
    assert line.told("Deployment", "apps", "web")["rendered"]["commit"] != before
    eventually("and agrees", lambda: agrees(line, "apps/v1", "Deployment", "web"), within=60)
    history = json.loads(line.get("deploy/web", "--history", "50", "-o", "json"))["items"]
    healths = [each["document"]["health"] for each in reversed(history)]
    assert healths[-1] == "Healthy"
    assert "Unhealthy" in healths[healths.index("Healthy") :], healths


def test_a_cron_jobs_last_schedule_is_the_newest_of_all_members(line: Line):
    def scheduled() -> bool:
        assert "lastScheduleTime" in line.told("CronJob", "batch", "minutely")["status"]
        return agrees(line, "batch/v1", "CronJob", "minutely")

    eventually("the minute has come", scheduled, within=150, every=0.5, ignoring=(KeyError,))
