"""One member cluster as a value with verbs: start, break, mend, ask, clean, stop.

Promises: real binaries on ports of 127.0.0.1, a data directory that keeps every log, and errors that show the end of
the log of what failed. Must not know what the tests are about.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import yaml

from tests.controlplane import cleaning, components, nodes, requests
from tests.controlplane.api import Api
from tests.controlplane.binaries import Binaries
from tests.controlplane.components import STOP_ORDER, Ports
from tests.controlplane.nodes import HEARTBEAT_LABEL, THREE_NODES, Node
from tests.controlplane.processes import Process
from tests.controlplane.requests import RequestCounts, Write

_MASTERS: Final = frozenset({"reconciler", "witness", "components"})
_READY_SECONDS: Final = 120.0
_ATTEMPTS: Final = 3
_LONGEST_AUDIT_LINE: Final = 1 << 20
# What a cluster makes for itself, some of it after it has called itself ready. Without its account no pod is let into a
# namespace; without the others a baseline would lack them, and cleaning would take them away.
_OWN_OBJECTS: Final = (
    *(
        f"/api/v1/namespaces/{namespace}/{path}"
        for namespace in ("default", "kube-node-lease", "kube-public", "kube-system")
        for path in ("serviceaccounts/default", "configmaps/kube-root-ca.crt")
    ),
    "/api/v1/namespaces/default/services/kubernetes",
    "/api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking",
)
_SERVICE_RANGE: Final = "/apis/networking.k8s.io/v1/servicecidrs/kubernetes"


class ControlPlaneError(Exception):
    """A control plane did not do what it was told; carries the end of the log that says why."""


class KubectlError(Exception):
    """`kubectl` failed or did not end in time; the text is what it wrote to its error output."""

    def __init__(self, arguments: Sequence[str], message: str, exit_code: int | None) -> None:
        super().__init__(f"kubectl {' '.join(arguments)}: {message}")
        self.message = message
        self.exit_code = exit_code


class ControlPlane:
    """One cluster. `start()` it, use it, `stop()` it; or use it as a context manager.

    The API server knows four users, each by a token: `reconciler` and `witness` in `system:masters` (the first is
    for the program under test, the second is who `kubectl` is, so that the audit log tells them apart), `powerless`
    in a group without any right, and `components` (the cluster's own).
    """

    def __init__(
        self,
        name: str,
        directory: Path,
        binaries: Binaries,
        *,
        nodes: Iterable[Node] = THREE_NODES,
        tethered: bool = True,
        audit: bool = True,
    ) -> None:
        """A cluster that keeps everything in `directory`. Untethered, it outlives the process that starts it."""
        self.name = name
        self.directory = directory.absolute()
        self.nodes = tuple(nodes)
        self.binaries = binaries
        self._tethered = tethered
        self._audit = audit
        self._processes: dict[str, Process] = {}
        self._ports: Ports | None = None
        self._tokens = {
            user: secrets.token_hex(16) for user in ("reconciler", "witness", "powerless", "components")
        }
        self._api: Api | None = None
        self._baseline: cleaning.Baseline | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"ControlPlane({self.name!r}, {str(self.directory)!r})"

    # --- where it is and who may come in ---

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://127.0.0.1:{self._known_ports.apiserver}"

    @property
    def token(self) -> str:
        """The bearer token of the program under test, in `system:masters`."""
        return self._tokens["reconciler"]

    @property
    def powerless_token(self) -> str:
        """The token of `powerless`, who may discover and do nothing else; bind roles to the user to change that."""
        return self._tokens["powerless"]

    @property
    def ca_file(self) -> Path:
        """The certificate that the API server's own verifies against."""
        return components.ca_file(self.directory)

    @property
    def ca_data(self) -> str:
        """The same in base64, as a kubeconfig has it."""
        return base64.b64encode(self.ca_file.read_bytes()).decode()

    @property
    def kubeconfig(self) -> Path:
        """A self-contained kubeconfig for the program under test."""
        return components.kubeconfig(self.directory, "reconciler")

    @property
    def powerless_kubeconfig(self) -> Path:
        """A self-contained kubeconfig of `powerless`."""
        return components.kubeconfig(self.directory, "powerless")

    def write_kubeconfig(self, path: Path, *, token: str) -> Path:
        """Write a self-contained kubeconfig with any token (a service account's, an expired one)."""
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": self.name,
                    "cluster": {"server": self.server, "certificate-authority-data": self.ca_data},
                }
            ],
            "users": [{"name": self.name, "user": {"token": token}}],
            "contexts": [{"name": self.name, "context": {"cluster": self.name, "user": self.name}}],
            "current-context": self.name,
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    # --- life ---

    def start(self) -> None:
        """Start on a fresh data directory, until nodes are Ready and pods can be made."""
        if (self.directory / "etcd").exists():
            raise ControlPlaneError(
                f"{self.directory} already holds a cluster; a cluster starts on a fresh directory"
            )
        for attempt in range(_ATTEMPTS):
            self._ports = Ports.free()
            try:
                components.write_files(self.directory, tokens=self._tokens, masters=_MASTERS)
                self._define_processes()
                self._start_processes()
                self._create_nodes()
                self._wait_until_usable()
            except BaseException as error:
                # Between asking for a port and using it somebody else may have taken it.
                taken = any(
                    "address already in use" in process.tail(40) for process in self._processes.values()
                )
                self.stop()
                if not taken or attempt == _ATTEMPTS - 1 or not isinstance(error, ControlPlaneError):
                    raise
                shutil.rmtree(self.directory)
            else:
                self._baseline = cleaning.baseline(self.api)
                return

    def stop(self) -> None:
        """Stop everything, in the order in which nothing complains; the data directory stays."""
        if "etcd" in self._processes and not self._processes["etcd"].running:
            # Without its store the API server waits in vain for an orderly end.
            self._processes["kube-apiserver"].kill()
        for name in STOP_ORDER:
            if name in self._processes:
                self._processes[name].stop()
        if self._api is not None:
            self._api.close()

    def restart(self) -> None:
        """Stop what runs and start all of it again: same ports, same data, same credentials."""
        self.stop()
        self._start_processes()
        self._wait_until_usable()

    def pause_apiserver(self) -> None:
        """SIGSTOP: connections are taken by the kernel and never answered, the honest black hole."""
        self._processes["kube-apiserver"].pause()

    def resume(self) -> None:
        """SIGCONT, and wait until the API server answers again."""
        self._processes["kube-apiserver"].send(signal.SIGCONT)
        self._until("the API server answers again", self._is_ready)

    def kill_etcd(self) -> None:
        """SIGKILL etcd: the API server lives and can neither read nor write, the honest half-dead server."""
        self._processes["etcd"].kill()

    def kill_apiserver(self) -> None:
        """SIGKILL the API server: connections are refused."""
        self._processes["kube-apiserver"].kill()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by binary."""
        return {name: process.pid for name, process in self._processes.items() if process.pid is not None}

    @property
    def running(self) -> bool:
        """Whether all of it runs."""
        return bool(self._processes) and all(process.running for process in self._processes.values())

    def report(self) -> str:
        """What a person needs after a failure: what runs, and the end of the log of what does not."""
        lines = [f"{self.name}: logs in {self.directory}"]
        for process in self._processes.values():
            if not process.running:
                lines.append(f"--- {process.name} ended with {process.exit_code}; the end of its log:")
                lines.append(process.tail())
        return "\n".join(lines)

    # --- witnesses ---

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 60.0) -> str:
        """What `kubectl` prints, as the user `witness`; KubectlError when it fails or takes longer than `timeout`."""
        result = self.kubectl_result(*arguments, stdin=stdin, timeout=timeout)
        if result.returncode != 0:
            raise KubectlError(arguments, result.stderr.strip(), result.returncode)
        return result.stdout

    def kubectl_result(
        self, *arguments: str, stdin: str | None = None, timeout: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """The finished process, whatever its exit code (`kubectl diff` has three)."""
        command = [
            str(self.binaries.path("kubectl")),
            "--kubeconfig",
            str(components.kubeconfig(self.directory, "witness")),
        ]
        # Discovery is cached by host and port; the ports of yesterday's clusters come again.
        command += ["--cache-dir", str(self.directory / "kubectl-cache"), *arguments]
        try:
            return subprocess.run(
                command,
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                text=True,
                timeout=timeout,
                env=self._environment(KUBERC="off"),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise KubectlError(arguments, f"no answer within {timeout:g} s", None) from error

    def kubectl_json(self, *arguments: str, timeout: float = 60.0) -> Any:
        """What `kubectl ... -o json` prints, decoded."""
        return json.loads(self.kubectl(*arguments, "-o", "json", timeout=timeout))

    def apply(self, *documents: str | Mapping[str, Any]) -> str:
        """`kubectl apply --server-side` of YAML texts or objects."""
        texts = [each if isinstance(each, str) else yaml.safe_dump(dict(each)) for each in documents]
        return self.kubectl("apply", "--server-side", "-f", "-", stdin="\n---\n".join(texts))

    def find(self, kind: str, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        """The live object, or None when there is none. `kind` as kubectl takes it: `deployments.apps`, `crd`."""
        scope = () if namespace is None else ("-n", namespace)
        text = self.kubectl("get", kind, name, *scope, "--ignore-not-found", "-o", "json")
        if not text.strip():
            return None
        found: dict[str, Any] = json.loads(text)
        return found

    def names(self, kind: str, namespace: str | None = None, *, selector: str = "") -> list[str]:
        """Sorted names; over all namespaces `namespace/name`, unless one is given."""
        scope = ("-A",) if namespace is None else ("-n", namespace)
        items = self.kubectl_json("get", kind, *scope, "-l", selector)["items"]
        prefixed = [(item["metadata"].get("namespace"), item["metadata"]["name"]) for item in items]
        return sorted(name if namespace or not space else f"{space}/{name}" for space, name in prefixed)

    @property
    def api(self) -> Api:
        """Raw requests as `witness`, for polling without starting a process each time."""
        if self._api is None:
            raise ControlPlaneError(f"{self.name} has not been started")
        return self._api

    def request_counts(self) -> RequestCounts:
        """The API server's own counter by verb, resource and dry run; subtract an earlier one.

        It counts since the API server started: a restart starts at nothing.
        """
        answer = self.api.request("GET", "/metrics", accept="text/plain")
        if answer.status != 200:
            raise ControlPlaneError(f"{self.name}: /metrics answered {answer.status}: {answer.text[:200]}")
        return requests.request_counts(answer.text)

    def audit_mark(self) -> int:
        """A place in the audit log, to be given to `writes`: the end of the last whole line.

        The server may be in the middle of a line: a reader sees a file grow before its writer's call has returned.
        """
        with components.audit_log(self.directory).open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            start = max(0, size - _LONGEST_AUDIT_LINE)
            log.seek(start)
            return start + log.read(size - start).rfind(b"\n") + 1

    def writes(
        self, *, since: int = 0, user: str | None = "reconciler", dry_runs: bool = False, failed: bool = True
    ) -> list[Write]:
        """Writes in the audit log after a mark, by one user (None: all), in the order in which they ended.

        Of all that the user has been answered: the event comes first. An object can be seen a moment before its event.
        """
        with components.audit_log(self.directory).open("rb") as log:
            log.seek(since)
            lines = [line.decode() for line in log if line.endswith(b"\n")]
        return [
            write
            for write in requests.writes(lines)
            if (user is None or write.user == user)
            and (dry_runs or not write.dry_run)
            and (failed or write.code < 300)
        ]

    # --- nodes ---

    def add_node(self, node: Node) -> None:
        """Add a node and wait until it is Ready, and has no taint but its own."""
        self._post_node(node)
        self._until_settled(node.name)

    def stop_heartbeat(self, node: str) -> None:
        """From now on nobody speaks for that node or its pods; after ten seconds the cluster calls it NotReady."""
        self.kubectl("label", "node", node, f"{HEARTBEAT_LABEL}=stopped", "--overwrite")

    def resume_heartbeat(self, node: str) -> None:
        """The node is back."""
        self.kubectl("label", "node", node, f"{HEARTBEAT_LABEL}-")

    def node_is_ready(self, name: str) -> bool:
        """Whether the node's Ready condition is True now."""
        return self._is(name, nodes.is_ready)

    # --- between tests ---

    def clean(self) -> None:
        """Remove everything that was not there when the cluster had started; nodes get their labels and taints back.

        Wakes or restarts what a test has paused or killed. Objects of the cluster itself that a test has changed in
        place (other than nodes) are not restored.
        """
        if self._baseline is None:
            raise ControlPlaneError(f"{self.name} has not been started")
        self._processes["kube-apiserver"].send(signal.SIGCONT)
        if not self.running:
            self.restart()
        for node in self.nodes:
            self._restore_node(node)
        leftovers = cleaning.clean(self.api, self._baseline)
        if leftovers:
            raise ControlPlaneError(f"{self.name} could not be cleaned; left over: {', '.join(leftovers)}")

    # --- private ---

    @property
    def _known_ports(self) -> Ports:
        if self._ports is None:
            raise ControlPlaneError(f"{self.name} has not been started")
        return self._ports

    def _environment(self, **extra: str) -> dict[str, str]:
        # Nothing of the caller's environment may reach them: no proxy, no kubeconfig, no feature gates.
        return {"PATH": os.environ.get("PATH", ""), "HOME": str(self.directory), **extra}

    def _define_processes(self) -> None:
        commands = components.commands(self._known_ports, self.directory, audit=self._audit)
        self._processes = {
            name: Process(
                name,
                (str(self.binaries.path(name)), *arguments),
                self.directory / f"{name}.log",
                env=self._environment(),
                tethered=self._tethered,
            )
            for name, arguments in commands.items()
        }

    def _start_processes(self) -> None:
        self._processes["etcd"].start()
        self._processes["kube-apiserver"].start()
        key = components.server_key(self.directory)
        self._until("the API server has made its certificate", key.exists)
        self._write_kubeconfigs()
        self._until("the API server is ready", self._is_ready)
        for name in ("kube-controller-manager", "kube-scheduler", "kwok"):
            self._processes[name].start()

    def _write_kubeconfigs(self) -> None:
        for user, token in self._tokens.items():
            self.write_kubeconfig(components.kubeconfig(self.directory, user), token=token)
        self._api = Api(port=self._known_ports.apiserver, ca_file=self.ca_file, token=self._tokens["witness"])

    def _create_nodes(self) -> None:
        for node in self.nodes:
            self._post_node(node)
        storage_class = {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": "standard",
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": "volumes.controlplane.test",
        }
        answer = self.api.request("POST", "/apis/storage.k8s.io/v1/storageclasses", storage_class)
        if answer.status != 201:
            raise ControlPlaneError(f"{self.name}: the storage class was refused: {answer.text[:300]}")

    def _post_node(self, node: Node) -> None:
        answer = self.api.request("POST", "/api/v1/nodes", node.document())
        if answer.status != 201:
            raise ControlPlaneError(f"{self.name}: node {node.name} was refused: {answer.text[:300]}")

    def _restore_node(self, node: Node) -> None:
        wanted = node.document()
        answer = self.api.request("GET", f"/api/v1/nodes/{node.name}")
        if answer.status == 404:
            self.add_node(node)
            return
        live = answer.json
        changed = (
            live["metadata"].get("labels", {}) != wanted["metadata"]["labels"]
            or nodes.own_taints(live) != wanted["spec"]["taints"]
            or live["spec"].get("unschedulable", False) != node.unschedulable
        )
        if live["spec"].get("unschedulable") and not node.unschedulable:
            # Otherwise the taint for it might come after all was put back.
            self._until(
                f"node {node.name} is tainted as cordoned", partial(self._is, node.name, nodes.is_cordoned)
            )
        if changed:
            removed = {
                key: None
                for key in live["metadata"].get("labels", {})
                if key not in wanted["metadata"]["labels"]
            }
            patch = {
                "metadata": {"labels": {**removed, **wanted["metadata"]["labels"]}},
                "spec": {
                    "taints": wanted["spec"]["taints"] or None,
                    "unschedulable": node.unschedulable or None,
                },
            }
            self.api.request(
                "PATCH", f"/api/v1/nodes/{node.name}", patch, content_type="application/merge-patch+json"
            )
        self._until_settled(node.name)

    def _wait_until_usable(self) -> None:
        for node in self.nodes:
            self._until_settled(node.name)
        for path in _OWN_OBJECTS:
            self._until(f"{path} exists", partial(self._answers, path))
        self._until("the range of service addresses is settled", self._has_a_settled_service_range)
        for name, port in self._known_ports.of_servers().items():
            # One whose port somebody has taken ends now, and not later under a test.
            self._until(f"{name} listens", partial(_listens, port))

    def _until_settled(self, node: str) -> None:
        self._until(f"node {node} is Ready, and its taints say so", partial(self._is, node, nodes.is_settled))

    def _is(self, node: str, condition: Callable[[Any], bool]) -> bool:
        answer = self.api.request("GET", f"/api/v1/nodes/{node}")
        return answer.status == 200 and condition(answer.json)

    def _has_a_settled_service_range(self) -> bool:
        """Its status is written last, by server-side apply: the one of the cluster's own that would be counted as ours."""
        return '"manager":"service-cidr-controller"' in self.api.request("GET", _SERVICE_RANGE).text

    def _answers(self, path: str) -> bool:
        return self.api.request("GET", path).status == 200

    def _is_ready(self) -> bool:
        return self.api.request("GET", "/readyz", timeout=5.0).status == 200

    def _until(self, what: str, condition: Callable[[], bool]) -> None:
        """Poll until the condition holds; give up when a process has ended or the deadline is over."""
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if condition():
                    return
            ended = [process for process in self._processes.values() if process.exit_code is not None]
            if ended:
                raise ControlPlaneError(f"{self.name}: waiting until {what}, but:\n{self.report()}")
            if time.monotonic() > deadline:
                tails = "\n".join(f"--- {each.name}\n{each.tail(10)}" for each in self._processes.values())
                raise ControlPlaneError(f"{self.name}: not within {_READY_SECONDS:g} s: {what}\n{tails}")
            time.sleep(0.05)


def _listens(port: int) -> bool:
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), 5.0)):
        return True


def start_all(planes: Sequence[ControlPlane]) -> None:
    """Start clusters side by side; when one fails (or somebody is impatient), all are stopped."""
    try:
        with ThreadPoolExecutor(max_workers=max(1, len(planes)), thread_name_prefix="start") as pool:
            for started in [pool.submit(plane.start) for plane in planes]:
                started.result()
    except BaseException:
        stop_all(planes)
        raise


def stop_all(planes: Sequence[ControlPlane]) -> None:
    """Stop clusters side by side."""
    with ThreadPoolExecutor(max_workers=max(1, len(planes)), thread_name_prefix="stop") as pool:
        list(pool.map(ControlPlane.stop, planes))
