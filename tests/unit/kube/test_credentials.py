"""Whose word counts for reaching a cluster: every rule of DESIGN §6, and every refusal."""

from __future__ import annotations

import base64
import json
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from reconciler.errors import CredentialRefused
from reconciler.kube.credentials import KubeconfigSource, OwnClusterSource, SecretSource
from reconciler.model.cluster import Cluster, SecretReference
from reconciler.model.marks import CLUSTER

TOKEN = "very-secret-token"
SERVER = "https://edge.example.com:6443"


def certificate(name: str = "ca") -> tuple[str, str]:
    """A self-signed certificate and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), pem.decode()


CA, _ = certificate()
CLIENT, CLIENT_KEY = certificate("client")


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def a_cluster(**fields) -> Cluster:
    given = {
        "name": "edge-1",
        "secret_ref": SecretReference(namespace="fleet-reconciler", name="edge-1"),
        **fields,
    }
    return Cluster(**given)


def a_secret(data: dict[str, str], *, label: str | None = "edge-1") -> dict:
    labels = {} if label is None else {CLUSTER: label}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "edge-1", "namespace": "fleet-reconciler", "labels": labels},
        "data": {key: b64(value) for key, value in data.items()},
    }


TOKEN_FORM = {"token": TOKEN, "caBundle": CA, "server": SERVER}


def a_kubeconfig(*, cluster: dict | None = None, user: dict | None = None) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "c",
                    "cluster": {"server": SERVER, "certificate-authority-data": b64(CA), **(cluster or {})},
                }
            ],
            "users": [{"name": "u", "user": {"token": TOKEN} if user is None else user}],
            "contexts": [{"name": "edge-1", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "edge-1",
        }
    )


def source(
    secret: dict | None, *, cluster: Cluster | None = None, allowed: tuple[str, ...] = ()
) -> SecretSource:
    async def read(_reference):
        return secret

    return SecretSource(
        cluster=cluster or a_cluster(), namespace="fleet-reconciler", read=read, allowed_commands=allowed
    )


async def refusal(secret: dict | None, **fields) -> CredentialRefused:
    with pytest.raises(CredentialRefused) as caught:
        await source(secret, **fields).load()
    said = str(caught.value)
    assert TOKEN not in said
    assert "PRIVATE KEY" not in said
    assert said.startswith("cluster edge-1: ")
    assert caught.value.cluster == "edge-1"
    return caught.value


# --- what is accepted ---


@pytest.mark.parametrize(
    "data",
    [TOKEN_FORM, {"kubeconfig": a_kubeconfig()}, {"value": a_kubeconfig()}],
    ids=["token", "kubeconfig", "value"],
)
async def test_a_labelled_secret_in_our_namespace_decides_server_ca_and_token(data):
    connection = await source(a_secret(data)).load()
    assert connection.server == SERVER
    assert connection.headers == {"Authorization": f"Bearer {TOKEN}"}
    assert connection.origin == "Secret fleet-reconciler/edge-1"
    assert connection.tls.check_hostname
    assert [row["serialNumber"] for row in connection.tls.get_ca_certs()] == ["01"]
    assert TOKEN not in repr(connection)


async def test_a_client_certificate_and_basic_authentication_are_known():
    user = {"client-certificate-data": b64(CLIENT), "client-key-data": b64(CLIENT_KEY)}
    assert (await source(a_secret({"kubeconfig": a_kubeconfig(user=user)})).load()).headers == {}
    user = {"username": "root", "password": "pw"}
    found = await source(a_secret({"kubeconfig": a_kubeconfig(user=user)})).load()
    assert found.headers == {"Authorization": f"Basic {b64('root:pw')}"}


@pytest.mark.parametrize("endpoint", ["", SERVER, "https://EDGE.example.com:6443/", "edge.example.com:6443"])
async def test_an_endpoint_in_git_that_says_the_same_is_fine(endpoint):
    assert (
        await source(a_secret(TOKEN_FORM), cluster=a_cluster(api_endpoint=endpoint)).load()
    ).server == SERVER


async def test_a_changed_secret_means_a_new_pool_and_an_equal_one_does_not():
    first = await source(a_secret(TOKEN_FORM)).load()
    assert (await source(a_secret(TOKEN_FORM)).load()).key == first.key
    other_ca, _ = certificate()
    for change in ({"token": "new"}, {"caBundle": other_ca}, {"server": "https://other.example.com"}):
        assert (await source(a_secret({**TOKEN_FORM, **change})).load()).key != first.key


async def test_verification_is_switched_off_only_by_the_secret_itself():
    loose = a_kubeconfig(cluster={"insecure-skip-tls-verify": True, "certificate-authority-data": ""})
    connection = await source(a_secret({"kubeconfig": loose})).load()
    assert not connection.tls.check_hostname


async def test_a_proxy_comes_from_the_secret_and_its_headers_may_come_from_git():
    proxied = a_kubeconfig(cluster={"proxy-url": "http://proxy.example.com:3128"})
    cluster = a_cluster(proxy_url="http://proxy.example.com:3128", proxy_header={"X-Fleet": "1"})
    connection = await source(a_secret({"kubeconfig": proxied}), cluster=cluster).load()
    assert connection.proxy == "http://proxy.example.com:3128"
    assert connection.proxy_headers == {"X-Fleet": "1"}


# --- what is refused ---


async def test_a_cluster_without_a_secret_is_refused():
    assert (await refusal(None, cluster=a_cluster(secret_ref=None))).code == "R530"
    assert (await refusal(None)).code == "R530"


@pytest.mark.parametrize("namespace", ["kube-system", ""])
async def test_a_secret_in_another_namespace_is_not_even_read(namespace):
    cluster = a_cluster(secret_ref=SecretReference(namespace=namespace, name="edge-1"))

    async def read(_reference):
        raise AssertionError("it was read")

    with pytest.raises(CredentialRefused, match="Secrets are read in fleet-reconciler alone") as caught:
        await SecretSource(cluster=cluster, namespace="fleet-reconciler", read=read).load()
    assert caught.value.code == "R531"


@pytest.mark.parametrize("label", [None, "edge-2", ""])
async def test_a_secret_that_is_not_labelled_with_the_clusters_name_is_refused(label):
    assert (await refusal(a_secret(TOKEN_FORM, label=label))).code == "R532"


@pytest.mark.parametrize(
    "fields",
    [
        {"api_endpoint": "https://evil.example.com"},
        {"api_endpoint": "http://edge.example.com:6443"},
        {"api_endpoint": "https://edge.example.com:6444"},
        {"api_endpoint": "https://edge.example.com:6443/evil"},
        {"api_endpoint": "https://edge.example.com:port"},
        {"proxy_url": "http://evil.example.com:3128"},
        {"proxy_header": {"X-Steal": "1"}},
    ],
)
async def test_git_cannot_send_the_credential_elsewhere(fields):
    assert (await refusal(a_secret(TOKEN_FORM), cluster=a_cluster(**fields))).code == "R533"


async def test_git_cannot_switch_verification_off():
    found = await refusal(a_secret(TOKEN_FORM), cluster=a_cluster(insecure_skip_tls_verification=True))
    assert found.code == "R534"


@pytest.mark.parametrize(
    "broken",
    [
        {"cluster": {"certificate-authority": "/etc/passwd"}},
        {"user": {"client-certificate": "/etc/passwd", "client-key-data": b64(CLIENT_KEY)}},
        {"user": {"client-key": "key.pem", "client-certificate-data": b64(CLIENT)}},
        {"user": {"tokenFile": "/var/run/secrets/kubernetes.io/serviceaccount/token"}},
        {"user": {"exec": {"command": "./plugin", "apiVersion": "client.authentication.k8s.io/v1"}}},
    ],
)
async def test_a_secret_names_no_files_of_ours(broken):
    assert (
        await refusal(a_secret({"kubeconfig": a_kubeconfig(**broken)}), allowed=("./plugin",))
    ).code == "R535"


async def test_a_plugin_in_a_secret_runs_only_when_its_command_is_allowed(tmp_path):
    plugin = a_plugin(tmp_path)
    user = {
        "exec": {
            "command": str(plugin),
            "apiVersion": "client.authentication.k8s.io/v1",
            "args": ["--cluster", "x"],
        }
    }
    secret = a_secret({"kubeconfig": a_kubeconfig(user=user)})
    assert (await refusal(secret)).code == "R536"
    assert (await refusal(secret, allowed=(plugin.name,))).code == "R536"
    assert not (tmp_path / "ran").exists()
    connection = await source(secret, allowed=(str(plugin),)).load()
    assert connection.headers == {"Authorization": "Bearer from-the-plugin"}
    assert json.loads((tmp_path / "ran").read_text())["spec"] == {"interactive": False}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({}, "R530"),
        ({"token": TOKEN, "server": SERVER}, "R530"),
        ({"kubeconfig": "clusters: ["}, "R537"),
        ({"kubeconfig": "- a list"}, "R537"),
        ({"kubeconfig": "clusters: {a: b}"}, "R537"),
        ({"kubeconfig": "current-context: missing"}, "R530"),
        ({"kubeconfig": a_kubeconfig(cluster={"server": ""})}, "R537"),
        ({"kubeconfig": a_kubeconfig(cluster={"certificate-authority-data": "%%%"})}, "R537"),
        ({"kubeconfig": a_kubeconfig(user={"auth-provider": {"name": "oidc"}})}, "R537"),
        ({**TOKEN_FORM, "caBundle": "not a certificate"}, "R537"),
        (
            {
                "kubeconfig": a_kubeconfig(
                    user={"client-certificate-data": b64(CLIENT), "client-key-data": b64("x")}
                )
            },
            "R537",
        ),
    ],
)
async def test_what_cannot_be_read_is_refused_without_quoting_it(data, code):
    assert (await refusal(a_secret(data))).code == code


async def test_a_secret_whose_value_is_no_text_is_refused():
    secret = a_secret(TOKEN_FORM)
    secret["data"]["token"] = "!"
    assert (await refusal(secret)).code == "R537"


# --- plugins ---


def a_plugin(directory: Path, output: str = "", *, code: int = 0, seconds: float = 0) -> Path:
    """A real credential plugin: a program that prints `output`."""
    printed = output or json.dumps(
        {
            "apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential",
            "status": {"token": "from-the-plugin", "expirationTimestamp": "2030-01-01T00:00:00Z"},
        }
    )
    path = directory / "plugin"
    path.write_text(
        f"#!{sys.executable} -IS\nimport os, sys, time\n"
        f"open({str(directory / 'ran')!r}, 'w').write(os.environ['KUBERNETES_EXEC_INFO'])\n"
        f"time.sleep({seconds})\nprint({printed!r})\nsys.exit({code})\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def of_plugin(path: Path, **section) -> SecretSource:
    user = {"exec": {"command": str(path), "apiVersion": "client.authentication.k8s.io/v1", **section}}
    return source(a_secret({"kubeconfig": a_kubeconfig(user=user)}), allowed=(str(path),))


async def test_a_plugins_token_is_asked_for_again_before_it_ends(tmp_path):
    connection = await of_plugin(a_plugin(tmp_path)).load()
    assert connection.expires == datetime(2030, 1, 1, tzinfo=UTC).timestamp() - 60


@pytest.mark.parametrize(
    ("output", "code", "section"),
    [
        ("not json", 0, {}),
        ("{}", 0, {}),
        (
            '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"x"}}',
            0,
            {},
        ),
        ('{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{}}', 0, {}),
        ("", 3, {}),
        ("", 0, {"apiVersion": "client.authentication.k8s.io/v1alpha1"}),
        ("", 0, {"interactiveMode": "Always"}),
    ],
)
async def test_a_plugin_that_fails_or_prints_something_else_is_refused(tmp_path, output, code, section):
    with pytest.raises(CredentialRefused) as caught:
        await of_plugin(a_plugin(tmp_path, output, code=code), **section).load()
    assert "from-the-plugin" not in str(caught.value)
    assert caught.value.code in ("R536", "R537")


async def test_a_plugin_that_is_not_installed_is_said_with_its_hint(tmp_path):
    with pytest.raises(CredentialRefused, match="cannot be started: get it at the shop"):
        await of_plugin(tmp_path / "missing", installHint="get it at the shop").load()


async def test_a_plugin_that_hangs_is_ended(tmp_path):
    from reconciler.kube.plugins import Plugin, run_plugin

    with pytest.raises(CredentialRefused, match=r"took longer than 0\.3 s"):
        await run_plugin(Plugin(command=str(a_plugin(tmp_path, seconds=60))), within=0.3)


# --- the user's own kubeconfig ---


def of_files(tmp_path: Path, *texts: str, context: str = "edge-1", **fields) -> KubeconfigSource:
    paths = []
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}" / "config"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        paths.append(path)
    return KubeconfigSource(paths=tuple(paths), context=context, **fields)


async def test_a_context_of_the_clusters_name_is_used_with_files_and_plugins(tmp_path):
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "ca.pem").write_text(CA)
    (tmp_path / "0" / "token").write_text(f"{TOKEN}\n")
    files = a_kubeconfig(
        cluster={"certificate-authority": "ca.pem", "certificate-authority-data": None},
        user={"tokenFile": "token"},
    )
    connection = await of_files(tmp_path, files).load()
    assert connection.headers == {"Authorization": f"Bearer {TOKEN}"}
    plugin = a_plugin(tmp_path)
    text = a_kubeconfig(
        user={"exec": {"command": str(plugin), "apiVersion": "client.authentication.k8s.io/v1"}}
    )
    assert (await of_files(tmp_path, text).load()).headers == {"Authorization": "Bearer from-the-plugin"}


async def test_in_run_and_agent_only_allowed_plugins_of_a_kubeconfig_run(tmp_path):
    plugin = a_plugin(tmp_path)
    text = a_kubeconfig(
        user={"exec": {"command": str(plugin), "apiVersion": "client.authentication.k8s.io/v1"}}
    )
    with pytest.raises(CredentialRefused) as caught:
        await of_files(tmp_path, text, allowed_commands=()).load()
    assert caught.value.code == "R536"
    assert not (tmp_path / "ran").exists()
    await of_files(tmp_path, text, allowed_commands=(str(plugin),)).load()


async def test_a_context_that_is_not_there_says_how_to_name_one(tmp_path):
    with pytest.raises(
        CredentialRefused, match="no context 'edge-9'; say which with --context CLUSTER=CONTEXT"
    ):
        await of_files(tmp_path, a_kubeconfig(), context="edge-9").load()
    with pytest.raises(CredentialRefused, match="there is no kubeconfig"):
        await KubeconfigSource(paths=(tmp_path / "none",), context="edge-1").load()


async def test_of_several_files_the_first_entry_of_a_name_counts(tmp_path):
    other = a_kubeconfig(cluster={"server": "https://second.example.com"})
    assert (await of_files(tmp_path, a_kubeconfig(), other).load()).server == SERVER


# --- our own cluster ---


async def test_the_projected_token_is_read_again_before_it_ends(tmp_path):
    (tmp_path / "ca.crt").write_text(CA)
    (tmp_path / "token").write_text("first")
    now = [1000.0]
    own = OwnClusterSource(
        environ={"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"},
        directory=tmp_path,
        clock=lambda: now[0],
    )
    first = await own.load()
    assert first.server == "https://[fd00::1]:443"
    assert first.headers == {"Authorization": "Bearer first"}
    assert first.expires == 1060.0
    (tmp_path / "token").write_text("second")
    second = await own.load()
    assert second.headers == {"Authorization": "Bearer second"}
    assert second.key == first.key


async def test_outside_a_cluster_there_is_no_own_one(tmp_path):
    with pytest.raises(CredentialRefused, match="not inside a cluster") as caught:
        await OwnClusterSource(environ={}, directory=tmp_path).load()
    assert caught.value.code == "R530"
