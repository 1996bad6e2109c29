"""What a policy asks of the fleet's clusters and cannot get, whatever is observed of them (spec scheduling 3.2, 3.5, 4.8).

Says only what is certain from the documents: labels, names, regions, zones, providers and resource models. Taints, APIs and
free capacity come and go, and are the scheduler's to speak of. Silent where a Cluster may exist that could not be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from reconciler.fleet.finding import FieldPath, Finding, quoted
from reconciler.interpreter.registry import NATIVE
from reconciler.interpreter.rules import InterpretationError
from reconciler.model.cluster import Cluster, ResourceModel
from reconciler.model.fleet import Fleet
from reconciler.model.manifest import Manifest
from reconciler.model.policy import DivisionStrategy, Placement, PropagationPolicy, SpreadConstraint
from reconciler.model.selector import ClusterAffinity
from reconciler.policy.precedence import index_policies
from reconciler.scheduler.registry import DEFAULT_SCHEDULER
from reconciler.scheduler.replicas.divide import strategy_of
from reconciler.scheduler.replicas.estimate import is_counted_by_grade
from reconciler.selectors.clusters import matches_cluster

Found = tuple[Manifest, Finding]

_PLACEMENT: Final = ("spec", "placement")
_BY_CAPACITY: Final = (DivisionStrategy.DYNAMIC_WEIGHT, DivisionStrategy.AGGREGATED)
_POD_TEMPLATE: Final = ("spec", "template", "spec")
_PODS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("apps", "Deployment"): _POD_TEMPLATE,
    ("apps", "ReplicaSet"): _POD_TEMPLATE,
    ("apps", "StatefulSet"): _POD_TEMPLATE,
    ("batch", "Job"): _POD_TEMPLATE,
    ("", "Pod"): ("spec",),
}


def check(fleet: Fleet) -> Iterator[Found]:
    """What no cluster of the fleet can give. Nothing where the fleet has no cluster, or one that is not understood."""
    living = tuple(cluster for cluster in fleet.clusters if cluster.deletion_timestamp is None)
    if not living or fleet.unreadable or any(each.id.kind == "Cluster" for each in fleet.refused):
        return
    clusters = _Clusters(living)
    for policy in fleet.propagation_policies:
        if policy.manifest is None or policy.scheduler_name != DEFAULT_SCHEDULER:
            continue
        placement = policy.placement
        for check_ in (_empty, _spread, _weights):
            yield from ((policy.manifest, finding) for finding in check_(placement, clusters))
    yield from _models(fleet, clusters)


class _Clusters:
    """The clusters that are not being deleted, and the members of each group that anybody asked for, found once."""

    def __init__(self, clusters: tuple[Cluster, ...]) -> None:
        self.all = clusters
        self.names = frozenset(cluster.name for cluster in clusters)
        self._members: dict[tuple[ClusterAffinity | None, ...], tuple[Cluster, ...]] = {}

    def matching(self, *affinities: ClusterAffinity | None) -> tuple[Cluster, ...]:
        """Those that any of the affinities selects."""
        if affinities not in self._members:
            self._members[affinities] = _matching(self.all, *affinities)
        return self._members[affinities]

    def groups(self, placement: Placement) -> list[tuple[Cluster, ...]]:
        """The members of each group of a placement, overflow included."""
        if placement.cluster_affinity is not None or not placement.cluster_affinities:
            return [self.matching(placement.cluster_affinity)]
        return [
            self.matching(term.affinity, *(entry.affinity for entry in term.overflow_affinities))
            for term in placement.cluster_affinities
        ]

    def members(self, placement: Placement) -> tuple[Cluster, ...]:
        """Everything that a placement may use."""
        return tuple({each.name: each for group in self.groups(placement) for each in group}.values())


def _matching(clusters: Iterable[Cluster], *affinities: ClusterAffinity | None) -> tuple[Cluster, ...]:
    return tuple(each for each in clusters if any(matches_cluster(affinity, each) for affinity in affinities))


# ---- Groups that are empty


def _empty(placement: Placement, clusters: _Clusters) -> Iterator[Finding]:
    for path, affinity in _stated(placement):
        # A name that is not there is said where it stands (R230).
        are_strangers = affinity.cluster_names and clusters.names.isdisjoint(affinity.cluster_names)
        if not are_strangers and not clusters.matching(affinity):
            yield Finding(code="R231", path=path, message="no cluster of the fleet is in this group")


def _stated(placement: Placement) -> Iterator[tuple[FieldPath, ClusterAffinity]]:
    if placement.cluster_affinity is not None:
        yield (*_PLACEMENT, "clusterAffinity"), placement.cluster_affinity
    for index, term in enumerate(placement.cluster_affinities):
        at = (*_PLACEMENT, "clusterAffinities", index)
        yield at, term.affinity
        for position, entry in enumerate(term.overflow_affinities):
            yield (*at, "overflowAffinities", position), entry.affinity


# ---- Weights


def _weights(placement: Placement, clusters: _Clusters) -> Iterator[Finding]:
    scheduling = placement.replica_scheduling
    if strategy_of(scheduling) is not DivisionStrategy.STATIC_WEIGHT or scheduling is None:
        return
    preference = scheduling.weight_preference
    members = clusters.members(placement)
    for index, rule in enumerate(preference.static_weight_list if preference is not None else ()):
        if members and not _matching(members, rule.target_cluster):
            yield Finding(
                code="R231",
                path=(
                    *_PLACEMENT,
                    "replicaScheduling",
                    "weightPreference",
                    "staticWeightList",
                    index,
                    "targetCluster",
                ),
                message=f"the weight {rule.weight} is for no cluster that this policy places on",
            )


# ---- Spread


def _spread(placement: Placement, clusters: _Clusters) -> Iterator[Finding]:
    """What fails in every group; one that can be met in some group is for the walk over them to find."""
    if not placement.spread_constraints:
        return
    groups = clusters.groups(placement)
    if not all(groups):
        return
    verdicts = [_unmet(placement, group) for group in groups]
    if all(verdict is not None for verdict in verdicts) and verdicts[0] is not None:
        index, field, message = verdicts[0]
        yield Finding(code="R233", path=(*_PLACEMENT, "spreadConstraints", index, field), message=message)


def _unmet(placement: Placement, members: tuple[Cluster, ...]) -> tuple[int, str, str] | None:
    by_field: dict[str, tuple[int, SpreadConstraint]] = {}
    for index, constraint in enumerate(placement.spread_constraints):
        field = constraint.spread_by_field
        by_field.setdefault(field, (index, constraint))
        members = tuple(each for each in members if _has(each, field))
        if not members:
            return index, "spreadByField", f"none of the clusters that are meant has a {field}"
    if strategy_of(placement.replica_scheduling) is DivisionStrategy.STATIC_WEIGHT:
        return None  # Karmada: static weights make the numbers moot.
    most = len(members)
    if "region" in by_field:
        index, constraint = by_field["region"]
        sizes = sorted(Counter(each.region for each in members).values(), reverse=True)
        if len(sizes) < constraint.min_groups:
            text = f"at least {constraint.min_groups} regions are asked for, and there are {len(sizes)}"
            return index, "minGroups", text
        most = sum(sizes[: constraint.max_groups]) if constraint.max_groups else most
    if "cluster" in by_field:
        index, constraint = by_field["cluster"]
        if most < constraint.min_groups:
            text = f"at least {constraint.min_groups} clusters are asked for, and there are {most}"
            return index, "minGroups", text
    return None


def _has(cluster: Cluster, field: str) -> bool:
    match field:
        case "region":
            return bool(cluster.region)
        case "zone":
            return bool(cluster.zones)
        case "provider":
            return bool(cluster.provider)
        case _:
            return True


# ---- Resource models


def _models(fleet: Fleet, clusters: _Clusters) -> Iterator[Found]:
    """Templates divided by capacity that ask for what no candidate's models name: each estimate will be nothing."""
    grades = {each.resource_models for each in clusters.all}
    if () in grades and len(grades) == 1:
        return
    named_by_all = frozenset.intersection(*(_named(models) for models in grades if models))
    policies = None
    for template in fleet.templates:
        asked = _asked(template)
        if not asked or asked.keys() <= named_by_all:
            continue
        policies = policies or index_policies(fleet.propagation_policies)
        winner = policies.winner(template)
        if winner is None or not _is_divided_by_capacity(winner.policy, template):
            continue
        members = clusters.members(winner.policy.placement)
        for name, path in sorted(asked.items()):
            if members and all(
                each.resource_models and name not in _named(each.resource_models) for each in members
            ):
                yield (
                    template,
                    Finding(
                        code="R234",
                        path=path,
                        message=f"the resource models of every cluster for this object leave out {quoted(name)}",
                        evidence=(
                            f"clusters: {_some(sorted(each.name for each in members))}",
                            f"claimed by {winner.policy.kind} {winner.policy.name}, which divides by available replicas",
                        ),
                    ),
                )


def _named(models: tuple[ResourceModel, ...]) -> frozenset[str]:
    return frozenset(item.name for item in models[0].ranges) if models else frozenset()


def _is_divided_by_capacity(policy: PropagationPolicy, template: Manifest) -> bool:
    if policy.scheduler_name != DEFAULT_SCHEDULER:
        return False
    if strategy_of(policy.placement.replica_scheduling) not in _BY_CAPACITY:
        return False
    try:
        return NATIVE.replicas(template.body)[0] > 0
    except InterpretationError:
        return False


def _asked(template: Manifest) -> dict[str, FieldPath]:
    """The resources that grades are asked about, each with the first place where the pod asks for it."""
    path = _PODS.get((template.id.group, template.id.kind))
    if path is None:
        return {}
    pod: Any = template.body
    for step in path:
        pod = pod.get(step) if isinstance(pod, Mapping) else None
    if not isinstance(pod, Mapping):
        return {}
    found: dict[str, FieldPath] = {}
    for field in ("containers", "initContainers"):
        containers = pod.get(field)
        for index, container in enumerate(containers if isinstance(containers, list) else ()):
            resources = container.get("resources") if isinstance(container, Mapping) else None
            if not isinstance(resources, Mapping):
                continue
            for side in ("requests", "limits"):
                amounts = resources.get(side)
                for name, amount in amounts.items() if isinstance(amounts, Mapping) else ():
                    if str(amount) != "0" and is_counted_by_grade(name):
                        found.setdefault(name, (*path, field, index, "resources", side, name))
    return found


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
