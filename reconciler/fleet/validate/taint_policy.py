"""ClusterTaintPolicy (spec scheduling 5.2). NoExecute stays refused, as in Karmada without its extra switch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.fleet import names
from reconciler.fleet.finding import FieldPath, Finding, quoted
from reconciler.fleet.validate import selectors

Body = Mapping[str, Any]


def check(body: Body) -> Iterator[Finding]:
    """Everything of one policy."""
    spec: Body = body["spec"]
    yield from selectors.cluster_affinity(spec.get("targetClusters"), ("spec", "targetClusters"))
    for field in ("addOnConditions", "removeOnConditions"):
        for index, condition in enumerate(spec.get(field) or ()):
            if condition["operator"] not in ("In", "NotIn"):
                yield _finding(
                    ("spec", field, index, "operator"),
                    f"{quoted(condition['operator'])} is no operator of a condition; allowed: In, NotIn",
                )
    seen: dict[tuple[str, str], int] = {}
    for index, taint in enumerate(spec["taints"]):
        at: FieldPath = ("spec", "taints", index)
        key, effect = taint["key"], taint["effect"]
        if not names.is_label_key(key):
            yield _finding((*at, "key"), f"{quoted(key)} is no taint key; it must be {names.LABEL_KEY}")
        if not names.is_label_value(taint.get("value") or ""):
            yield _finding((*at, "value"), f"{quoted(taint['value'])} must be {names.LABEL_VALUE}")
        if effect != "NoSchedule":
            yield _finding((*at, "effect"), f"{quoted(effect)} is not allowed here: NoSchedule alone is")
        if (key, effect) in seen:
            yield _finding(at, f"key and effect are those of entry {seen[(key, effect)]}")
        seen.setdefault((key, effect), index)


def _finding(path: FieldPath, message: str) -> Finding:
    return Finding(code="R262", path=path, message=message)
