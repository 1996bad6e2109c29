"""Small fleets on real repositories: what they hold, a record on them, and `git` as the witness."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reconciler.git.mirror import open_mirror
from reconciler.loop.record import Record
from reconciler.manifests.emit import emit
from reconciler.model.cluster import ApiResources, ClusterStatus, Condition
from reconciler.model.observation import ClusterReport
from reconciler.settings import GuardLimits, RemoteUrls, Settings
from reconciler.status.document import encode_cluster_report
from reconciler.wiring import remotes_of
from tests.gitservers import Clone, bare_repository

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def cluster(name, mode="Push"):
    return json.dumps(
        {
            "apiVersion": "cluster.karmada.io/v1alpha1",
            "kind": "Cluster",
            "metadata": {"name": name},
            "spec": {"syncMode": mode},
        }
    )


def config_map(name, value="1"):
    metadata = {"name": name, "namespace": "shop"}
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": value}})


POLICY = json.dumps(
    {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "ClusterPropagationPolicy",
        "metadata": {"name": "all"},
        "spec": {"resourceSelectors": [{"apiVersion": "v1", "kind": "ConfigMap"}], "placement": {}},
    }
)


def fleet(count=3, **more):
    files = {f"apps/c{i:02}.yaml": config_map(f"c{i:02}") for i in range(count)}
    return (
        {
            "clusters/a.yaml": cluster("a"),
            "clusters/b.yaml": cluster("b", "Pull"),
            "policies/all.yaml": POLICY,
        }
        | files
        | more
    )


def ready_status():
    """A cluster that serves what these fleets hold."""
    return ClusterStatus(
        kubernetes_version="v1.36.3",
        api_enablements=(
            ApiResources(
                group_version="v1", kinds=frozenset({"ConfigMap"}), resources=(("configmaps", "ConfigMap"),)
            ),
        ),
        conditions=(
            Condition(type="CompleteAPIEnablements", status="True"),
            Condition(type="Ready", status="True", reason="ClusterReady"),
        ),
    )


def ready_report(name):
    return emit(encode_cluster_report(ClusterReport(name=name, status=ready_status())))


@pytest.fixture
def scene(tmp_path):
    repository = bare_repository(tmp_path / "fleet.git")
    author = Clone(tmp_path / "author", repository.url)
    mirror = open_mirror(tmp_path / "data")
    record = Record(
        repository=mirror.repository,
        remotes=remotes_of(Settings(remotes=RemoteUrls(source=repository.url)), None, laptop=True),
        branches=Settings().branches,
        limits=GuardLimits(),
    )
    yield repository, author, record
    mirror.close()


def observe(record, source, rendered):
    """Both clusters report, as the status branch would say."""
    files = {f"clusters/{name}.yaml": ready_report(name) for name in ("a", "b")}
    tip = record.fetch().status
    record.write_status(files, tip=tip, source_commit=source, rendered_commit=rendered, now=NOW)


def one_pass(record):
    at = record.fetch()
    decision = record.decide(at, None)
    return published(record, decision, at)


def published(record, decision, at):
    """The truth and then every branch that lies elsewhere, as the program does it on other threads."""
    found = record.publish(decision, at)
    problems = [
        problem
        for clusters in record.places_elsewhere(decision).values()
        for problem in record.project(decision, found, clusters)
    ]
    return replace(found, problems=(*found.problems, *problems))


def trailers(repository, branch):
    lines = repository.git("log", "-1", "--format=%(trailers:only)", branch).splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def maps_of(repository, branch="reconciler/cluster/b"):
    return sorted(path for path in repository.files(branch) if "/ConfigMap/" in path)


def started(scene, count=3, **more):
    """A fleet that is rendered and observed, with every map on both clusters."""
    _, author, record = scene
    source = author.commit_and_push("first", fleet(count, **more))
    first = one_pass(record)
    observe(record, source, first.commit)
    return one_pass(record)
