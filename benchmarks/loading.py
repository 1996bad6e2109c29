"""Reading and writing manifests: documents a second, against the bare C parser and the C JSON writer on the same bytes.

Two floors of reading: libyaml's scan alone (no value is made), and its events as PyYAML hands them over. With the
collector off, as the renderer runs. The documents are a third each of Deployments, Services and ConfigMaps.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

import orjson
from yaml._yaml import CParser

from reconciler.manifests.emit import emit
from reconciler.manifests.load import load

DOCUMENTS = 3_000
_ROUNDS = 5

Row = dict[str, Any]


def scenarios() -> list[tuple[str, Callable[[], list[Row]]]]:
    """The scenarios of this file by name; each gives rows: scenario, value, unit, floor, ratio."""
    return [("load", _load), ("emit", _emit)]


def run() -> list[Row]:
    """All rows of this file."""
    return [row for _, scenario in scenarios() for row in scenario()]


def _load() -> list[Row]:
    texts = [emit(body) for body in _bodies()]
    # A file of many documents, with comments.
    file = b"---\n".join(b"# a comment\n" + text for text in texts[:1_000])
    value, together, scanned, events = _rates(
        (texts, len(texts), lambda text: load(text, "x.yaml")),
        ([file], 1_000, lambda text: load(text, "x.yaml")),
        (texts, len(texts), lambda text: CParser(text).raw_parse()),
        (texts, len(texts), _events),
    )
    megabytes = sum(map(len, texts)) / len(texts) / 1e6
    return [
        _row("load, against libyaml's scan", value, "documents/s", scanned),
        _row("load, against libyaml's events", value, "documents/s", events),
        _row("load, megabytes", value * megabytes, "MB/s", scanned * megabytes),
        _row("load, one file of 1,000", together, "documents/s", scanned),
    ]


def _emit() -> list[Row]:
    bodies = _bodies()
    value, floor = _rates(
        (bodies, len(bodies), emit),
        (bodies, len(bodies), lambda body: orjson.dumps(body, option=orjson.OPT_SORT_KEYS)),
    )
    return [_row("emit, against the C JSON writer", value, "documents/s", floor)]


def _row(scenario: str, value: float, unit: str, floor: float) -> Row:
    """Rates: the ratio says how many times slower than the floor."""
    return {"scenario": scenario, "value": value, "unit": unit, "floor": floor, "ratio": floor / value}


def _events(text: bytes) -> None:
    parser = CParser(text)
    while parser.check_event():
        parser.get_event()


def _rates(*works: tuple[list[Any], int, Callable[[Any], object]]) -> list[float]:
    """Documents a second of processor time for each (inputs, documents, work): the best of some rounds, taken in turn.

    Processor time and turns, because value and floor must meet the same machine.
    """
    best = [0.0] * len(works)
    gc.collect()
    gc.disable()
    try:
        for _ in range(_ROUNDS):
            for index, (inputs, count, work) in enumerate(works):
                started = time.process_time()
                for one in inputs:
                    work(one)
                best[index] = max(best[index], count / (time.process_time() - started))
    finally:
        gc.enable()
    return best


def _bodies() -> list[dict[str, Any]]:
    kinds = (_deployment, _service, _config_map)
    return [kinds[number % 3](number) for number in range(DOCUMENTS)]


def _metadata(number: int) -> dict[str, Any]:
    name = f"app-{number:05d}"
    labels = {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/part-of": "shop",
        "team": f"team-{number % 17}",
    }
    return {"name": name, "namespace": f"team-{number % 17}", "labels": labels}


def _deployment(number: int) -> dict[str, Any]:
    metadata = _metadata(number)
    container = {
        "name": "main",
        "image": f"registry.example.org/shop/app-{number % 97}:1.{number % 13}.0",
        "args": ["--listen=:8080", "--log-level=info", f"--shard={number}"],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "env": [{"name": f"OPTION_{index}", "value": f"value {number} {index}"} for index in range(6)],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 10},
        "securityContext": {"runAsNonRoot": True, "allowPrivilegeEscalation": False},
    }
    template = {"metadata": {"labels": metadata["labels"]}, "spec": {"containers": [container]}}
    selector = {"matchLabels": {"app.kubernetes.io/name": metadata["name"]}}
    spec = {"replicas": number % 7, "selector": selector, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def _service(number: int) -> dict[str, Any]:
    metadata = _metadata(number)
    ports = [
        {"name": name, "port": port, "targetPort": name} for name, port in (("http", 80), ("metrics", 9090))
    ]
    spec = {"selector": {"app.kubernetes.io/name": metadata["name"]}, "ports": ports, "type": "ClusterIP"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _config_map(number: int) -> dict[str, Any]:
    lines = "".join(f"option.{index} = {number * index}\n" for index in range(30))
    data = {
        "application.properties": lines,
        "mode": "production",
        "feature": "true",
        "greeting": "Hello: world",
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(number), "data": data}
