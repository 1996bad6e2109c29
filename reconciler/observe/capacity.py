"""What a cluster has and uses: sums over nodes and pods, and nodes by grade (spec scheduling §1.3, §1.4).

Plain functions of lists as the API returns them; a malformed object is passed over, never an exception: what a member
cluster holds is not ours to trust.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from reconciler.model.cluster import NodeSummary, ResourceModel, ResourceSummary
from reconciler.model.quantity import Format, Quantity, parse_quantity

Object = Mapping[str, Any]


def node_summary(nodes: Iterable[Object]) -> NodeSummary:
    """How many nodes there are, and how many have the condition Ready True."""
    counted = [_is_ready(node) for node in nodes]
    return NodeSummary(total=len(counted), ready=sum(counted))


def resource_summary(
    nodes: Sequence[Object], pods: Sequence[Object], models: Sequence[ResourceModel]
) -> ResourceSummary:
    """Allocatable, allocated, allocating and nodes by grade.

    `allocated` counts pods that have a node and have not finished; `allocating` those without a node. Both count
    requests alone (limits are no default here) and their number as `pods`. `models` is the cluster's
    `spec.resourceModels`; empty turns the grades off.
    """
    allocatable: dict[str, Quantity] = {}
    for node in nodes:
        _add(allocatable, _quantities(_dig(node, "status", "allocatable")))
    allocated: dict[str, Quantity] = {}
    allocating: dict[str, Quantity] = {}
    used_by_node: dict[str, dict[str, Quantity]] = {}
    for pod in pods:
        node_name = _dig(pod, "spec", "nodeName")
        if _dig(pod, "status", "phase") in ("Succeeded", "Failed"):
            continue
        request = {**pod_request(pod), "pods": Quantity(Fraction(1))}
        if node_name:
            _add(allocated, request)
            _add(used_by_node.setdefault(str(node_name), {}), request)
        else:
            _add(allocating, request)
    return ResourceSummary(
        allocatable=_sorted(allocatable),
        allocated=_sorted(allocated),
        allocating=_sorted(allocating),
        modelings=_grades(nodes, used_by_node, models),
    )


def pod_request(pod: Object) -> dict[str, Quantity]:
    """Per resource: the sum over containers, at least each init container's, plus overhead."""
    spec = _dig(pod, "spec") or {}
    total: dict[str, Quantity] = {}
    for container in _list(spec, "containers"):
        _add(total, _quantities(_dig(container, "resources", "requests")))
    for container in _list(spec, "initContainers"):
        for name, quantity in _quantities(_dig(container, "resources", "requests")).items():
            if name not in total or total[name].amount < quantity.amount:
                total[name] = quantity
    _add(total, _quantities(_dig(spec, "overhead")))
    return total


def _grades(
    nodes: Sequence[Object],
    used_by_node: Mapping[str, Mapping[str, Quantity]],
    models: Sequence[ResourceModel],
) -> tuple[tuple[int, int], ...]:
    if not models:
        return ()
    names = [range_.name for range_ in models[0].ranges]
    floors = {
        name: [next(r.min.amount for r in model.ranges if r.name == name) for model in models]
        for name in names
    }
    counts = [0] * len(models)
    for node in nodes:
        used = used_by_node.get(str(_dig(node, "metadata", "name") or ""), {})
        free = {
            name: quantity.amount - (used[name].amount if name in used else 0)
            for name, quantity in _quantities(_dig(node, "status", "allocatable")).items()
        }
        # Karmada stops at the first node without a free pod slot; ours skips that node alone (spec §1.4 Rule).
        if free.get("pods", Fraction(0)) <= 0:
            continue
        index = min(bisect_right(floors[name], free.get(name, Fraction(0))) - 1 for name in names)
        if index >= 0:
            counts[index] += 1
    return tuple((model.grade, count) for model, count in zip(models, counts, strict=True))


def _is_ready(node: Object) -> bool:
    conditions = _list(_dig(node, "status") or {}, "conditions")
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _quantities(raw: Any) -> dict[str, Quantity]:
    result = {}
    if isinstance(raw, Mapping):
        for name, text in raw.items():
            try:
                result[str(name)] = parse_quantity(text)
            except (ValueError, TypeError):
                continue
    return result


def _add(total: dict[str, Quantity], more: Mapping[str, Quantity]) -> None:
    for name, quantity in more.items():
        old = total.get(name)
        # A sum is written as its first operand was, as Kubernetes does.
        total[name] = Quantity(old.amount + quantity.amount, old.format) if old else quantity


def _sorted(quantities: Mapping[str, Quantity]) -> dict[str, Quantity]:
    return {
        name: quantities[name] if quantities[name].amount else Quantity(Fraction(0), Format.DECIMAL_SI)
        for name in sorted(quantities)
    }


def _dig(value: Any, *path: str) -> Any:
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _list(value: Any, key: str) -> list[Mapping[str, Any]]:
    items = value.get(key) if isinstance(value, Mapping) else None
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
