"""`reconciler init`: a small working fleet repository to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli.cluster import cluster_document
from reconciler.cli.fleetpath import output_option
from reconciler.cli.output import edited, note
from reconciler.cli.runoptions import kubeconfig_paths
from reconciler.errors import SettingsError
from reconciler.manifests.emit import emit

CONFIG = """\
# The repository's own settings; every field is in docs/reference/schemas.
apiVersion: fleet-reconciler/v1alpha1
kind: FleetConfig
metadata:
  name: fleet
spec:
  # Objects below apps/ that name no namespace live here.
  defaultNamespaces:
    - path: apps/
      namespace: default
"""
POLICY = """\
# A catch-all to start from: the usual workloads, on every cluster, with what they refer to. Give an application a policy
# of its own (a higher priority, or its names) when it should run somewhere else.
apiVersion: policy.karmada.io/v1alpha1
kind: ClusterPropagationPolicy
metadata:
  name: catch-all
spec:
  propagateDeps: true
  resourceSelectors:
    - {apiVersion: apps/v1, kind: Deployment}
    - {apiVersion: apps/v1, kind: StatefulSet}
    - {apiVersion: apps/v1, kind: DaemonSet}
    - {apiVersion: batch/v1, kind: CronJob}
    - {apiVersion: batch/v1, kind: Job}
    - {apiVersion: v1, kind: Service}
    - {apiVersion: networking.k8s.io/v1, kind: Ingress}
  placement:
    # No clusterAffinity: every cluster. No replicaScheduling: each cluster gets the full number of replicas.
    clusterTolerations: []
"""
APP = """\
# An example: plain Kubernetes. Delete it when you have something of your own.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: hello
spec:
  replicas: 2
  selector:
    matchLabels: {app: hello}
  template:
    metadata:
      labels: {app: hello}
    spec:
      containers:
        - name: hello
          image: registry.k8s.io/e2e-test-images/agnhost:2.53
          args: [netexec]
"""


@click.command("init")
@click.argument("path", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option(
    "--from-kubeconfig",
    "kubeconfig",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[FILE]",
    help="Write a Cluster for each context (of this file, or of KUBECONFIG).",
)
@click.option("--cluster", "clusters", multiple=True, help="Write a Cluster of this name; may be repeated.")
@output_option("text", "json")
def command(path: Path, kubeconfig: str | None, clusters: tuple[str, ...], output: str) -> int:
    """Write a small working fleet repository: settings, clusters, a catch-all policy and an example application.

    \b
    Example:
      reconciler init my-fleet --cluster paris --cluster virginia
      reconciler init my-fleet --from-kubeconfig
    """
    names = list(clusters) + (_contexts(kubeconfig) if kubeconfig is not None else [])
    names = list(dict.fromkeys(names)) or ["one", "two"]
    files: dict[str, str] = {
        "reconciler.yaml": CONFIG,
        "policies/catch-all.yaml": POLICY,
        "apps/hello.yaml": APP,
    }
    for name in names:
        files[f"clusters/{name}.yaml"] = emit(_cluster(name)).decode()
    taken = [name for name in files if (path / name).exists()]
    if taken:
        raise SettingsError(f"{path} holds {', '.join(taken)} already: nothing was written")
    for name, text in sorted(files.items()):
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    written = [path / name for name in sorted(files)]
    edited(output, "\n".join(f"wrote {file}" for file in written), written=written)
    note("next: git init, commit, then `reconciler validate` and `reconciler render`")
    return 0


def _cluster(name: str) -> dict[str, Any]:
    if Path(name).name != name:
        raise SettingsError(f"{name!r} is no cluster's name")
    return cluster_document(
        name,
        mode="Push",
        api_endpoint="",
        provider="",
        region="",
        zones=(),
        secret="",
        taints=(),
        labels=(),
        namespace="",
    )


def _contexts(text: str) -> list[str]:
    import os  # noqa: PLC0415 - the environment is read for this flag alone

    from reconciler.kube.kubeconfig import context_names, read_kubeconfig  # noqa: PLC0415

    paths = kubeconfig_paths(text or os.environ.get("KUBECONFIG")) or (Path.home() / ".kube" / "config",)
    names = sorted(context_names(read_kubeconfig(paths)))
    unfit = [
        name
        for name in names
        if not name.replace("-", "").replace(".", "").isalnum() or name != name.lower() or len(name) > 48
    ]
    if unfit:
        note(f"left out, no name for a cluster: {', '.join(unfit)} (add with: reconciler cluster add NAME)")
    return [name for name in names if name not in unfit]
