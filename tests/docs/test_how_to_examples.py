"""The fleets of the how-to pages: placed as their pages say, cluster by cluster, before and after a zone is lost.

The figures here are worked out by hand, as on the pages; the pages' tables and YAML must be these and the files'.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.cli.main import root
from reconciler.fleet.assemble import assemble
from reconciler.manifests.load import load
from reconciler.model.fleet import Fleet, Source, SourceFile
from reconciler.model.observation import Observation
from reconciler.model.tree import PreviousRender, Rendered
from reconciler.render.render import render
from reconciler.render.tree import directories, previous_of
from reconciler.render.whatif import Change, groups_of, with_change
from tests.docs.markdown import blocks

HOW_TO = Path(__file__).parents[2] / "docs/how-to"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("gpu", "three-zones", "burst")

GPU = {"inference": {"l4-east": 8, "l4-west": 4}, "training": {"a100-east": 3, "a100-west": 2}}
ZONES = {
    "ledger": {"data-a": 2, "data-b": 2, "data-c1": 2},
    "web": {"front-a": 6, "front-b": 4, "front-c": 2},
}
BURST = {"encoder": {"plant-1": 6, "plant-2": 4}}
BUSY = {"encoder": {"cloud": 6, "plant-1": 8, "plant-2": 6}}


def fleet_of(name: str, **replaced: str) -> Fleet:
    """The example's fleet; `replaced` changes texts of its workloads."""
    files = []
    for path in sorted((HOW_TO / "examples" / name).glob("*.yaml")):
        text = path.read_text()
        for old, new in replaced.items():
            text = text.replace(f"replicas: {old.removeprefix('from_')}\n", f"replicas: {new}\n")
        files.append(SourceFile(path=path.name, data=text.encode()))
    fleet = assemble(Source(commit="", time=NOW, files=tuple(files)))
    assert fleet.problems == ()
    return fleet


def placed(rendered: Rendered) -> dict[str, dict[str, int]]:
    return {
        id_.name: {target.name: target.replicas for target in binding.clusters}
        for id_, binding in rendered.bindings.items()
    }


def decided(fleet: Fleet, previous: Rendered | None = None) -> Rendered:
    upon = PreviousRender() if previous is None else replace(previous_of(previous), evaluated_at=NOW)
    return render(fleet, Observation(), upon, NOW)


def without(fleet: Fleet, zone: str, before: Rendered) -> Rendered:
    lost = groups_of(fleet.clusters, "zone")[zone]
    changed, observation = with_change(fleet, Observation(), Change(lost=lost), NOW)
    return render(changed, observation, replace(previous_of(before), evaluated_at=NOW), NOW)


def refused(rendered: Rendered) -> dict[str, str]:
    return {problem.subject.rpartition("/")[2]: problem.code for problem in rendered.problems}


@pytest.mark.parametrize(("name", "placement"), [("gpu", GPU), ("three-zones", ZONES), ("burst", BURST)])
def test_an_example_is_placed_as_written_here_and_stays_so(name: str, placement: dict[str, dict[str, int]]):
    fleet = fleet_of(name)
    before = decided(fleet)
    assert before.problems == ()
    assert before.complete
    assert placed(before) == placement
    assert decided(fleet, before).tree == before.tree


@pytest.mark.parametrize(("name", "placement"), [("gpu", GPU), ("three-zones", ZONES), ("burst", BURST)])
def test_every_cluster_holds_its_share_and_nothing_else(name: str, placement: dict[str, dict[str, int]]):
    held: dict[str, dict[str, int]] = {workload: {} for workload in placement}
    for cluster, files in directories(decided(fleet_of(name)).tree).items():
        for path, data in files.items():
            if "/Deployment.apps/" in path:
                body = load(data, path).documents[0].body
                held[body["metadata"]["name"]][cluster] = body["spec"]["replicas"]
    assert held == placement


@pytest.mark.parametrize(
    ("name", "zone", "after", "unplaced"),
    [
        ("gpu", "west", {"inference": {"l4-east": 12}, "training": {"a100-east": 5}}, {}),
        ("gpu", "east", GPU, {"inference": "R302", "training": "R302"}),
        ("three-zones", "a", {**ZONES, "web": {"front-b": 8, "front-c": 4}}, {"ledger": "R303"}),
        ("three-zones", "b", {**ZONES, "web": {"front-a": 9, "front-c": 3}}, {"ledger": "R303"}),
        ("three-zones", "c", {**ZONES, "web": {"front-a": 7, "front-b": 5}}, {"ledger": "R303"}),
        ("burst", "hall-1", {"encoder": {"cloud": 4, "plant-2": 6}}, {}),
        ("burst", "hall-2", {"encoder": {"cloud": 2, "plant-1": 8}}, {}),
        ("burst", "cloud-a", BURST, {}),
    ],
)
def test_a_lost_zone_moves_exactly_this(
    name: str, zone: str, after: dict[str, dict[str, int]], unplaced: dict[str, str]
):
    fleet = fleet_of(name)
    found = without(fleet, zone, decided(fleet))
    assert placed(found) == after
    assert refused(found) == unplaced


def test_a_busy_day_goes_to_the_cloud_and_comes_back():
    busy = fleet_of("burst", from_10="20")
    before = decided(fleet_of("burst"))
    full = decided(busy, before)
    assert placed(full) == placed(decided(busy)) == BUSY
    assert placed(without(busy, "hall-1", full)) == {"encoder": {"cloud": 14, "plant-2": 6}}
    assert placed(without(busy, "hall-2", full)) == {"encoder": {"cloud": 12, "plant-1": 8}}
    assert placed(decided(fleet_of("burst"), full)) == BURST


def test_the_gpu_fleet_survives_either_zone_with_the_replicas_that_its_page_advises():
    fleet = fleet_of("gpu", from_5="4", from_12="8")
    before = decided(fleet)
    assert refused(without(fleet, "east", before)) == refused(without(fleet, "west", before)) == {}


LIVE = {
    "velero": {
        "_cluster/CustomResourceDefinition.apiextensions.k8s.io/backups.velero.io.yaml": "oslo paris rome",
        "_cluster/CustomResourceDefinition.apiextensions.k8s.io/restores.velero.io.yaml": "oslo paris rome",
        "_cluster/Namespace/velero.yaml": "oslo paris rome",
        "velero/Backup.velero.io/shop-before-upgrade.yaml": "oslo paris",
        "velero/Restore.velero.io/shop-from-paris.yaml": "rome",
    },
    "cluster-inspection": {
        "_cluster/ClusterInsight.kubeeye.kubesphere.io/fleet.yaml": "oslo paris rome",
        "_cluster/CustomResourceDefinition.apiextensions.k8s.io/clusterinsights.kubeeye.kubesphere.io.yaml": "oslo paris rome",
    },
}
"""What each cluster of a fleet that runs on real servers (tests/e2e/test_how_to_live.py) is to hold."""


@pytest.mark.parametrize("name", LIVE)
def test_a_fleet_for_real_servers_puts_exactly_this_on_each_cluster(name: str):
    rendered = render(fleet_of(name), Observation(), PreviousRender(), NOW, assume_unreported=True)
    assert rendered.problems == ()
    held: dict[str, list[str]] = {}
    for cluster, files in directories(rendered.tree).items():
        for path in files:
            if not path.startswith("."):
                held.setdefault(path, []).append(cluster)
    assert {path: " ".join(clusters) for path, clusters in held.items()} == LIVE[name]


@pytest.mark.parametrize("name", LIVE)
def test_a_page_that_is_a_fleet_shows_each_of_its_files_whole(name: str):
    shown = {block.file: block.text for block in blocks(HOW_TO / f"{name}.md", "yaml") if block.file}
    files = {f"{name}/{path.name}": path.read_text() for path in (HOW_TO / "examples" / name).glob("*.yaml")}
    assert shown == files


@pytest.mark.parametrize("name", NAMES)
def test_the_yaml_of_a_page_is_that_of_its_files(name: str):
    files = [path.read_text() for path in sorted((HOW_TO / "examples" / name).glob("*.yaml"))]
    quoted = re.findall(r"```yaml\n(.*?)```", (HOW_TO / f"{name}.md").read_text(), re.DOTALL)
    assert quoted
    for block in quoted:
        assert any(block in text for text in files), block


@pytest.mark.parametrize("name", NAMES)
def test_a_page_quotes_the_verdict_that_the_command_gives(name: str):
    (told,) = re.findall(
        r"```text\n\$ reconciler simulate --each zone\n(.*?)\n```", (HOW_TO / f"{name}.md").read_text()
    )
    printed = CliRunner().invoke(root, ["simulate", str(HOW_TO / "examples" / name), "--each", "zone"])
    assert printed.stdout.splitlines()[0] == told


def tables(name: str) -> list[tuple[list[str], dict[tuple[str, ...], dict[str, int]]]]:
    """The header of each table of a page, and its rows: the words before the first cluster, and replicas by cluster."""
    found = []
    for table in re.findall(r"(?:^\|.*\|\n)+", (HOW_TO / f"{name}.md").read_text(), re.MULTILINE):
        rows = [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in table.splitlines()]
        header, body = rows[0], rows[2:]
        first = next(i for i, word in enumerate(header) if word not in ("workload", "lost zone", "replicas"))
        shares = {
            tuple(row[:first]): {
                cluster: int(cell) for cluster, cell in zip(header[first:], row[first:], strict=True) if cell
            }
            for row in body
        }
        found.append((header[:first], shares))
    return found


def test_the_tables_of_the_pages_tell_the_same_placement():
    (_, gpu), (_, lost) = tables("gpu")
    assert {name: shares for (name,), shares in gpu.items()} == GPU
    assert {name: shares for (name,), shares in lost.items()} == {
        "inference": {"l4-east": 12},
        "training": {"a100-east": 5},
    }
    ((_, zones),) = tables("three-zones")
    for (zone, workload), shares in zones.items():
        fleet = fleet_of("three-zones")
        before = decided(fleet)
        assert placed(before if zone == "none" else without(fleet, zone, before))[workload] == shares
    ((_, burst),) = tables("burst")
    for (replicas, zone), shares in burst.items():
        fleet = fleet_of("burst", from_10=replicas)
        before = decided(fleet)
        assert placed(before if zone == "none" else without(fleet, zone, before)) == {"encoder": shares}
