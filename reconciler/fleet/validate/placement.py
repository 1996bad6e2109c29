"""Placement: groups of clusters, spread, tolerations, division (spec scheduling 2.3 and 3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.fleet import names
from reconciler.fleet.finding import FieldPath, Finding, quoted
from reconciler.fleet.validate import selectors

_TOLERATION_OPERATORS: Final = ("", "Exists", "Equal")
_AFFINITY_PARTS: Final = ("labelSelector", "fieldSelector", "clusterNames", "exclude")

Body = Mapping[str, Any]


def check(placement: Body, path: FieldPath) -> Iterator[Finding]:
    """Everything of one placement."""
    yield from _affinities(placement, path)
    yield from _spread(placement, path)
    yield from _tolerations(placement, path)
    yield from _division(placement, path)
    yield from _workload_affinity(placement.get("workloadAffinity") or {}, (*path, "workloadAffinity"))


def _affinities(placement: Body, path: FieldPath) -> Iterator[Finding]:
    single, terms = placement.get("clusterAffinity"), placement.get("clusterAffinities") or ()
    if single is not None and terms:
        yield Finding(
            code="R210",
            path=(*path, "clusterAffinities"),
            message="clusterAffinities stands beside clusterAffinity",
        )
    yield from selectors.cluster_affinity(single, (*path, "clusterAffinity"))
    has_overflow = _takes_overflow(placement.get("replicaScheduling"))
    taken: dict[str, int] = {}
    for index, term in enumerate(terms):
        at = (*path, "clusterAffinities", index)
        yield from selectors.cluster_affinity(term, at)
        name = term["affinityName"]
        yield from _affinity_name(
            name, (*at, "affinityName"), f"entry {taken[name]}" if name in taken else ""
        )
        taken.setdefault(name, index)
        overflow = term.get("overflowAffinities") or ()
        if overflow and not has_overflow:
            yield Finding(
                code="R211",
                path=(*at, "overflowAffinities"),
                message="overflowAffinities needs replicaScheduling with Aggregated, or Weighted with dynamicWeight",
            )
        yield from _overflow(name, overflow, (*at, "overflowAffinities"))


def _overflow(primary: str, overflow: Any, path: FieldPath) -> Iterator[Finding]:
    seen = {primary: "the group that it belongs to"}
    for index, entry in enumerate(overflow):
        at = (*path, index)
        name = entry["affinityName"]
        yield from selectors.cluster_affinity(entry, at)
        yield from _affinity_name(name, (*at, "affinityName"), seen.get(name, ""))
        seen.setdefault(name, f"overflow entry {index}")
        if not any(entry.get(part) for part in _AFFINITY_PARTS):
            yield Finding(code="R215", path=at, message=f"overflow group {quoted(name)} names no clusters")


def _affinity_name(name: str, path: FieldPath, taken_by: str) -> Iterator[Finding]:
    if not names.is_label_key(name):
        yield Finding(
            code="R214",
            path=path,
            message=f"{quoted(name)} is no name of a group; it must be {names.LABEL_KEY}",
        )
    if taken_by:
        yield Finding(code="R214", path=path, message=f"the name {quoted(name)} is taken by {taken_by}")


def _takes_overflow(scheduling: Body | None) -> bool:
    if scheduling is None or (scheduling.get("replicaSchedulingType") or "Divided") != "Divided":
        return False
    preference = scheduling.get("replicaDivisionPreference") or "Weighted"
    return preference == "Aggregated" or bool((scheduling.get("weightPreference") or {}).get("dynamicWeight"))


def _spread(placement: Body, path: FieldPath) -> Iterator[Finding]:
    constraints = placement.get("spreadConstraints") or ()
    is_moot = _makes_spread_moot(placement.get("replicaScheduling"))
    fields: dict[str, int] = {}
    for index, constraint in enumerate(constraints):
        at = (*path, "spreadConstraints", index)
        by_field, by_label = constraint.get("spreadByField") or "", constraint.get("spreadByLabel") or ""
        if by_field and by_label:
            yield Finding(
                code="R216", path=(*at, "spreadByLabel"), message="spreadByLabel stands beside spreadByField"
            )
        by_field = by_field or ("" if by_label else "cluster")
        if by_field in fields:
            yield Finding(
                code="R218",
                path=at,
                message=f"{by_field} is spread over twice",
                evidence=(f"the first is entry {fields[by_field]}",),
            )
        if by_field:
            fields.setdefault(by_field, index)
        yield from _groups(constraint, at)
        yield from _idle_spread(constraint, by_field, at, is_moot=is_moot)
    if fields and "cluster" not in fields:
        yield Finding(
            code="R219",
            path=(*path, "spreadConstraints"),
            message=f"a spread over {', '.join(fields)} needs a constraint on cluster beside it",
        )


def _groups(constraint: Body, path: FieldPath) -> Iterator[Finding]:
    least, most = constraint.get("minGroups") or 0, constraint.get("maxGroups") or 0
    for field, value in (("minGroups", least), ("maxGroups", most)):
        if value < 0:
            yield Finding(code="R217", path=(*path, field), message=f"{field} is negative")
    if 0 < most < (least or 1):
        yield Finding(
            code="R217", path=(*path, "maxGroups"), message=f"maxGroups {most} is below minGroups {least}"
        )


def _makes_spread_moot(scheduling: Body | None) -> bool:
    """Karmada: fixed weights go to every cluster that fits. An empty `weightPreference` is none of them."""
    if scheduling is None or (scheduling.get("replicaSchedulingType") or "Divided") != "Divided":
        return False
    if (scheduling.get("replicaDivisionPreference") or "Weighted") != "Weighted":
        return False
    weights = scheduling.get("weightPreference")
    return weights is None or bool(weights.get("staticWeightList") and not weights.get("dynamicWeight"))


def _idle_spread(constraint: Body, by_field: str, path: FieldPath, *, is_moot: bool) -> Iterator[Finding]:
    """What Karmada takes and does not do."""
    if by_field in ("cluster", "region") and not constraint.get("maxGroups") and not is_moot:
        yield Finding(code="R220", path=path, message=f"maxGroups is 0, so that no {by_field} is selected")
    if by_field in ("zone", "provider"):
        yield Finding(
            code="R221",
            path=(*path, "spreadByField"),
            message=f"a spread over {by_field} only keeps away clusters without one",
        )
    if not by_field:
        yield Finding(
            code="R221",
            path=(*path, "spreadByLabel"),
            message="a spread by label is not done; alone it makes scheduling fail",
        )


def _tolerations(placement: Body, path: FieldPath) -> Iterator[Finding]:
    for index, toleration in enumerate(placement.get("clusterTolerations") or ()):
        operator = toleration.get("operator") or ""
        if operator not in _TOLERATION_OPERATORS:
            yield Finding(
                code="R223",
                path=(*path, "clusterTolerations", index, "operator"),
                message=f"{quoted(operator)} is no operator of a toleration; allowed: Equal, Exists",
            )


def _division(placement: Body, path: FieldPath) -> Iterator[Finding]:
    scheduling = placement.get("replicaScheduling")
    if scheduling is None:
        return
    at = (*path, "replicaScheduling")
    kind = scheduling.get("replicaSchedulingType") or "Divided"
    preference = scheduling.get("replicaDivisionPreference")
    weights = scheduling.get("weightPreference")
    if weights is not None:
        for index, rule in enumerate(weights.get("staticWeightList") or ()):
            entry = (*at, "weightPreference", "staticWeightList", index, "targetCluster")
            yield from selectors.cluster_affinity(rule["targetCluster"], entry)
    if kind == "Duplicated":
        for field, value in (("replicaDivisionPreference", preference), ("weightPreference", weights)):
            if value:
                yield _moot(
                    (*at, field), f"{field} does nothing: Duplicated gives every cluster all replicas"
                )
        return
    if preference == "Aggregated" and weights:
        yield _moot(
            (*at, "weightPreference"), "weightPreference does nothing: Aggregated looks at free room alone"
        )
    elif (weights or {}).get("dynamicWeight") and (weights or {}).get("staticWeightList"):
        yield _moot(
            (*at, "weightPreference", "staticWeightList"),
            "staticWeightList does nothing beside dynamicWeight",
        )
    if placement.get("spreadConstraints") and _makes_spread_moot(scheduling):
        yield _moot(
            (*path, "spreadConstraints"),
            "spreadConstraints selects nothing: fixed weights go to every cluster that fits",
        )


def _moot(path: FieldPath, message: str) -> Finding:
    return Finding(code="R224", path=path, message=message)


def _workload_affinity(affinity: Body, path: FieldPath) -> Iterator[Finding]:
    keys = {}
    for side in ("affinity", "antiAffinity"):
        if affinity.get(side) is None:
            continue
        key = keys[side] = affinity[side]["groupByLabelKey"]
        if not names.is_label_key(key):
            yield Finding(
                code="R222",
                path=(*path, side, "groupByLabelKey"),
                message=f"{quoted(key)} is no label key; it must be {names.LABEL_KEY}",
            )
    if len(keys) > 1 and len(set(keys.values())) == 1:
        yield Finding(
            code="R222",
            path=(*path, "antiAffinity", "groupByLabelKey"),
            message="affinity and antiAffinity use the same key: the group would have to be together and apart",
        )
