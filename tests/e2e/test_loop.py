"""The whole line on real parts: a push to the fleet repository reaches real API servers and comes back as a status commit."""

import hashlib
import hmac
import json
import urllib.request
from pathlib import Path

from tests.controlplane.polling import eventually
from tests.e2e.program import (
    Program,
    cluster_file,
    config_map,
    everywhere,
    merged_kubeconfig,
    namespace,
)
from tests.e2e.scenes import summary_of
from tests.ports import free_port


def fleet(planes, **more):
    return {
        **{f"clusters/{plane.name}.yaml": cluster_file(plane.name) for plane in planes},
        "policies/all.yaml": everywhere("all", ("v1", "ConfigMap")),
        "apps/ns.yaml": namespace("shop"),
        "apps/one.yaml": config_map("one", "shop", greeting="hello"),
        **more,
    }


def test_a_push_noticed_by_webhook_and_one_noticed_by_poll_reach_every_cluster_and_come_back_as_status(
    clean_clusters, http_git_server, git_clone, tmp_path: Path
):
    planes = clean_clusters
    repository = http_git_server.repository("fleet")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "username").write_text("git")
    (credentials / "password").write_text(http_git_server.token)
    author = git_clone(http_git_server.url("fleet", password=http_git_server.token))
    first = author.commit_and_push("first", fleet(planes))
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    webhook, metrics = free_port(), free_port()
    kubeconfig = merged_kubeconfig(planes, tmp_path / "kubeconfig")
    with Program(
        tmp_path,
        "run",
        f"--url={http_git_server.url('fleet')}",
        f"--credentials-dir={credentials}",
        f"--data-dir={tmp_path / 'data'}",
        f"--kubeconfig={kubeconfig}",
        f"--listen=127.0.0.1:{webhook}",
        f"--webhook-secret-file={secret}",
        f"--metrics=127.0.0.1:{metrics}",
        "--poll-interval=3",
    ) as program:
        try:
            eventually(
                "the first status names the commit and all clusters",
                lambda: told(repository, first, planes),
                within=60,
            )
            for plane in planes:
                assert plane.kubectl_json("get", "configmap", "one", "-n", "shop")["data"] == {
                    "greeting": "hello"
                }

            second = author.commit_and_push("second", {"apps/two.yaml": config_map("two", "shop", a="1")})
            assert post_webhook(webhook, b"s3cret", "main") == 202
            assert post_webhook(webhook, b"wrong", "main") == 401
            eventually("the webhook's commit is told", lambda: told(repository, second, planes), within=60)
            third = author.commit_and_push("third", {"apps/two.yaml": config_map("two", "shop", a="2")})
            eventually("the polled commit is told", lambda: told(repository, third, planes), within=60)
            for plane in planes:
                assert plane.kubectl_json("get", "configmap", "two", "-n", "shop")["data"] == {"a": "2"}

            for row in program.events("tree.rendered"):
                assert {"fetch", "render", "publish"} <= set(row["seconds"])
            assert {row["source"] for row in program.events("tree.rendered")} == {first, second, third}
            assert all(row["seconds"] > 0 for row in program.events("cluster.applied"))
            with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics") as answer:
                text = answer.read().decode()
            for stage in ("fetch", "render", "publish", "status"):
                assert f'fleet_reconciler_stage_seconds_count{{stage="{stage}"}}' in text
            for probe in ("healthz", "readyz"):
                with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/{probe}") as answer:
                    assert answer.status == 200
            assert program.stop() == 0
            assert "s3cret" not in program.text
            assert http_git_server.token not in program.text
        except Exception:
            print(program.text)
            raise


def told(repository, commit, planes):
    """The status branch names the commit, every cluster stands at its render, and all that runs there is well."""
    summary = summary_of(repository)
    if summary.get("sourceCommit") != commit:
        return False
    rows = {row["name"]: row for row in summary["clusters"]}
    workloads = summary["workloads"]
    return (
        # A cluster that has not been heard of yet is given nothing, and stands at that: the others may be well without it.
        "R340" not in summary["problems"]
        and all(rows.get(p.name, {}).get("current") and rows[p.name]["ready"] == "True" for p in planes)
        and workloads["health"] == {"Healthy": workloads["total"]}
    )


def post_webhook(port, secret, branch):
    body = json.dumps({"ref": f"refs/heads/{branch}", "repository": {"full_name": "platform/fleet"}}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/webhook",
        data=body,
        headers={
            "X-GitHub-Event": "push",
            "X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
        },
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
