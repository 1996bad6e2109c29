"""Rendering passes over 2,000 templates on 50 clusters: cold, nothing changed, one file changed.

A pass is what the loop does with a commit before Git is written: assemble the fleet, then render, with the memory of the last
pass. The floor is what cannot be left out: parse the bytes that are new once with the bare C scanner, then hash and store the
distinct bytes that come of it once. Run with the collector off, as the renderer runs.
"""

from __future__ import annotations

import gc
import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from yaml._yaml import CParser

from reconciler.fleet.assemble import assemble
from reconciler.manifests.emit import emit
from reconciler.model.cluster import ApiResources, ClusterStatus, Condition
from reconciler.model.fleet import Source, SourceFile
from reconciler.model.observation import ClusterReport, Observation
from reconciler.model.tree import PreviousRender, Rendered
from reconciler.render.memo import Memo
from reconciler.render.render import render
from reconciler.render.tree import previous_of, tree_digest

TEMPLATES, CLUSTERS, TEAMS, REGIONS = 2_000, 50, 40, 4
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_NAMES = tuple(f"member-{number:02d}" for number in range(CLUSTERS))

Row = dict[str, Any]


def scenarios() -> list[tuple[str, Callable[[], list[Row]]]]:
    """The scenarios of this file by name; each gives rows: scenario, value, unit, floor, ratio."""
    return [("cold", _cold), ("no-op and one-file pass", _warm), ("digest", _digest)]


class _Pass:
    """A loop's memory, and a repository that changes."""

    def __init__(self) -> None:
        self.files = _repository()
        self.fleet_memo: dict[tuple[str, ...], Any] = {}
        self.memo = Memo()
        self.previous = PreviousRender()
        self.observation = Observation(
            clusters={name: ClusterReport(name=name, status=_status()) for name in _NAMES}
        )

    def run(self) -> tuple[float, Rendered]:
        """Seconds of a pass, and its result."""
        source = Source(commit="", time=_NOW, files=tuple(self.files.values()))
        started = time.perf_counter()
        fleet = assemble(source, memo=self.fleet_memo)
        rendered = render(fleet, self.observation, self.previous, _NOW, memo=self.memo)
        seconds = time.perf_counter() - started
        if fleet.problems or rendered.problems or not rendered.complete:
            raise RuntimeError(
                f"the fleet of the benchmark is not sound: {fleet.problems or rendered.problems}"
            )
        return seconds, rendered

    def commit(self, rendered: Rendered) -> None:
        """What the next pass finds: unchanged bindings are the values that it knows."""
        kept = self.previous.bindings
        bindings = {
            id_: kept[id_] if kept.get(id_) == binding else binding
            for id_, binding in rendered.bindings.items()
        }
        self.previous = replace(previous_of(rendered), bindings=bindings)


def _cold() -> list[Row]:
    values = []
    for _ in range(3):
        with _collector_off():
            one = _Pass()
            seconds, rendered = one.run()
        values.append(seconds)
    distinct = [variant.data for variant in rendered.tree.variants] + list(rendered.tree.bindings.values())
    floor = _floor([file.data for file in one.files.values()], distinct)
    name = f"render: {TEMPLATES} templates x {CLUSTERS} clusters, cold"
    return [_row(name, statistics.median(values), floor)]


def _warm() -> list[Row]:
    one = _Pass()
    nothing, changed, scaled, nothing_floor, changed_floor, scaled_floor = [], [], [], [], [], []
    with _collector_off():
        for _ in range(2):
            _, rendered = one.run()
            one.commit(rendered)
        one.run()
        for turn in range(9):
            nothing.append(one.run()[0])
            nothing_floor.append(_compare(one.files))
            for times, floors, change in (
                (changed, changed_floor, {"image": f"app:{turn}"}),
                (scaled, scaled_floor, {"replicas": 7 + turn}),
            ):
                path = f"apps/team-{turn:02d}/app-{turn:04d}.yaml"
                one.files[path] = _file(path, emit(_deployment(turn, **change)))
                before = _contents(rendered)
                seconds, rendered = one.run()
                times.append(seconds)
                floors.append(_floor([one.files[path].data], list(_contents(rendered) - before)))
                one.commit(rendered)
                one.run()
    size = f"{TEMPLATES} templates x {CLUSTERS} clusters"
    return [
        _row(f"render: no-op pass, {size}", statistics.median(nothing), statistics.median(nothing_floor)),
        _row(
            f"render: one-file pass (image), {size}",
            statistics.median(changed),
            statistics.median(changed_floor),
        ),
        _row(
            f"render: one-file pass (replicas), {size}",
            statistics.median(scaled),
            statistics.median(scaled_floor),
        ),
    ]


def _digest() -> list[Row]:
    _, rendered = _Pass().run()
    values = []
    with _collector_off():
        for _ in range(9):
            started = time.perf_counter()
            tree_digest(rendered.tree)
            values.append(time.perf_counter() - started)
    contents = [variant.data for variant in rendered.tree.variants] + list(rendered.tree.bindings.values())
    started = time.perf_counter()
    for data in contents:
        hashlib.sha256(data).digest()
    return [_row("render: digest of a tree", statistics.median(values), time.perf_counter() - started)]


# ---- Floors


def _floor(texts: list[bytes], contents: list[bytes]) -> float:
    """Seconds to scan `texts`, and to hash and store `contents`, each once and durably."""
    with tempfile.TemporaryDirectory() as directory:
        started = time.perf_counter()
        for text in texts:
            CParser(text).raw_parse()
        for data in contents:
            hashlib.sha1(data, usedforsecurity=False).digest()
        handle = os.open(Path(directory) / "file", os.O_CREAT | os.O_WRONLY)
        os.write(handle, b"".join(contents))
        os.fsync(handle)
        os.close(handle)
        return time.perf_counter() - started


def _compare(files: dict[str, SourceFile]) -> float:
    """Seconds to see that no file has another id than before: the least that a pass with a list of files must do."""
    known = {path: file.oid for path, file in files.items()}
    started = time.perf_counter()
    if any(known.get(path) != file.oid for path, file in files.items()):
        raise RuntimeError("equal files differ")
    return time.perf_counter() - started


def _contents(rendered: Rendered) -> set[bytes]:
    return {variant.data for variant in rendered.tree.variants} | set(rendered.tree.bindings.values())


class _collector_off:  # noqa: N801 - used as a statement
    def __enter__(self) -> None:
        gc.collect()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        gc.enable()


def _row(scenario: str, seconds: float, floor: float) -> Row:
    return {
        "scenario": scenario,
        "value": seconds * 1000,
        "unit": "ms",
        "floor": floor * 1000,
        "ratio": seconds / floor,
    }


# ---- The fleet


def _repository() -> dict[str, SourceFile]:
    """Half Deployments and half ConfigMaps in the namespaces of teams; a third of the teams divide their replicas."""
    bodies: dict[str, bytes] = {}
    for number, name in enumerate(_NAMES):
        bodies[f"clusters/{name}.yaml"] = emit(_cluster(name, number))
    for number in range(TEMPLATES):
        team = f"team-{number % TEAMS:02d}"
        body = _config_map(number) if number % 2 else _deployment(number)
        bodies[f"apps/{team}/app-{number:04d}.yaml"] = emit(body)
    for team in range(TEAMS):
        bodies[f"policies/team-{team:02d}.yaml"] = emit(_policy(team))
    for region in range(REGIONS):
        bodies[f"overrides/region-{region}.yaml"] = emit(_override(region))
    return {path: _file(path, data) for path, data in bodies.items()}


def _file(path: str, data: bytes) -> SourceFile:
    return SourceFile(path=path, data=data, oid=hashlib.sha1(data, usedforsecurity=False).hexdigest())


def _deployment(number: int, *, image: str = "app:1", replicas: int = 6) -> dict[str, Any]:
    name = f"app-{number:04d}"
    container = {
        "name": "app",
        "image": f"registry.example.com/{image}",
        "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
        "env": [{"name": f"KEY_{each}", "value": f"value {number} {each}"} for each in range(8)],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": f"team-{number % TEAMS:02d}", "labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    }


def _config_map(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"app-{number:04d}", "namespace": f"team-{number % TEAMS:02d}"},
        "data": {f"key-{each}": f"value {number} {each}" for each in range(20)},
    }


def _cluster(name: str, number: int) -> dict[str, Any]:
    return {
        "apiVersion": "cluster.karmada.io/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": name},
        "spec": {"syncMode": "Push", "region": f"region-{number % REGIONS}"},
    }


def _policy(team: int) -> dict[str, Any]:
    kind = "Divided" if team % 3 == 0 else "Duplicated"
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "PropagationPolicy",
        "metadata": {"name": "team", "namespace": f"team-{team:02d}"},
        "spec": {
            "resourceSelectors": [
                {"apiVersion": "apps/v1", "kind": "Deployment"},
                {"apiVersion": "v1", "kind": "ConfigMap"},
            ],
            "placement": {"replicaScheduling": {"replicaSchedulingType": kind}},
        },
    }


def _override(region: int) -> dict[str, Any]:
    expression = {"key": "region", "operator": "In", "values": [f"region-{region}"]}
    registry = {"component": "Registry", "operator": "replace", "value": f"region-{region}.example.com"}
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "ClusterOverridePolicy",
        "metadata": {"name": f"region-{region}"},
        "spec": {
            "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}],
            "overrideRules": [
                {
                    "targetCluster": {"fieldSelector": {"matchExpressions": [expression]}},
                    "overriders": {"imageOverrider": [registry]},
                }
            ],
        },
    }


def _status() -> ClusterStatus:
    kinds = {"v1": ("ConfigMap", "Namespace", "Secret", "Service"), "apps/v1": ("Deployment",)}
    return ClusterStatus(
        conditions=(
            Condition(type="Ready", status="True"),
            Condition(type="CompleteAPIEnablements", status="True"),
        ),
        api_enablements=tuple(
            ApiResources(group_version=version, kinds=frozenset(names))
            for version, names in sorted(kinds.items())
        ),
    )
