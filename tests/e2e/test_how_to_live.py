"""The how-to pages that need clusters, on real API servers: their files are committed, their commands print what they say.

Each page tells which steps are played here in place of the controller that is not there; nothing else is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane import ControlPlane
from tests.controlplane.polling import eventually
from tests.docs.markdown import ROOT, blocks
from tests.docs.test_snippets import fits
from tests.e2e.program import Program, merged_kubeconfig, run_cli
from tests.e2e.scenes import shown_on_failure, summary_of
from tests.gitservers import Clone, bare_repository

HOW_TO = ROOT / "docs" / "how-to"
CLUSTERS = ("oslo", "paris", "rome")


class Page:
    """One page's fleet, running on three clusters that bear the page's names."""

    def __init__(self, name: str, planes: Mapping[str, ControlPlane], directory: Path) -> None:
        self.name = name
        self.planes = planes
        self.files = {
            block.file.partition("/")[2]: block.text
            for block in blocks(HOW_TO / f"{name}.md", "yaml")
            if block.file
        }
        self.scenes = [block.text.splitlines() for block in blocks(HOW_TO / f"{name}.md", "text")]
        self.repository = bare_repository(directory / "fleet.git")
        self.author = Clone(directory / "author", self.repository.url)

    def commit(self, message: str, *names: str) -> None:
        """The page's files with these names, as its reader commits them; waits until every cluster stands at them."""
        commit = self.author.commit_and_push(message, {name: self.files[name] for name in names})

        def delivered() -> bool:
            summary = summary_of(self.repository)
            rows = summary.get("clusters", ())
            return (
                summary.get("sourceCommit") == commit
                and "R340" not in summary["problems"]
                and len(rows) == len(CLUSTERS)
                and all(row.get("current") for row in rows)
            )

        eventually(f"{message} is delivered", delivered, within=60)

    def told(self, path: str) -> dict[str, Any]:
        """A workload's document on the status branch."""
        found: dict[str, Any] = yaml.safe_load(
            self.repository.read("reconciler/status", f"workloads/{path}.yaml")
        )
        return found

    def statuses(self, path: str) -> dict[str, Any]:
        """What each cluster reports of a workload."""
        return {item["clusterName"]: item.get("status") for item in self.told(path)["aggregatedStatus"]}

    def shows(self, scene: int) -> None:
        """Every command of one of the page's `text` blocks prints what stands below it."""
        self.author.git("fetch", "--quiet", "origin", "+refs/heads/*:refs/remotes/origin/*")
        steps: list[tuple[str, list[str]]] = []
        for line in self.scenes[scene]:
            if line.startswith("$ "):
                steps.append((line[2:], []))
            else:
                steps[-1][1].append(line)
        for command, expected in steps:
            program, *words = command.split()
            if program == "git":
                output = self.author.git(*words)
            else:
                answer = run_cli(*words, cwd=self.author.path)
                assert answer.returncode == 0, answer.stderr
                output = answer.stdout
            assert fits(expected, output), f"$ {command}\n{output}"


@contextmanager
def running(name: str, fleet_of_clusters, directory: Path) -> Iterator[Page]:
    """The page's fleet with a reconciler."""
    planes = dict(zip(CLUSTERS, fleet_of_clusters, strict=True))
    page = Page(name, planes, directory)
    kubeconfig = merged_kubeconfig(fleet_of_clusters, directory / "kubeconfig", names=CLUSTERS)
    words = [
        f"--url={page.repository.url}",
        f"--data-dir={directory / 'data'}",
        f"--kubeconfig={kubeconfig}",
    ]
    try:
        with ExitStack() as stack:
            pace = ("--poll-interval=1", "--status-interval=2")
            program = stack.enter_context(Program(directory, "run", *words, *pace))
            stack.enter_context(shown_on_failure(program))
            yield page
    finally:
        with ThreadPoolExecutor(len(planes)) as pool:
            list(pool.map(ControlPlane.clean, planes.values()))


@pytest.fixture
def velero(fleet_of_clusters, tmp_path: Path) -> Iterator[Page]:
    with running("velero", fleet_of_clusters, tmp_path) as page:
        yield page


@pytest.fixture
def inspection(fleet_of_clusters, tmp_path: Path) -> Iterator[Page]:
    with running("cluster-inspection", fleet_of_clusters, tmp_path) as page:
        yield page


def patch(plane: ControlPlane, kind: str, name: str, change: Mapping[str, Any], *more: str) -> None:
    """What a controller writes, as a merge patch."""
    plane.kubectl("patch", kind, name, "--type=merge", f"--patch={json.dumps(change)}", *more)


BACKUP = "velero/Backup.velero.io/shop-before-upgrade"
RESTORE = "velero/Restore.velero.io/shop-from-paris"


def test_velero_backups_and_a_restore_across_clusters(velero: Page):
    def plays(cluster: str, kind: str, name: str, **change: Any) -> None:
        patch(velero.planes[cluster], kind, name, change, "-n", "velero")

    def phases(path: str) -> dict[str, str]:
        return {cluster: (status or {}).get("phase", "") for cluster, status in velero.statuses(path).items()}

    velero.commit("backup", "clusters.yaml", "crds.yaml", "backup.yaml", "policies.yaml", "health.yaml")
    for cluster in ("oslo", "paris"):
        live = velero.planes[cluster].kubectl_json("get", "backup", "shop-before-upgrade", "-n", "velero")
        assert live["spec"] == {"includedNamespaces": ["shop"], "storageLocation": f"bucket-{cluster}"}
        # Velero adds these before it begins; they are its own, and stay.
        plays(
            cluster,
            "backup",
            "shop-before-upgrade",
            metadata={"labels": {"velero.io/storage-location": f"bucket-{cluster}"}},
            spec={"ttl": "720h0m0s"},
            status={"phase": "New"},
        )
    assert velero.planes["rome"].find("backup", "shop-before-upgrade", "velero") is None

    eventually("both are new", lambda: phases(BACKUP) == {"oslo": "New", "paris": "New"}, within=60)
    start = "2026-01-05T02:00:00Z"
    for cluster in ("oslo", "paris"):
        plays(
            cluster,
            "backup",
            "shop-before-upgrade",
            status={
                "phase": "InProgress",
                "startTimestamp": start,
                "progress": {"itemsBackedUp": 10, "totalItems": 120},
            },
        )
    both = {"oslo": "InProgress", "paris": "InProgress"}
    eventually("both are in progress", lambda: phases(BACKUP) == both, within=60)
    assert velero.told(BACKUP)["health"] == "Healthy"

    done = {"completionTimestamp": "2026-01-05T02:03:00Z", "progress": {"itemsBackedUp": 120}}
    plays("oslo", "backup", "shop-before-upgrade", status={"phase": "PartiallyFailed", "errors": 2, **done})
    plays("paris", "backup", "shop-before-upgrade", status={"phase": "Completed", **done})
    ended = {"oslo": "PartiallyFailed", "paris": "Completed"}
    eventually("both have ended", lambda: phases(BACKUP) == ended, within=60)
    for cluster, status in velero.statuses(BACKUP).items():
        live = velero.planes[cluster].kubectl_json("get", "backup", "shop-before-upgrade", "-n", "velero")
        assert status == live["status"]
        assert live["spec"]["ttl"] == "720h0m0s"
        assert live["metadata"]["labels"]["velero.io/storage-location"] == f"bucket-{cluster}"
    document = velero.told(BACKUP)
    assert "status" not in document
    assert {i["clusterName"]: i["health"] for i in document["aggregatedStatus"]} == {
        "oslo": "Unhealthy",
        "paris": "Healthy",
    }
    velero.shows(0)
    page = velero.repository.read("reconciler/status", "STATUS.md")
    assert "| Completed: paris; PartiallyFailed: oslo |" in page

    velero.commit("restore", "restore.yaml")
    holders = [
        name
        for name, plane in velero.planes.items()
        if plane.find("restore", "shop-from-paris", "velero") is not None
    ]
    assert holders == ["rome"]
    for phase in ("New", "InProgress", "Completed"):
        plays("rome", "restore", "shop-from-paris", status={"phase": phase})
        eventually(f"the restore is {phase}", lambda: phases(RESTORE) == {"rome": phase}, within=60)  # noqa: B023
    velero.shows(1)
    velero.shows(2)


INSIGHT = "_cluster/ClusterInsight.kubeeye.kubesphere.io/fleet"


def finding(score: int, dangerous: int, warning: int, passing: int, time: str) -> dict[str, Any]:
    return {
        "afterTime": time,
        "clusterInfo": {"nodesCount": 3, "workloadsCount": 20},
        "scoreInfo": {
            "score": score,
            "dangerous": dangerous,
            "warning": warning,
            "ignore": 0,
            "passing": passing,
            "total": dangerous + warning + passing,
        },
        "auditResults": [{"namespace": "shop", "resultInfos": []}],
    }


def test_a_cluster_inspection_with_its_results_in_one_and_its_history(inspection: Page):
    def plays(cluster: str, found: dict[str, Any]) -> None:
        change = {"status": found}
        patch(inspection.planes[cluster], "clusterinsight", "fleet", change, "--subresource=status")

    def merged() -> dict[str, Any]:
        found: dict[str, Any] = inspection.told(INSIGHT).get("status", {}).get("scoreInfo", {})
        return found

    inspection.commit("inspect", *inspection.files)
    first = {
        "oslo": finding(92, 0, 2, 48, "2026-01-05T06:00:00Z"),
        "paris": finding(88, 0, 3, 37, "2026-01-05T06:01:00Z"),
        "rome": finding(71, 3, 4, 30, "2026-01-05T06:02:00Z"),
    }
    for cluster, found in first.items():
        plays(cluster, found)
    expected = {"score": 71, "dangerous": 3, "warning": 9, "ignore": 0, "passing": 115, "total": 127}
    eventually("the results are one", lambda: merged() == expected, within=60)
    document = inspection.told(INSIGHT)
    assert document["status"]["clusterInfo"] == {"nodesCount": 9, "workloadsCount": 60}
    assert document["status"]["afterTime"] == "2026-01-05T06:02:00Z"
    reported = {
        name: {k: v for k, v in found.items() if k != "auditResults"} for name, found in first.items()
    }
    assert inspection.statuses(INSIGHT) == reported
    inspection.shows(0)

    plays("rome", finding(90, 0, 1, 36, "2026-01-05T18:02:00Z"))
    again = {"score": 88, "dangerous": 0, "warning": 6, "ignore": 0, "passing": 121, "total": 127}
    eventually("the second inspection is told", lambda: merged() == again, within=60)
    inspection.shows(1)
    inspection.shows(2)
    history = run_cli("status", "clusterinsight/fleet", "--history", "-o", "json", cwd=inspection.author.path)
    scores = [
        each["document"]["status"]["scoreInfo"]["score"]
        for each in json.loads(history.stdout)["items"]
        if "scoreInfo" in each["document"].get("status", {})
        and "score" in each["document"]["status"]["scoreInfo"]
    ]
    assert scores[0] == 88
    assert 71 in scores[1:]
