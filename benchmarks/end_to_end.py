"""From `git commit` to the last object in the last of three real API servers: one object at a time, and 500 at once.

The clock starts before `git commit` and stops when a watch on each API server has shown the object. The reconciler is the real
process with a local repository. The floor does the same commits and pushes and then writes the same objects with a bare HTTP client,
as one would who knew everything beforehand. Client, servers and reconciler share the machine's cores.

Karmada's figures, beside three members on such a machine: from creation in the hub to the last member.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import yaml

from tests.controlplane import ControlPlane, binaries, eventually, start_all, stop_all

CLUSTERS, SINGLE, BURST, BURSTS = 3, 100, 500, 3
PAUSE = 0.2
CONNECTIONS = 8
_NAMESPACE = "bench"
_KARMADA = {"p50": 116.0, "p99": 417.0, "burst": 65.0}

Row = dict[str, Any]


def scenarios() -> list[tuple[str, Callable[[], list[Row]]]]:
    """The scenarios of this file by name; each gives rows: scenario, value, unit, floor, ratio."""
    return [("commit to last object", run)]


def run() -> list[Row]:
    """All rows of this file, on three control planes of its own."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name, ExitStack() as stack:
        directory = Path(name)
        found = binaries(lambda line: print(line, file=sys.stderr))
        planes = [
            ControlPlane(f"member{number}", directory / f"member{number}", found, audit=False)
            for number in range(1, CLUSTERS + 1)
        ]
        start_all(planes)
        stack.callback(stop_all, planes)
        for plane in planes:
            plane.apply(json.dumps(_object("Namespace", "floor")))
        ours, least = _Line(directory / "ours", planes), _Line(directory / "floor", planes)
        least.commit({"README.md": "floor\n"})
        watches = [stack.enter_context(_watch(plane)) for plane in planes]
        bare = stack.enter_context(_Bare(planes))
        stack.enter_context(_reconciler(ours, planes, directory))
        single, single_floor = _one_at_a_time(ours, least, watches, bare)
        burst, burst_floor = _at_once(ours, least, watches, bare)
    return [
        _row("one ConfigMap at a time, p50", _share(single, 50) * 1e3, "ms", _share(single_floor, 50) * 1e3, "p50"),
        _row("one ConfigMap at a time, p99", _share(single, 99) * 1e3, "ms", _share(single_floor, 99) * 1e3, "p99"),
        _row(f"{BURST} ConfigMaps at once", burst, "s", burst_floor, "burst"),
    ]  # fmt: skip


def _one_at_a_time(
    ours: _Line, least: _Line, watches: list[_Watch], bare: _Bare
) -> tuple[list[float], list[float]]:
    """Seconds of each commit, ours and the floor's in turns."""
    times, floors = [], []
    for number in range(SINGLE):
        name = f"one-{number}"
        began = time.perf_counter()
        ours.commit({f"apps/{name}.yaml": _config_map(name, _NAMESPACE)})
        times.append(_last(watches, _NAMESPACE, {name}) - began)
        time.sleep(PAUSE)
        began = time.perf_counter()
        least.commit({f"apps/{name}.yaml": _config_map(name, "floor")})
        bare.apply([name])
        floors.append(_last(watches, "floor", {name}) - began)
        time.sleep(PAUSE)
    return times, floors


def _at_once(ours: _Line, least: _Line, watches: list[_Watch], bare: _Bare) -> tuple[float, float]:
    """Median seconds of a commit with many objects."""
    times, floors = [], []
    for turn in range(BURSTS):
        names = [f"burst-{turn}-{number}" for number in range(BURST)]
        began = time.perf_counter()
        ours.commit({f"apps/{name}.yaml": _config_map(name, _NAMESPACE) for name in names})
        times.append(_last(watches, _NAMESPACE, set(names)) - began)
        time.sleep(5 * PAUSE)
        began = time.perf_counter()
        least.commit({f"apps/{name}.yaml": _config_map(name, "floor") for name in names})
        bare.apply(names)
        floors.append(_last(watches, "floor", set(names)) - began)
        time.sleep(5 * PAUSE)
    return statistics.median(times), statistics.median(floors)


class _Line:
    """A bare repository, and the clone of somebody who commits and pushes with the `git` command."""

    def __init__(self, directory: Path, planes: list[ControlPlane]) -> None:
        self.planes = planes
        self.bare, self.clone = directory / "fleet.git", directory / "clone"
        _git("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        _git("init", "--quiet", "--initial-branch=main", str(self.clone))
        for key, value in (("user.name", "Bench"), ("user.email", "bench@example.com"), ("gc.auto", "0")):
            _git("config", key, value, cwd=self.clone)
        _git("remote", "add", "origin", str(self.bare), cwd=self.clone)

    def commit(self, files: dict[str, str]) -> None:
        """Write, commit, push."""
        for path, text in files.items():
            place = self.clone / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        _git("add", "--all", cwd=self.clone)
        _git("commit", "--quiet", "--message", "change", cwd=self.clone)
        _git("push", "--quiet", "origin", "main", cwd=self.clone)


class _Watch:
    """When each ConfigMap of one cluster was first shown by its API server, by (namespace, name)."""

    def __init__(self, plane: ControlPlane) -> None:
        self.seen: dict[tuple[str, str], float] = {}
        self.news = threading.Condition()
        context = ssl.create_default_context(cafile=str(plane.ca_file))
        self._connection = http.client.HTTPSConnection("127.0.0.1", _port(plane), context=context)
        self._connection.request(
            "GET", "/api/v1/configmaps?watch=1", headers={"Authorization": f"Bearer {plane.token}"}
        )
        self._answer = self._connection.getresponse()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with suppress(OSError, ValueError, http.client.HTTPException, AttributeError):
            for line in self._answer:
                now = time.perf_counter()
                metadata = json.loads(line)["object"]["metadata"]
                with self.news:
                    self.seen.setdefault((metadata["namespace"], metadata["name"]), now)
                    self.news.notify_all()

    def last(self, namespace: str, names: set[str]) -> float:
        """When the last of these was shown."""
        wanted = {(namespace, name) for name in names}
        with self.news:
            if not self.news.wait_for(lambda: wanted <= self.seen.keys(), timeout=300):
                raise RuntimeError(f"{len(wanted - self.seen.keys())} objects did not come")
            return max(self.seen[key] for key in wanted)

    def close(self) -> None:
        if self._connection.sock is not None:
            with suppress(OSError):
                self._connection.sock.shutdown(2)
        self._connection.close()
        self._thread.join(5)


class _Bare:
    """Writes ConfigMaps to all clusters over kept connections, and nothing else."""

    def __init__(self, planes: list[ControlPlane]) -> None:
        self.planes = planes
        self._pool = ThreadPoolExecutor(len(planes) * CONNECTIONS)
        self._free: dict[str, list[http.client.HTTPSConnection]] = {plane.name: [] for plane in planes}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        for connections in self._free.values():
            for connection in connections:
                connection.close()

    def apply(self, names: list[str]) -> None:
        """Every name on every cluster."""
        shares = [names[start::CONNECTIONS] for start in range(min(CONNECTIONS, len(names)))]
        list(self._pool.map(lambda job: self._send(*job), itertools.product(self.planes, shares)))

    def _send(self, plane: ControlPlane, names: list[str]) -> None:
        with self._lock:
            connection = self._free[plane.name].pop() if self._free[plane.name] else None
        if connection is None:
            context = ssl.create_default_context(cafile=str(plane.ca_file))
            connection = http.client.HTTPSConnection("127.0.0.1", _port(plane), context=context)
        headers = {"Authorization": f"Bearer {plane.token}", "Content-Type": "application/apply-patch+yaml"}
        for name in names:
            path = f"/api/v1/namespaces/floor/configmaps/{name}?fieldManager=bare&force=true"
            connection.request("PATCH", path, body=_config_map(name, "floor"), headers=headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{name}: {answer.status}")
        with self._lock:
            self._free[plane.name].append(connection)


@contextmanager
def _watch(plane: ControlPlane) -> Iterator[_Watch]:
    watch = _Watch(plane)
    try:
        yield watch
    finally:
        watch.close()


@contextmanager
def _reconciler(line: _Line, planes: list[ControlPlane], directory: Path) -> Iterator[None]:
    """The real process, once every cluster stands at the first commit."""
    line.commit(
        {
            "apps/namespace.yaml": json.dumps(_object("Namespace", _NAMESPACE)),
            "policies/all.yaml": json.dumps(_policy()),
            **{f"clusters/{plane.name}.yaml": json.dumps(_cluster(plane.name)) for plane in planes},
        }
    )
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(json.dumps(_kubeconfig(planes)))
    words = ["run", f"--url={line.bare}", f"--kubeconfig={kubeconfig}", f"--data-dir={directory / 'data'}"]
    with (directory / "run.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", *words],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "RECONCILER_RUN_POLL_INTERVAL": "60"},
        )
    try:
        eventually("every cluster stands at the first commit", lambda: _settled(line.bare), within=120)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _settled(bare: Path) -> bool:
    shown = subprocess.run(
        ["git", "--git-dir", str(bare), "show", "reconciler/status:summary.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    summary = yaml.safe_load(shown.stdout) if shown.returncode == 0 else {}
    return bool(summary) and all(cluster.get("sync") == "Synced" for cluster in summary["clusters"])


def _last(watches: list[_Watch], namespace: str, names: set[str]) -> float:
    return max(watch.last(namespace, names) for watch in watches)


def _share(values: list[float], percent: int) -> float:
    """The value below which `percent` of them lie, by nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _row(scenario: str, value: float, unit: str, floor: float, karmada: str) -> Row:
    digits = 1 if unit == "ms" else 2
    return {
        "scenario": f"end to end: {scenario}",
        "value": round(value, digits),
        "unit": unit,
        "floor": round(floor, digits),
        "ratio": round(value / floor, 2),
        "karmada": _KARMADA[karmada],
    }


def _port(plane: ControlPlane) -> int:
    return int(plane.server.rpartition(":")[2])


def _config_map(name: str, namespace: str) -> str:
    body = _object("ConfigMap", name, namespace)
    body["data"] = {f"key-{number}": f"value {number} of {name}" for number in range(8)}
    return json.dumps(body)


def _object(kind: str, name: str, namespace: str = "") -> Row:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
    }


def _policy() -> Row:
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "ClusterPropagationPolicy",
        "metadata": {"name": "all"},
        "spec": {"resourceSelectors": [{"apiVersion": "v1", "kind": "ConfigMap"}], "placement": {}},
    }


def _cluster(name: str) -> Row:
    return {
        "apiVersion": "cluster.karmada.io/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": name},
        "spec": {"syncMode": "Push"},
    }


def _kubeconfig(planes: list[ControlPlane]) -> Row:
    authority = {plane.name: base64.b64encode(plane.ca_file.read_bytes()).decode() for plane in planes}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": p.name, "cluster": {"server": p.server, "certificate-authority-data": authority[p.name]}}
            for p in planes
        ],
        "users": [{"name": p.name, "user": {"token": p.token}} for p in planes],
        "contexts": [{"name": p.name, "context": {"cluster": p.name, "user": p.name}} for p in planes],
    }


def _git(*words: str, cwd: Path | None = None) -> None:
    subprocess.run(["git", *words], cwd=cwd, check=True, capture_output=True)
