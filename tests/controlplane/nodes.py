"""Fake nodes: what the scheduler, and a reconciler that estimates, see of machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# kwok looks after the nodes that do not have this label with the value `stopped`.
HEARTBEAT_LABEL: Final = "controlplane.test/heartbeat"

# Taints that the control plane gives a node, after what it sees of it.
_GIVEN: Final = "node.kubernetes.io/"
_CORDONED: Final = f"{_GIVEN}unschedulable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One machine."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    capacity: Mapping[str, str] = field(
        default_factory=lambda: {"cpu": "64", "memory": "256Gi", "pods": "500", "ephemeral-storage": "1Ti"}
    )
    taints: tuple[Mapping[str, str], ...] = ()
    unschedulable: bool = False

    def document(self) -> dict[str, Any]:
        """The node as the API server takes it."""
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": {**_kubelet_labels(self.name), **self.labels}},
            "spec": {
                "taints": [dict(taint) for taint in self.taints],
                **({"unschedulable": True} if self.unschedulable else {}),
            },
            "status": {"capacity": dict(self.capacity)},
        }


def is_ready(live: Mapping[str, Any]) -> bool:
    """Whether a live node's Ready condition is True."""
    conditions = live.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def is_cordoned(live: Mapping[str, Any]) -> bool:
    """Whether the control plane has tainted it as one where nothing may be scheduled."""
    return _CORDONED in _given(live)


def is_settled(live: Mapping[str, Any]) -> bool:
    """Whether it is Ready and the taints that the control plane gives say no more and no less than that."""
    cordoned = {_CORDONED} if live["spec"].get("unschedulable") else set()
    return is_ready(live) and _given(live) == cordoned


def own_taints(live: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """Its taints but for those that the control plane gave it."""
    return [each for each in live["spec"].get("taints", []) if not each["key"].startswith(_GIVEN)]


def _given(live: Mapping[str, Any]) -> set[str]:
    keys = {each["key"] for each in live["spec"].get("taints", [])}
    return {key for key in keys if key.startswith(_GIVEN)}


def _kubelet_labels(name: str) -> dict[str, str]:
    """What a kubelet says of its machine; real manifests select nodes by it."""
    labels = {"kubernetes.io/hostname": name}
    for prefix in ("kubernetes.io", "beta.kubernetes.io"):
        labels |= {f"{prefix}/arch": "amd64", f"{prefix}/os": "linux"}
    return labels


THREE_NODES: Final = tuple(Node(name=f"node-{number}") for number in (1, 2, 3))
