"""What `deploy/` and `agent manifest` install: accepted by a real API server, by its admission, by our own command line."""

import base64
import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import click
import pytest
import yaml

from reconciler.cli.main import root
from tests.controlplane import KubectlError
from tests.controlplane.polling import eventually
from tests.e2e.program import Program, cluster_file, config_map, everywhere, namespace
from tests.e2e.scenes import delivered, shown_on_failure
from tests.e2e.test_loop import post_webhook
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
BASES = {"reconciler": ROOT / "deploy" / "reconciler", "agent": ROOT / "deploy" / "agent"}
NAMESPACE = "fleet-reconciler"


def built(binaries, folder):
    """What `kubectl kustomize` makes of a folder."""
    done = subprocess.run(
        [str(binaries.path("kubectl")), "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def manifest():
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "reconciler",
            "agent",
            "manifest",
            "--cluster=edge-1",
            "--url=https://git.example.com/f.git",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture(params=["reconciler", "agent", "agent manifest"])
def installation(request, control_plane_binaries):
    """Each way to install something, as YAML."""
    if request.param == "agent manifest":
        return manifest()
    return built(control_plane_binaries, BASES[request.param])


def deployment_in(text):
    return next(body for body in yaml.safe_load_all(text) if body["kind"] == "Deployment")


def environment_of(text, container):
    """The container's variables, with those that come from a ConfigMap or from the pod."""
    bodies = list(yaml.safe_load_all(text))
    maps = {body["metadata"]["name"]: body["data"] for body in bodies if body["kind"] == "ConfigMap"}
    found = {}
    for source in container.get("envFrom", ()):
        found |= maps[source["configMapRef"]["name"]]
    for variable in container.get("env", ()):
        found[variable["name"]] = variable.get("value", NAMESPACE)
    return found


def test_a_real_api_server_accepts_it_and_has_nothing_to_warn_of(installation, clean_clusters):
    plane = clean_clusters[0]
    plane.kubectl("create", "namespace", NAMESPACE)
    plane.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/warn=restricted")
    done = plane.kubectl_result(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-", stdin=installation
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr, done.stderr
    assert done.stdout.count("(server dry run)") == len(list(yaml.safe_load_all(installation)))


def test_admission_lets_its_pods_run_and_two_replicas_become_ready(installation, clean_clusters):
    plane = clean_clusters[0]
    plane.apply(installation)
    name = deployment_in(installation)["metadata"]["name"]
    for body in yaml.safe_load_all(installation):
        for volume in (body.get("spec") or {}).get("template", {}).get("spec", {}).get("volumes", ()):
            secret = volume.get("secret")
            if secret and not secret.get("optional"):
                plane.kubectl("-n", NAMESPACE, "create", "secret", "generic", secret["secretName"])

    def ready():
        return (
            plane.kubectl_json("get", "deployment", name, "-n", NAMESPACE)["status"].get("readyReplicas") == 2
        )

    eventually("both replicas are ready", ready, within=60)
    budget = plane.kubectl_json("get", "poddisruptionbudget", name, "-n", NAMESPACE)
    eventually(
        "one may be evicted",
        lambda: plane.kubectl_json("get", "pdb", name, "-n", NAMESPACE)["status"]["disruptionsAllowed"] == 1,
        within=60,
    )
    assert budget["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"] in ("reconciler", "agent")
    pods = plane.kubectl_json("get", "pods", "-n", NAMESPACE)["items"]
    service = plane.kubectl_json("get", "service", name, "-n", NAMESPACE)["spec"]["selector"]
    assert all(service.items() <= pod["metadata"]["labels"].items() for pod in pods)


def test_our_own_command_line_understands_its_arguments(installation, monkeypatch):
    container = deployment_in(installation)["spec"]["template"]["spec"]["containers"][0]
    for name, value in environment_of(installation, container).items():
        monkeypatch.setenv(name, value)
    verb, *arguments = container["args"]
    context = click.Context(root, info_name="reconciler", auto_envvar_prefix="RECONCILER")
    command = root.get_command(context, verb)
    parsed = command.make_context(verb, list(arguments), parent=context)
    assert parsed.params["url"].startswith("https://git.example.com/")
    assert parsed.params["namespace"] == NAMESPACE
    assert parsed.params["leader_elect"]
    mounts = [Path(mount["mountPath"]) for mount in container["volumeMounts"]]
    for option in ("data_dir", "credentials_dir", "webhook_secret_file"):
        path = parsed.params.get(option)
        if path is not None:
            assert any(Path(path).is_relative_to(mount) for mount in mounts), f"nothing is mounted at {path}"
    ports = {port["containerPort"] for port in container["ports"]}
    addresses = [parsed.params.get(option) for option in ("metrics", "listen")]
    assert {int(address.rpartition(":")[2]) for address in addresses if address} == ports
    unknown = [
        name
        for name in environment_of(installation, container)
        if name.removeprefix(f"RECONCILER_{verb.upper()}_").lower() not in parsed.params
    ]
    assert unknown == [], "variables that no flag reads"


def test_the_bases_and_the_printed_manifest_of_the_agent_install_the_same_thing(control_plane_binaries):
    base, printed = deployment_in(built(control_plane_binaries, BASES["agent"])), deployment_in(manifest())
    for path in ("securityContext", "serviceAccountName", "volumes", "terminationGracePeriodSeconds"):
        assert base["spec"]["template"]["spec"][path] == printed["spec"]["template"]["spec"][path], path
    one, other = (body["spec"]["template"]["spec"]["containers"][0] for body in (base, printed))
    for key in (
        "image",
        "ports",
        "livenessProbe",
        "readinessProbe",
        "resources",
        "securityContext",
        "volumeMounts",
    ):
        assert one[key] == other[key], key


def test_its_role_is_enough_for_the_lease_the_secrets_and_the_stop_switch_and_for_nothing_else(
    clean_clusters, control_plane_binaries, git_repository, git_clone, tmp_path
):
    hub, member, _ = clean_clusters
    hub.apply(built(control_plane_binaries, BASES["reconciler"]))
    account = f"system:serviceaccount:{NAMESPACE}:fleet-reconciler"
    for refused in (
        ("get", "secrets", "-n", "default"),
        ("list", "secrets", "-n", NAMESPACE),
        ("delete", "secrets", "-n", NAMESPACE),
        ("get", "configmaps", "-n", NAMESPACE),
        ("create", "pods", "-n", NAMESPACE),
    ):
        with pytest.raises(KubectlError):
            hub.kubectl("auth", "can-i", *refused, f"--as={account}")
    token = hub.kubectl("create", "token", "fleet-reconciler", "-n", NAMESPACE, "--duration=1h").strip()
    kubeconfig = hub.write_kubeconfig(tmp_path / "hub.kubeconfig", token=token)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "member",
            "namespace": NAMESPACE,
            "labels": {"fleet-reconciler/cluster": member.name},
        },
        "data": {"kubeconfig": base64.b64encode(member.kubeconfig.read_bytes()).decode()},
    }
    hub.apply(json.dumps(secret))
    repository = git_repository("fleet")
    author = git_clone(repository.url)
    reference = {"namespace": NAMESPACE, "name": "member"}
    first = author.commit_and_push(
        "first",
        {
            "clusters/member.yaml": cluster_file(member.name, secretRef=reference),
            "policies/all.yaml": everywhere("all", ("v1", "ConfigMap")),
            "apps/ns.yaml": namespace("shop"),
            "apps/one.yaml": config_map("one", "shop", greeting="hello"),
        },
    )

    (tmp_path / "webhook").write_text("s3cret\n")

    def replica(number, metrics, webhooks):
        return Program(
            tmp_path,
            "run",
            f"--url={repository.url}",
            f"--data-dir={tmp_path / f'data-{number}'}",
            f"--kubeconfig={kubeconfig}",
            f"--own-context={hub.name}",
            "--leader-elect",
            "--no-watch",
            "--poll-interval=600",
            f"--metrics=127.0.0.1:{metrics}",
            f"--listen=127.0.0.1:{webhooks}",
            f"--webhook-secret-file={tmp_path / 'webhook'}",
        )

    def answer(port, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as found:
            return found.status, found.read().decode()

    def leads(port):
        return (
            re.search(r"^fleet_reconciler_leader 1\.0$", answer(port, "/metrics")[1], re.MULTILINE)
            is not None
        )

    ports, hooks = (free_port(), free_port()), (free_port(), free_port())
    with replica(1, ports[0], hooks[0]) as one, shown_on_failure(one):
        eventually("the commit is delivered", delivered(repository, first, [member]), within=60)
        assert leads(ports[0])
        with replica(2, ports[1], hooks[1]) as two, shown_on_failure(two):
            eventually("the spare waits", lambda: two.events("lease.waiting"), within=60)
            assert answer(ports[1], "/readyz") == (200, "ok")
            assert not leads(ports[1])
            # A Service sends a webhook to any replica that is ready: the spare passes it on to the one that works.
            passed_on = author.commit_and_push(
                "passed on", {"apps/more.yaml": config_map("more", "shop", a="1")}
            )
            assert post_webhook(hooks[1], b"s3cret", "main") == 202
            eventually("the leader has heard", delivered(repository, passed_on, [member]), within=60)
            assert one.stop() == 0
            second = author.commit_and_push("second", {"apps/two.yaml": config_map("two", "shop", a="1")})
            # It may have taken over, and looked, before there was anything new.
            assert post_webhook(hooks[1], b"s3cret", "main") == 202
            eventually("the spare takes over", delivered(repository, second, [member]), within=60)
            assert leads(ports[1])
            assert member.find("configmap", "two", "shop") is not None
            # Not a moment sooner than the one before it had done its last write.
            (ended,), (began,) = one.events("reconciler.stopped"), two.events("lease.acquired")
            assert ended["timestamp"] < began["timestamp"]
            hub.apply(
                json.dumps(
                    {
                        "apiVersion": "v1",
                        "kind": "ConfigMap",
                        "metadata": {
                            "name": "fleet-reconciler-suspend",
                            "namespace": NAMESPACE,
                            "annotations": {"fleet-reconciler/suspend": "true"},
                        },
                    }
                )
            )

            def refusals():
                return [row for row in two.events("pass.failed") if "suspended" in row["problem"]]

            eventually("the stop switch is seen", refusals, within=60)
            author.commit_and_push("third", {"apps/three.yaml": config_map("three", "shop", a="1")})
            count = len(refusals())

            def refused_again():
                assert post_webhook(hooks[1], b"s3cret", "main") == 202
                return len(refusals()) > count + 1

            eventually("the commit is seen, and refused", refused_again, within=60)
            assert member.find("configmap", "three", "shop") is None
