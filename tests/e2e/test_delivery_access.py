"""Reaching real clusters by the rules of DESIGN §6: Secrets of the hub, refused credentials, and other servers' certificates."""

from __future__ import annotations

import base64
import http.server
import re
import threading

import pytest
import yaml

from reconciler.errors import CredentialRefused, Forbidden, Rejected, Throttled, Unauthorized, Unreachable
from reconciler.kube.client import Client, Limits
from reconciler.kube.connection import Connection, FixedSource
from reconciler.kube.credentials import KubeconfigSource
from reconciler.kube.retry import Backoff, RetryBudget
from reconciler.model.cluster import Cluster, SecretReference
from reconciler.model.marks import CLUSTER
from reconciler.targets.breaker import BreakerOpen
from reconciler.targets.push import PushTarget
from reconciler.targets.registry import Ways, client_for, secret_reader
from reconciler.targets.site import Site
from tests.contract.delivering import (
    Commits,
    client_of,
    config_map,
    deliver,
    namespace,
    questions,
    target_of,
    until_granted,
)


def a_secret(plane, name: str, *, token: str, label: str) -> dict:
    values = {"token": token, "caBundle": plane.ca_file.read_text(), "server": plane.server}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "fleet-reconciler", "labels": {CLUSTER: label}},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }


def strangers(plane) -> float:
    """How often the server was shown a credential that it does not know. (Its requests are counted only of those it knows.)"""
    metrics = plane.api.request("GET", "/metrics", accept="text/plain").text
    refused = re.findall(
        r'^authentication_attempts\{result="(?:error|failure)"\} (\S+)$', metrics, re.MULTILINE
    )
    return sum(map(float, refused))


async def test_a_cluster_is_reached_through_its_secret_in_the_hub_and_a_new_token_needs_no_restart(
    clean_clusters,
):
    hub, member, _ = clean_clusters
    hub.apply(namespace("fleet-reconciler"), a_secret(member, "edge", token=member.token, label="edge-1"))
    cluster = Cluster(name="edge-1", secret_ref=SecretReference(namespace="fleet-reconciler", name="edge"))
    own = client_of(hub.name, hub.kubeconfig)
    client = client_for(cluster, Ways(read_secret=secret_reader(own)))
    commits = Commits("edge-1")
    target = PushTarget(site=Site(client=client, questions=questions(commits)))
    try:
        _, outcome = await deliver(target, commits.commit(namespace(), config_map("a")))
        assert outcome.complete
        assert member.find("configmap", "a", "shop") is not None

        hub.apply(a_secret(member, "edge", token="expired", label="edge-1"))
        wanted = commits.commit(namespace(), config_map("b"))
        before = strangers(member)
        with pytest.raises(Unauthorized, match="renew Secret fleet-reconciler/edge") as caught:
            await deliver(target, wanted)
        assert "expired" not in str(caught.value)
        told = strangers(member)
        assert told > before
        # Nothing more is sent with it until it changes.
        with pytest.raises(BreakerOpen, match="renew Secret fleet-reconciler/edge"):
            await deliver(target, wanted)
        assert strangers(member) == told

        hub.apply(a_secret(member, "edge", token=member.token, label="edge-1"))
        _, outcome = await deliver(target, wanted)
        assert outcome.complete
        assert member.find("configmap", "b", "shop") is not None

        # While a pass runs: the token ends, one request is refused, the Secret is read once more, and it goes on.
        old = client._current
        client._current = None
        stale = Connection(
            server=member.server,
            origin="x",
            key="old",
            tls=old.connection.tls,
            headers={"Authorization": "Bearer gone"},
        )
        source, client._source = client._source, FixedSource(stale)
        await client.refresh()
        client._source = source
        await old.close()
        assert (await client.version()).startswith("v1.")
    finally:
        await target.close()
        await own.close()


@pytest.mark.parametrize(
    ("label", "fields", "code"),
    [
        ("edge-2", {}, "R532"),
        ("edge-1", {"api_endpoint": "https://127.0.0.1:1"}, "R533"),
        ("edge-1", {"insecure_skip_tls_verification": True}, "R534"),
        ("edge-1", {"secret_ref": SecretReference(namespace="kube-system", name="edge")}, "R531"),
        ("edge-1", {"secret_ref": SecretReference(namespace="fleet-reconciler", name="other")}, "R530"),
    ],
)
async def test_what_git_or_another_clusters_secret_asks_for_reaches_no_server(
    clean_clusters, label, fields, code
):
    hub, member, _ = clean_clusters
    hub.apply(namespace("fleet-reconciler"), a_secret(member, "edge", token=member.token, label=label))
    reference = SecretReference(namespace="fleet-reconciler", name="edge")
    own = client_of(hub.name, hub.kubeconfig)
    client = client_for(
        Cluster(**{"name": "edge-1", "secret_ref": reference, **fields}), Ways(read_secret=secret_reader(own))
    )
    try:
        with pytest.raises(CredentialRefused) as caught:
            await client.version()
        assert caught.value.code == code
        assert caught.value.cluster == "edge-1"
    finally:
        await client.close()
        await own.close()


async def test_on_a_laptop_the_context_of_the_clusters_name_counts_or_the_one_that_is_named(clean_clusters):
    plane, *_ = clean_clusters
    for name, contexts in ((plane.name, {}), ("edge-1", {"edge-1": plane.name})):
        client = client_for(Cluster(name=name), Ways(kubeconfigs=(plane.kubeconfig,), contexts=contexts))
        assert (await client.version()).startswith("v1.")
        await client.close()
    client = client_for(Cluster(name="edge-1"), Ways(kubeconfigs=(plane.kubeconfig,)))
    with pytest.raises(CredentialRefused, match="--context CLUSTER=CONTEXT"):
        await client.version()
    client = client_for(Cluster(name="edge-1"), Ways())
    with pytest.raises(CredentialRefused, match="names no secretRef, and no kubeconfig is given"):
        await client.version()


async def test_a_server_that_another_authority_signed_gets_no_credential(clean_clusters, tmp_path):
    one, two, _ = clean_clusters
    config = yaml.safe_load(one.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = two.server
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))
    client = Client(KubeconfigSource(paths=(path,), context=one.name), cluster="x")
    with pytest.raises(
        Unreachable, match="certificate is not one that context member1 of the kubeconfig trusts"
    ):
        await client.version()
    await client.close()


async def test_a_missing_right_is_said_for_the_object_and_is_no_outage(clean_clusters):
    plane, *_ = clean_clusters
    client = client_of(plane.name, plane.powerless_kubeconfig)
    resource = (await client.discovery()).find("v1", "ConfigMap")
    with pytest.raises(Forbidden, match='User "powerless" cannot list resource "configmaps"'):
        await client.list(resource)
    await client.close()
    plane.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "own-record"},
            "rules": [
                {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["*"]},
                {
                    "apiGroups": [""],
                    "resources": ["configmaps"],
                    "verbs": ["get", "list", "create", "update"],
                },
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "own-record"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "own-record"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "powerless"}],
        },
    )
    until_granted(plane, "create", "configmaps", "shop")
    commits = Commits(plane.name)
    async with target_of(plane, commits, kubeconfig=plane.powerless_kubeconfig) as target:
        _, outcome = await deliver(target, commits.commit(namespace("open"), namespace(), config_map("a")))
    assert [str(id_) for id_ in outcome.failed] == ["ConfigMap shop/a"]
    assert [problem.code for problem in outcome.problems] == ["R509"]
    assert plane.find("namespace", "open") is not None


async def test_a_refused_connection_is_tried_again_a_few_times_and_then_said(start_cluster):
    plane = start_cluster("gone")
    waits: list[float] = []
    backoff = Backoff(first=0.01, dice=lambda: waits.append(1) or 1.0)
    client = Client(
        KubeconfigSource(paths=(plane.kubeconfig,), context=plane.name),
        cluster=plane.name,
        limits=Limits(backoff=backoff),
    )
    assert (await client.version()).startswith("v1.")
    plane.kill_apiserver()
    with pytest.raises(Unreachable, match="no connection: Connect"):
        await client.version()
    assert len(waits) == 3
    await client.close()


async def test_a_half_dead_server_is_no_reason_to_wait_for_ever(start_cluster):
    plane = start_cluster("halfdead")
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), config_map("a")))
        target.site.client.limits = Limits(timeout=3.0)
        plane.kill_etcd()
        with pytest.raises((Unreachable, Throttled, Rejected)):
            await deliver(target, commits.commit(namespace(), config_map("a", key="new")))


class Answers(http.server.BaseHTTPRequestHandler):
    """Not an API server: what stands in front of one (a proxy, a load balancer) and answers by itself."""

    script: list[tuple[int, dict[str, str], bytes]]
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        code, headers, body = self.script.pop(0) if self.script else (200, {}, b'{"gitVersion":"v1.0.0"}')
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.fixture
def gateway():
    handler = type("Handler", (Answers,), {"script": [], "asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield handler, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def through(url: str, **fields) -> Client:
    connection = Connection(server=url, origin="a test", key="k", headers={"Authorization": "Bearer secret"})
    return Client(
        FixedSource(connection),
        cluster="c",
        limits=Limits(backoff=Backoff(first=0.01), **fields),
        budget=RetryBudget(),
    )


async def test_a_server_that_asks_to_come_back_later_is_obeyed_within_reason(gateway):
    handler, url = gateway
    handler.script += [(429, {"Retry-After": "0.05"}, b""), (503, {}, b"")]
    client = through(url)
    assert await client.version() == "v1.0.0"
    assert len(handler.asked) == 3
    handler.script += [(429, {"Retry-After": "120"}, b"")]
    with pytest.raises(Throttled) as caught:
        await client.version()
    assert caught.value.retry_after == 120.0
    assert len(handler.asked) == 4
    handler.script += [(500, {}, b"")]
    with pytest.raises(Rejected):
        await client.version()
    assert len(handler.asked) == 5
    await client.close()


async def test_a_redirect_is_never_followed_with_the_credential(gateway):
    handler, url = gateway
    handler.script += [(302, {"Location": f"{url}/elsewhere"}, b"")]
    client = through(url)
    with pytest.raises(Rejected):
        await client.version()
    assert handler.asked == ["/version"]
    await client.close()


async def test_an_answer_that_is_no_json_is_no_api_server(gateway):
    handler, url = gateway
    handler.script += [(200, {}, b"<html>welcome</html>")]
    client = through(url)
    with pytest.raises(Unreachable, match="not an API server"):
        await client.version()
    await client.close()
