"""The example fleet is a case: its placement, cluster by cluster and replica by replica, written by hand."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.fleet.assemble import assemble
from reconciler.manifests.load import load
from reconciler.model.fleet import Fleet, Source, SourceFile
from reconciler.model.identity import object_id_of_path
from reconciler.model.observation import Observation
from reconciler.model.tree import PreviousRender, Rendered
from reconciler.render.render import render
from reconciler.render.tree import directories
from tests.cases.render.fleets import NOW, read_back

EXAMPLE = Path(__file__).parents[3] / "fleet-repo-example"

# Replicas of what has them; 0 for what has none.
PLACEMENT = {
    "CronJob.batch shop/nightly-report": {"frankfurt": 0},
    "CustomResourceDefinition.apiextensions.k8s.io promotions.shop.example.com": {
        "frankfurt": 0,
        "lyon-shop": 0,
        "paris": 0,
        "virginia": 0,
    },
    "Deployment.apps shop/api": {"frankfurt": 2, "paris": 2, "virginia": 4},
    "Deployment.apps shop/web": {"frankfurt": 3, "lyon-shop": 3, "paris": 3, "virginia": 3},
    "Deployment.apps shop/worker": {"frankfurt": 3, "paris": 2},
    "Promotion.shop.example.com shop/winter-sale": {
        "frankfurt": 0,
        "lyon-shop": 0,
        "paris": 0,
        "virginia": 0,
    },
    "Service shop/api": {"frankfurt": 0, "paris": 0, "virginia": 0},
    "Service shop/database": {"frankfurt": 0},
    "Service shop/web": {"frankfurt": 0, "lyon-shop": 0, "paris": 0, "virginia": 0},
    "StatefulSet.apps shop/database": {"frankfurt": 1},
}
FOLLOWING = {
    "ConfigMap shop/database-config": {"shop/database-statefulset": ("frankfurt",)},
    "ConfigMap shop/web-settings": {"shop/web-deployment": ("frankfurt", "lyon-shop", "paris", "virginia")},
}
# What every cluster really holds: path to the replicas that its own manifest says, None where it says none.
DIRECTORIES = {
    "frankfurt": {
        "_cluster/CustomResourceDefinition.apiextensions.k8s.io/promotions.shop.example.com.yaml": None,
        "_cluster/Namespace/shop.yaml": None,
        "shop/ConfigMap/database-config.yaml": None,
        "shop/ConfigMap/web-settings.yaml": None,
        "shop/CronJob.batch/nightly-report.yaml": None,
        "shop/Deployment.apps/api.yaml": 2,
        "shop/Deployment.apps/web.yaml": 3,
        "shop/Deployment.apps/worker.yaml": 3,
        "shop/Promotion.shop.example.com/winter-sale.yaml": None,
        "shop/Service/api.yaml": None,
        "shop/Service/database.yaml": None,
        "shop/Service/web.yaml": None,
        "shop/StatefulSet.apps/database.yaml": 1,
    },
    "lyon-shop": {
        "_cluster/CustomResourceDefinition.apiextensions.k8s.io/promotions.shop.example.com.yaml": None,
        "_cluster/Namespace/shop.yaml": None,
        "shop/ConfigMap/web-settings.yaml": None,
        "shop/Deployment.apps/web.yaml": 1,
        "shop/Promotion.shop.example.com/winter-sale.yaml": None,
        "shop/Service/web.yaml": None,
    },
    "paris": {
        "_cluster/CustomResourceDefinition.apiextensions.k8s.io/promotions.shop.example.com.yaml": None,
        "_cluster/Namespace/shop.yaml": None,
        "shop/ConfigMap/web-settings.yaml": None,
        "shop/Deployment.apps/api.yaml": 2,
        "shop/Deployment.apps/web.yaml": 3,
        "shop/Deployment.apps/worker.yaml": 2,
        "shop/Promotion.shop.example.com/winter-sale.yaml": None,
        "shop/Service/api.yaml": None,
        "shop/Service/web.yaml": None,
    },
    "virginia": {
        "_cluster/CustomResourceDefinition.apiextensions.k8s.io/promotions.shop.example.com.yaml": None,
        "_cluster/Namespace/shop.yaml": None,
        "shop/ConfigMap/web-settings.yaml": None,
        "shop/Deployment.apps/api.yaml": 4,
        "shop/Deployment.apps/web.yaml": 3,
        "shop/Promotion.shop.example.com/winter-sale.yaml": None,
        "shop/Service/api.yaml": None,
        "shop/Service/web.yaml": None,
    },
}


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    files = tuple(
        SourceFile(path=path.relative_to(EXAMPLE).as_posix(), data=path.read_bytes())
        for path in sorted(EXAMPLE.rglob("*"))
        if path.is_file()
    )
    return assemble(Source(commit="", time=NOW, files=files))


@pytest.fixture(scope="module")
def rendered(fleet: Fleet) -> Rendered:
    return render(fleet, Observation(), PreviousRender(), NOW)


def objects_of(rendered: Rendered, cluster: str) -> dict[str, dict[str, Any]]:
    found = directories(rendered.tree)[cluster]
    return {
        path: load(data, path).documents[0].body for path, data in found.items() if object_id_of_path(path)
    }


def test_it_has_no_problem_and_is_whole(fleet: Fleet, rendered: Rendered):
    assert fleet.problems == rendered.problems == ()
    assert rendered.complete
    assert rendered.unclaimed == rendered.assumed_clusters == ()


def test_every_binding_is_placed_as_written_here(rendered: Rendered):
    placed = {
        str(id_): {target.name: target.replicas for target in binding.clusters}
        for id_, binding in rendered.bindings.items()
        if binding.placement is not None
    }
    assert placed == PLACEMENT


def test_what_follows_is_where_its_owner_is(rendered: Rendered):
    following = {
        str(id_): {
            f"{owner.namespace}/{owner.name}": tuple(sorted(target.name for target in owner.clusters))
            for owner in binding.required_by
        }
        for id_, binding in rendered.bindings.items()
        if binding.placement is None
    }
    assert following == FOLLOWING


@pytest.mark.parametrize("cluster", sorted(DIRECTORIES))
def test_every_cluster_holds_exactly_this(rendered: Rendered, cluster: str):
    held = {
        path: (body.get("spec") or {}).get("replicas") for path, body in objects_of(rendered, cluster).items()
    }
    assert held == DIRECTORIES[cluster]


def test_there_are_no_other_clusters(rendered: Rendered):
    assert rendered.tree.clusters == tuple(DIRECTORIES)


def test_overrides_differ_where_they_should_and_nowhere_else(rendered: Rendered):
    def image(cluster: str, name: str) -> str:
        body = objects_of(rendered, cluster)[f"shop/Deployment.apps/{name}.yaml"]
        return body["spec"]["template"]["spec"]["containers"][0]["image"]

    assert {cluster: image(cluster, "web") for cluster in DIRECTORIES} == {
        "frankfurt": "shop.example.com/web:2.4.1",
        "lyon-shop": "shop.example.com/web:2.4.1",
        "paris": "shop.example.com/web:2.4.1",
        "virginia": "america.mirror.example.com/web:2.4.1",
    }
    assert image("virginia", "api") == "america.mirror.example.com/api:1.17.0"
    greetings = {
        cluster: objects_of(rendered, cluster)["shop/ConfigMap/web-settings.yaml"]["data"]["GREETING"]
        for cluster in DIRECTORIES
    }
    assert greetings == {
        "frankfurt": "Welcome to the shop",
        "lyon-shop": "Welcome to the shop in Lyon",
        "paris": "Welcome to the shop",
        "virginia": "Welcome to the shop",
    }
    edge = objects_of(rendered, "lyon-shop")["shop/Deployment.apps/web.yaml"]["metadata"]
    assert edge["labels"] == {"app": "web", "shop.example.com/site": "edge"}
    assert edge["annotations"] == {"shop.example.com/contact": "the shop in Lyon, behind the counter"}
    for cluster in ("frankfurt", "paris", "virginia"):
        metadata = objects_of(rendered, cluster)["shop/Deployment.apps/web.yaml"]["metadata"]
        assert metadata["labels"] == {"app": "web"}
        assert "annotations" not in metadata


def test_the_database_stays_when_it_is_deleted_here(rendered: Rendered):
    body = objects_of(rendered, "frankfurt")["shop/StatefulSet.apps/database.yaml"]
    assert body["metadata"]["annotations"] == {"fleet-reconciler/prune": "disabled"}


def test_rendering_again_changes_nothing(fleet: Fleet, rendered: Rendered):
    assert render(fleet, Observation(), read_back(rendered), NOW).tree == rendered.tree


def test_the_readme_tells_the_same_placement():
    rows = re.findall(
        r"^\| (?:Deployment|StatefulSet) `([\w-]+)` \|(.*)\|[^|]*\|$",
        (EXAMPLE / "README.md").read_text(),
        re.MULTILINE,
    )
    told = {name: [int(cell) if cell.strip() else None for cell in cells.split("|")] for name, cells in rows}
    order = ("frankfurt", "paris", "virginia", "lyon-shop")
    held = {
        name: [DIRECTORIES[cluster].get(f"shop/{kind}.apps/{name}.yaml") for cluster in order]
        for kind, name in (
            ("Deployment", "web"),
            ("Deployment", "api"),
            ("Deployment", "worker"),
            ("StatefulSet", "database"),
        )
    }
    assert told == held


def test_every_file_begins_with_a_comment():
    for path in sorted(EXAMPLE.rglob("*.y*ml")):
        assert path.read_text().startswith("# "), path.name


def test_the_job_that_runs_foreign_code_has_no_secret_and_may_write_nothing():
    text = (EXAMPLE / ".github/workflows/reconciler-diff.yaml").read_text()
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow[True].keys() == {"pull_request"}  # YAML 1.1 reads `on` as true
    assert "secrets." not in text
    assert "pull_request_target" not in text
    # What is put into a script by the template engine is code of whoever wrote it.
    for step in workflow["jobs"]["diff"]["steps"]:
        assert "${{" not in step.get("run", "")


def test_the_job_that_may_write_runs_nothing_of_the_pull_request():
    text = (EXAMPLE / ".github/workflows/reconciler-comment.yaml").read_text()
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert workflow[True].keys() == {"workflow_run"}
    steps = workflow["jobs"]["comment"]["steps"]
    assert [step["uses"].split("@")[0] for step in steps] == [
        "actions/download-artifact",
        "actions/github-script",
    ]
    assert all("run" not in step for step in steps)
    assert "${{" not in steps[1]["with"]["script"]
    names = yaml.safe_load((EXAMPLE / ".github/workflows/reconciler-diff.yaml").read_text())["name"]
    assert workflow[True]["workflow_run"]["workflows"] == [names]


def test_the_posting_job_of_gitlab_has_no_checkout_and_the_rendering_one_no_token():
    jobs = yaml.safe_load((EXAMPLE / ".gitlab-ci.yml").read_text())
    assert jobs["reconciler-comment"]["variables"]["GIT_STRATEGY"] == "none"
    assert "TOKEN" not in str(jobs["reconciler-diff"])


def test_no_posting_job_follows_a_link_out_of_the_artifact(tmp_path):
    github = (EXAMPLE / ".github/workflows/reconciler-comment.yaml").read_text()
    assert "lstatSync(path).isFile()" in github
    (check,) = [
        step
        for step in yaml.safe_load((EXAMPLE / ".gitlab-ci.yml").read_text())["reconciler-comment"]["script"]
        if "head -n 1" in step
    ]
    mark = "<!-- fleet-reconciler diff default -->"
    (tmp_path / "secret").write_text(f"{mark}\nthe token\n")

    def posted():
        variables = {
            "marker": mark,
            "CI_PIPELINE_URL": "https://ci.example.com/1",
            "PATH": os.environ["PATH"],
        }
        subprocess.run(["sh", "-euc", check], cwd=tmp_path, env=variables, check=True)
        return (tmp_path / "comment.md").read_text()

    (tmp_path / "comment.md").symlink_to("secret")
    assert "Could not be rendered" in posted()
    (tmp_path / "comment.md").write_text(f"x {mark}\n")
    assert "Could not be rendered" in posted()
    (tmp_path / "comment.md").write_text(f"{mark}\n### fine\n")
    assert "### fine" in posted()


def test_both_hosts_look_for_the_mark_that_the_comment_begins_with():
    from reconciler.diff.markdown import marker

    for path in (".github/workflows/reconciler-comment.yaml", ".gitlab-ci.yml"):
        assert marker("default") in (EXAMPLE / path).read_text()
