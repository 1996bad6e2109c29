"""What one pass over many bindings shares: the clusters, their capacity, and answers that many bindings have in common.

Memos change speed, never a result. The capacity is the one value that changes as bindings are placed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from reconciler.model.binding import TargetCluster
from reconciler.model.cluster import Cluster
from reconciler.model.policy import Placement
from reconciler.scheduler.filters.affinity import overflow_order
from reconciler.scheduler.outcome import folded
from reconciler.scheduler.plugin import Context, Filter
from reconciler.scheduler.registry import Profile
from reconciler.scheduler.replicas.estimate import UNKNOWN, Capacity
from reconciler.scheduler.table import ClusterTable, table_of
from reconciler.selectors.clusters import cluster_test


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Karmada's scheduler options and gates, with its defaults."""

    empty_workload_propagation: bool = False
    modelling: bool = True
    independent: bool = False
    """Bindings do not see what others take in the same pass, nor what was placed since the observation (ours is False)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What the filters say that many bindings share: the living positions that pass, and the first reason against each other one.

    `columns` has, for each filter of the profile, the reasons by position; None for a filter that is asked for each binding.
    `counts` are the reasons, folded.
    """

    passing: Sequence[int]
    refused: Mapping[int, str]
    counts: Mapping[str, int]
    columns: tuple[Mapping[int, str] | None, ...]


@dataclass(slots=True, kw_only=True)
class State:
    """One pass. `unlimited` is the capacity of clusters for templates without replicas."""

    table: ClusterTable
    capacity: Capacity
    options: Options
    unlimited: Sequence[int]
    has_unknown: bool
    _placements: dict[int, Placement] = field(default_factory=dict)
    _screens: dict[Hashable, Screen] = field(default_factory=dict)
    _refusals: dict[tuple[str, Hashable], Mapping[int, str]] = field(default_factory=dict)
    _overflow: dict[tuple[int, str], dict[int, int]] = field(default_factory=dict)
    _weights: dict[int, list[int]] = field(default_factory=dict)
    _targets: dict[tuple[int, int], TargetCluster] = field(default_factory=dict)

    def screen(self, context: Context, profile: Profile) -> Screen:
        """The screen of bindings that are alike in placement, affinity group, API and being a workload."""
        binding = context.binding
        key = (
            profile.name,
            self._identity(context.placement),
            context.affinity_name,
            binding.api_version,
            binding.resource.kind,
            binding.is_workload,
        )
        if key not in self._screens:
            self._screens[key] = self._screened(context, profile)
        return self._screens[key]

    def overflow(self, context: Context) -> Mapping[int, int]:
        """Position to overflow order (§3.3), of the clusters in overflow groups alone."""
        term = context.term
        if term is None or not term.overflow_affinities or not context.binding.is_workload:
            return {}
        key = (self._identity(context.placement), context.affinity_name)
        if key not in self._overflow:
            order_of = overflow_order(context)
            orders = ((i, order_of(self.table.clusters[i])) for i in self.table.living)
            self._overflow[key] = {position: order for position, order in orders if order}
        return self._overflow[key]

    def static_weights(self, placement: Placement) -> Sequence[int]:
        """The static weight of each position: the greatest of the rules that match, 0 without one (§4.6)."""
        key = self._identity(placement)
        if key not in self._weights:
            scheduling = placement.replica_scheduling
            preference = scheduling.weight_preference if scheduling is not None else None
            rules = preference.static_weight_list if preference is not None else ()
            tests = [(rule.weight, cluster_test(rule.target_cluster)) for rule in rules]
            self._weights[key] = [
                max((weight for weight, test in tests if test(cluster)), default=0)
                for cluster in self.table.clusters
            ]
        return self._weights[key]

    def target(self, position: int, replicas: int) -> TargetCluster:
        """One entry of a result; equal entries of many bindings are the same value."""
        key = (position, replicas)
        found = self._targets.get(key)
        if found is None:
            found = self._targets[key] = TargetCluster(name=self.table.names[position], replicas=replicas)
        return found

    def allocatable(self, context: Context) -> Sequence[int]:
        """Replicas that each position can take (§4.8); as many as wanted where nobody knows."""
        binding = context.binding
        if binding.replicas == 0 and not binding.components:
            return self.unlimited
        # Karmada: with the gate MultiplePodTemplatesScheduling off (its default), what components ask for is not looked at.
        estimates = self.capacity.available(binding.requirements)
        if not self.has_unknown:
            return estimates
        return [binding.replicas if estimate == UNKNOWN else estimate for estimate in estimates]

    def _identity(self, placement: Placement) -> int:
        # Bindings of one policy share its placement; keeping it alive keeps its id its own.
        return id(self._placements.setdefault(id(placement), placement))

    def _screened(self, context: Context, profile: Profile) -> Screen:
        columns = tuple(
            self._refused_by(filter_, filter_.depends_on(context), context) if filter_.depends_on else None
            for filter_ in profile.filters
        )
        refused: dict[int, str] = {}
        for column in reversed(columns):  # the first reason is written last, and stays
            refused |= column or {}
        passing = [position for position in self.table.living if position not in refused]
        return Screen(passing=passing, refused=refused, counts=folded(refused.values()), columns=columns)

    def _refused_by(self, filter_: Filter, key: Hashable, context: Context) -> Mapping[int, str]:
        """Living positions that one filter refuses, for all bindings with this key."""
        known = self._refusals.get((filter_.name, key))
        if known is None:
            test = filter_.prepare(context) if filter_.prepare else partial(filter_.check, context)
            verdicts = ((position, test(self.table.clusters[position])) for position in self.table.living)
            known = {position: verdict.reason for position, verdict in verdicts if verdict.reason}
            self._refusals[filter_.name, key] = known
        return known


def new_state(clusters: Iterable[Cluster], options: Options | None = None) -> State:
    """The state of a pass before anything is placed."""
    options = options or Options()
    table = table_of(clusters)
    return State(
        table=table,
        capacity=Capacity(table.clusters, modelling=options.modelling),
        options=options,
        unlimited=[UNKNOWN] * len(table.clusters),
        has_unknown=any(cluster.assumed for cluster in table.clusters),
    )


def first_reason(context: Context, profile: Profile, screen: Screen, position: int, cluster: Cluster) -> str:
    """The first filter's reason of this binding against the cluster, or ""."""
    is_spared = cluster.name in context.previous
    for filter_, column in zip(profile.filters, screen.columns, strict=True):
        if is_spared and filter_.spares_previous:
            continue
        reason = filter_.check(context, cluster).reason if column is None else column.get(position)
        if reason:
            return reason
    return ""
