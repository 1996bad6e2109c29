"""FederatedHPA (spec scheduling 6.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.fleet import names
from reconciler.fleet.finding import FieldPath, Finding, quoted
from reconciler.fleet.validate import selectors
from reconciler.model.quantity import parse_quantity

_SOURCES: Final[Mapping[str, str]] = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
}
_TARGETS: Final[Mapping[str, str]] = {
    "Utilization": "averageUtilization",
    "Value": "value",
    "AverageValue": "averageValue",
}
_TARGETS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "resource": ("Utilization", "AverageValue"),
    "containerResource": ("Utilization", "AverageValue"),
    "pods": ("AverageValue",),
    "object": ("Value", "AverageValue"),
}
_LONGEST_PERIOD: Final = 1800
_LONGEST_WINDOW: Final = 3600

Body = Mapping[str, Any]


def check(body: Body) -> Iterator[Finding]:
    """Everything of one autoscaler."""
    spec: Body = body["spec"]
    least, most = spec.get("minReplicas"), spec["maxReplicas"]
    if least is not None and least < 1:
        yield _finding(("spec", "minReplicas"), "minReplicas must be at least 1")
    if most < 1:
        yield _finding(("spec", "maxReplicas"), "maxReplicas must be at least 1")
    elif most < (1 if least is None else least):
        yield _finding(("spec", "maxReplicas"), f"maxReplicas {most} is below minReplicas {least}")
    for field in ("kind", "name"):
        if not names.is_path_segment(spec["scaleTargetRef"][field]):
            yield _finding(("spec", "scaleTargetRef", field), f"scaleTargetRef.{field} must be a name")
    for index, metric in enumerate(spec.get("metrics") or ()):
        yield from _metric(metric, ("spec", "metrics", index))
    for side in ("scaleUp", "scaleDown"):
        rules = (spec.get("behavior") or {}).get(side)
        if rules is not None:
            yield from _behavior(rules, ("spec", "behavior", side))


def _metric(metric: Body, path: FieldPath) -> Iterator[Finding]:
    kind = metric["type"]
    source = _SOURCES.get(kind)
    if source is None:
        yield _finding(
            (*path, "type"), f"{quoted(kind)} is no type of metric; allowed: {', '.join(_SOURCES)}"
        )
        return
    for other in (*_SOURCES.values(), "external"):
        if other != source and metric.get(other) is not None:
            yield _finding((*path, other), f"{other} does not belong to a metric of type {kind}")
    given = metric.get(source)
    if given is None:
        yield _finding(path, f"a metric of type {kind} needs {source}")
        return
    if given.get("metric") is not None:
        yield from selectors.label_selector(
            given["metric"].get("selector"), (*path, source, "metric", "selector")
        )
    yield from _target(given["target"], source, (*path, source, "target"))


def _target(target: Body, source: str, path: FieldPath) -> Iterator[Finding]:
    kind = target["type"]
    if kind not in _TARGETS_OF[source]:
        allowed = ", ".join(_TARGETS_OF[source])
        yield _finding((*path, "type"), f"{quoted(kind)} is no type of target here; allowed: {allowed}")
        return
    for other, field in _TARGETS.items():
        value = target.get(field)
        if (value is not None) != (other == kind):
            words = f"a target of type {kind} " + (f"needs {field}" if value is None else f"takes no {field}")
            yield _finding(path if value is None else (*path, field), words)
        elif value is not None and (value if isinstance(value, int) else parse_quantity(value).amount) <= 0:
            yield _finding((*path, field), f"{field} must be positive")


def _behavior(rules: Body, path: FieldPath) -> Iterator[Finding]:
    window = rules.get("stabilizationWindowSeconds")
    if window is not None and not 0 <= window <= _LONGEST_WINDOW:
        yield _finding(
            (*path, "stabilizationWindowSeconds"), f"the window must be 0 to {_LONGEST_WINDOW} seconds"
        )
    if rules.get("selectPolicy") not in (None, "Max", "Min", "Disabled"):
        yield _finding((*path, "selectPolicy"), "selectPolicy must be Max, Min or Disabled")
    if not rules.get("policies"):
        yield _finding(path, "at least one policy is needed")
    for index, policy in enumerate(rules.get("policies") or ()):
        at = (*path, "policies", index)
        if policy["type"] not in ("Pods", "Percent"):
            yield _finding((*at, "type"), f"{quoted(policy['type'])} must be Pods or Percent")
        if policy["value"] <= 0:
            yield _finding((*at, "value"), "value must be positive")
        if not 0 < policy["periodSeconds"] <= _LONGEST_PERIOD:
            yield _finding((*at, "periodSeconds"), f"periodSeconds must be 1 to {_LONGEST_PERIOD}")


def _finding(path: FieldPath, message: str) -> Finding:
    return Finding(code="R264", path=path, message=message)
