"""The real program with a real webhook: asked between two renders, its answers in Git, and what happens when it is of no help.

No cluster is needed: the fleet's clusters pull, and their files say what they serve.
"""

from __future__ import annotations

import json
import threading
import time

import pytest
import yaml

from tests.controlplane.polling import eventually
from tests.e2e.program import Program, config_map, namespace, run_cli
from tests.gitservers import bare_repository
from tests.interpreterwebhook import configuration, policy, respond, workload

STATUS = {
    "apiEnablements": [
        {"groupVersion": "v1", "resources": [{"name": "configmaps", "kind": "ConfigMap"}, {"name": "namespaces", "kind": "Namespace"}]},
        {"groupVersion": "workload.example.io/v1alpha1", "resources": [{"name": "workloads", "kind": "Workload"}]},
    ],
    "conditions": [{"type": "Ready", "status": "True"}, {"type": "CompleteAPIEnablements", "status": "True"}],
}  # fmt: skip
SCOPES = {"group": "workload.example.io", "kind": "Workload", "namespaced": True}
PLAIN = {
    "apiVersion": "policy.karmada.io/v1alpha1",
    "kind": "PropagationPolicy",
    "metadata": {"name": "plain", "namespace": "shop"},
    "spec": {"resourceSelectors": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "plain"}]},
}
ANSWERS = "webhooks/shop/Workload.workload.example.io/web.yaml"


def cluster(name):
    return {
        "apiVersion": "cluster.karmada.io/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": name},
        "spec": {"syncMode": "Pull"},
        "status": STATUS,
    }


def fleet(hook, **more):
    settings = {
        "apiVersion": "fleet-reconciler/v1alpha1",
        "kind": "FleetConfig",
        "spec": {"scopes": [SCOPES]},
    }
    documents = {
        "reconciler.yaml": settings,
        "hook.yaml": hook,
        "policy.yaml": policy(),
        "clusters/near.yaml": cluster("near"),
        "clusters/far.yaml": cluster("far"),
        "web.yaml": workload(replicas=6),
    }
    return {
        "map.yaml": config_map("web", "shop", colour="blue"),
        "plain.yaml": config_map("plain", "shop", colour="blue"),
        "plain-policy.yaml": json.dumps(PLAIN),
        "shop.yaml": namespace("shop"),
        **{path: json.dumps(body) for path, body in documents.items()},
        **more,
    }


@pytest.fixture
def repository(tmp_path):
    return bare_repository(tmp_path / "fleet.git")


def running(tmp_path, repository, *arguments):
    return Program(
        tmp_path,
        "run",
        f"--url=file://{repository.path}",
        f"--data-dir={tmp_path / 'data'}",
        "--poll-interval=1",
        "--status-interval=1",
        *arguments,
    )


def size(repository, name, path="shop/Workload.workload.example.io/web.yaml"):
    """The replicas that a cluster's branch says, or None where it says nothing."""
    found = repository.find(f"reconciler/cluster/{name}", path)
    return None if found is None else yaml.safe_load(found)["spec"]["replicas"]


def answers(repository, path=ANSWERS):
    found = repository.find("reconciler/status", path)
    return [] if found is None else yaml.safe_load(found)["answers"]


def test_it_is_asked_between_two_renders_and_its_answers_are_facts_for_everybody(
    webhook_server, repository, git_clone, tmp_path
):
    author = git_clone(str(repository.path))
    author.commit_and_push("first", fleet(configuration(webhook_server.url, webhook_server.bundle)))
    with running(tmp_path, repository) as program:
        try:
            eventually(
                "both clusters have their share",
                lambda: (size(repository, "near"), size(repository, "far")) == (4, 2),
                within=60,
            )
            assert "shop/ConfigMap/web.yaml" in repository.files("reconciler/cluster/near")
            kept = answers(repository)
            assert sorted(each["operation"] for each in kept) == [
                "InterpretDependency",
                "InterpretReplica",
                "ReviseReplica",
                "ReviseReplica",
            ]
            assert all(each["webhook"] == "workloads/workloads.example.com" for each in kept)

            # An object that changes is asked about as it is now, and the answers about what it was go.
            author.commit_and_push("second", {"web.yaml": json.dumps(workload(replicas=9))})
            eventually(
                "the new shares are there",
                lambda: (size(repository, "near"), size(repository, "far")) == (6, 3),
                within=60,
            )
            eventually(
                "no answer is kept that is not asked for", lambda: len(answers(repository)) == 4, within=60
            )
            before = {each["digest"] for each in kept}
            assert before.isdisjoint(each["digest"] for each in answers(repository))

            # Nothing is asked twice, and a quiet fleet makes no commit.
            eventually("it is quiet", lambda: _quiet(webhook_server, repository), within=60)
            eventually("the status names the render", lambda: _complete(repository), within=60)
            author.git("fetch", "origin")
            # A laptop asks nobody and comes to the same, byte for byte.
            asked = len(webhook_server.requests)
            laptop = run_cli("render", "--revision", "main", "-d", str(tmp_path / "tree"), cwd=author.path)
            assert laptop.returncode == 0, laptop.stderr
            for name in ("near", "far"):
                shown = (
                    tmp_path / "tree" / "clusters" / name / "shop/Workload.workload.example.io/web.yaml"
                ).read_text()
                assert shown == repository.read(
                    f"reconciler/cluster/{name}", "shop/Workload.workload.example.io/web.yaml"
                )
            # What has changed in the work tree waits, and is said to.
            (author.path / "web.yaml").write_text(json.dumps(workload(replicas=12)))
            changed = run_cli("validate", cwd=author.path)
            assert changed.returncode == 0, changed.stdout + changed.stderr
            assert "web.yaml:1:1: warning R430" in changed.stdout + changed.stderr
            difference = run_cli("diff", cwd=author.path)
            assert difference.returncode == 4, difference.stdout + difference.stderr
            assert len(webhook_server.requests) == asked

            # Without its template nothing is kept.
            author.git("checkout", "web.yaml")
            author.commit_and_push("third", {"web.yaml": None})
            eventually("its answers are gone", lambda: not answers(repository), within=60)
        except Exception:
            print(program.text)
            raise


def test_one_that_is_away_holds_its_objects_and_nothing_else_until_it_is_back(
    webhook_server, repository, git_clone, tmp_path
):
    webhook_server.handle = lambda exchange, _: exchange.send(500, b"")
    author = git_clone(str(repository.path))
    author.commit_and_push("first", fleet(configuration(webhook_server.url, webhook_server.bundle)))
    with running(tmp_path, repository) as program:
        try:
            eventually("the rest is rendered", lambda: colour(repository) == "blue", within=60)
            assert size(repository, "near") is None
            eventually(
                "the status counts what waits, and why",
                lambda: _problems(repository).get("R432") and _problems(repository).get("R430") == 1,
                within=60,
            )
            webhook_server.handle = None
            eventually(
                "it is asked again",
                lambda: (size(repository, "near"), size(repository, "far")) == (4, 2),
                within=60,
            )

            # What was answered stands while it is away; what changes waits, and keeps what it had.
            webhook_server.handle = lambda exchange, _: exchange.send(500, b"")
            author.commit_and_push(
                "second",
                {
                    "web.yaml": json.dumps(workload(replicas=9)),
                    "plain.yaml": config_map("plain", "shop", colour="red"),
                },
            )
            eventually("the rest goes on", lambda: colour(repository) == "red", within=60)
            assert (size(repository, "near"), size(repository, "far")) == (4, 2)
        except Exception:
            print(program.text)
            raise


def test_a_slow_one_holds_up_nobody_else(webhook_server, repository, git_clone, tmp_path):
    may_answer = threading.Event()

    def slow(request):
        may_answer.wait(120)
        return respond(request)

    webhook_server.answer = slow
    author = git_clone(str(repository.path))
    patient = configuration(webhook_server.url, webhook_server.bundle, timeoutSeconds=30)
    author.commit_and_push("first", fleet(patient))
    with running(tmp_path, repository) as program:
        try:
            eventually("it is asked", lambda: webhook_server.requests, within=60)
            # Well before the time is over for which its answer is waited for.
            eventually("the rest is rendered", lambda: colour(repository) == "blue", within=25)
            assert size(repository, "near") is None
            may_answer.set()
            eventually("its own object follows", lambda: size(repository, "near") == 4, within=60)
        except Exception:
            print(program.text)
            raise


def test_a_hostile_answer_ends_in_a_problem_that_a_laptop_can_read(
    webhook_server, repository, git_clone, tmp_path
):
    from tests.interpreterwebhook.workload import patch

    def hostile(request):
        if request["operation"] == "ReviseReplica":
            return {
                "uid": request["uid"],
                "successful": True,
                **patch(("replace", "/metadata/name", "kube-root-ca")),
            }
        return respond(request)

    webhook_server.answer = hostile
    author = git_clone(str(repository.path))
    author.commit_and_push("first", fleet(configuration(webhook_server.url, webhook_server.bundle)))
    with running(tmp_path, repository) as program:
        try:
            eventually(
                "the answer is known to be of no use",
                lambda: any("failure" in each for each in answers(repository)),
                within=60,
            )
            eventually("the status counts it", lambda: _problems(repository).get("R431"), within=60)
            assert size(repository, "near") is None
            author.git("fetch", "origin")
            found = run_cli("validate", cwd=author.path)
            assert found.returncode == 1
            assert "R431 ReviseReplica of workloads/workloads.example.com" in found.stdout + found.stderr
            assert "an object with the same metadata.name is expected" in found.stdout + found.stderr
            assert program.stop() == 0
        except Exception:
            print(program.text)
            raise


def test_nobody_is_asked_where_the_operator_says_so(webhook_server, repository, git_clone, tmp_path):
    author = git_clone(str(repository.path))
    author.commit_and_push("first", fleet(configuration(webhook_server.url, webhook_server.bundle)))
    with running(tmp_path, repository, "--no-ask-webhooks") as program:
        try:
            eventually("the rest is rendered", lambda: colour(repository) == "blue", within=60)
            eventually(
                "the status says what waits", lambda: _problems(repository).get("R430") == 1, within=60
            )
        except Exception:
            print(program.text)
            raise
    assert webhook_server.requests == []


def colour(repository):
    found = repository.find("reconciler/rendered", "clusters/near/shop/ConfigMap/plain.yaml")
    return None if found is None else yaml.safe_load(found)["data"]["colour"]


def _problems(repository):
    found = repository.find("reconciler/status", "summary.yaml")
    return {} if found is None else yaml.safe_load(found)["problems"]


def _complete(repository):
    summary = yaml.safe_load(repository.read("reconciler/status", "summary.yaml"))
    return summary["complete"] and not {"R430", "R431", "R432"} & summary["problems"].keys()


def _quiet(webhook_server, repository):
    before = (len(webhook_server.requests), repository.branches())
    time.sleep(4)
    return before == (len(webhook_server.requests), repository.branches())
