"""The real program as tests run it: `reconciler run` and `reconciler agent` as processes, fleets as files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

from tests.controlplane import ControlPlane
from tests.controlplane.processes import pause, tethered_popen

PYTHON = sys.executable


def cluster_file(name: str, mode: str = "Push", **spec: Any) -> str:
    """A Cluster document."""
    return json.dumps(
        {
            "apiVersion": "cluster.karmada.io/v1alpha1",
            "kind": "Cluster",
            "metadata": {"name": name},
            "spec": {"syncMode": mode, **spec},
        }
    )


def everywhere(
    name: str, *selectors: tuple[str, str], namespace: str = "", clusters: Iterable[str] = (), **spec: Any
) -> str:
    """A policy that puts the selected kinds on every cluster, duplicated."""
    placement: dict[str, Any] = {"clusterAffinity": {"clusterNames": list(clusters)}} if clusters else {}
    return json.dumps(
        {
            "apiVersion": "policy.karmada.io/v1alpha1",
            "kind": "PropagationPolicy" if namespace else "ClusterPropagationPolicy",
            "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
            "spec": {
                "resourceSelectors": [{"apiVersion": version, "kind": kind} for version, kind in selectors],
                "placement": placement,
                **spec,
            },
        }
    )


def config_map(name: str, namespace: str, **data: str) -> str:
    """A ConfigMap."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace},
            "data": data,
        }
    )


def namespace(name: str) -> str:
    """A Namespace."""
    return json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


def merged_kubeconfig(planes: Iterable[ControlPlane], path: Path, names: Iterable[str] = ()) -> Path:
    """One kubeconfig with a context for each cluster, named after it, or as `names` say."""
    clusters, users, contexts = [], [], []
    found = list(planes)
    for name, plane in zip(list(names) or [each.name for each in found], found, strict=True):
        clusters.append(
            {
                "name": name,
                "cluster": {"server": plane.server, "certificate-authority-data": plane.ca_data},
            }
        )
        users.append({"name": name, "user": {"token": plane.token}})
        contexts.append({"name": name, "context": {"cluster": name, "user": name}})
    path.write_text(
        json.dumps(
            {"apiVersion": "v1", "kind": "Config", "clusters": clusters, "users": users, "contexts": contexts}
        )
    )
    return path


class Program(AbstractContextManager["Program"]):
    """One `reconciler` process with its log."""

    def __init__(self, directory: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.log_path = directory / f"{arguments[0]}-{time.monotonic_ns()}.log"
        self._log = self.log_path.open("wb")
        self.process = tethered_popen(
            [PYTHON, "-m", "reconciler", *arguments],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", **(environment or {})},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, within: float = 20) -> int:
        """Ask it to stop; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(within)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._log.close()
        return self.process.returncode

    def pause(self) -> None:
        """SIGSTOP: it hangs, and cannot know."""
        pause(self.process)

    def resume(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """The structured log so far."""
        found = []
        for line in self.log_path.read_text(errors="replace").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if not name or row.get("event") == name:
                found.append(row)
        return found

    @property
    def text(self) -> str:
        """The whole log, for a failing assertion."""
        return self.log_path.read_text(errors="replace")[-12000:]


def run_cli(
    *arguments: str, cwd: Path | None = None, environment: dict[str, str] | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """A verb to its end."""
    return subprocess.run(
        [PYTHON, "-m", "reconciler", *arguments],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
