"""Propagation policies and placement, in Karmada's words (spec scheduling §2, §3). Defaults are already applied."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.model.manifest import Body, Manifest
from reconciler.model.selector import ClusterAffinity, ResourceSelector


@dataclass(frozen=True, slots=True, kw_only=True)
class Toleration:
    """A cluster toleration. `operator` empty means `Equal`; `toleration_seconds` matters for NoExecute alone."""

    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""
    toleration_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverflowAffinity:
    """A group that takes what the primary group of its term cannot hold."""

    affinity_name: str
    affinity: ClusterAffinity


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterAffinityTerm:
    """One ordered group of `clusterAffinities` (spec scheduling §3.3)."""

    affinity_name: str
    affinity: ClusterAffinity
    overflow_affinities: tuple[OverflowAffinity, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadConstraint:
    """`max_groups` 0 means it was not given, and selects nothing (spec scheduling §3.5)."""

    spread_by_field: str = ""
    spread_by_label: str = ""
    min_groups: int = 1
    max_groups: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticClusterWeight:
    """A rule of `staticWeightList`."""

    target_cluster: ClusterAffinity
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightPreference:
    """Weights; a `dynamic_weight` makes the static list moot."""

    static_weight_list: tuple[StaticClusterWeight, ...] = ()
    dynamic_weight: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaScheduling:
    """How replicas are given out. Types and preferences are kept as strings: an empty preference is an error later."""

    type: str = "Divided"
    division_preference: str = ""
    weight_preference: WeightPreference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadAffinity:
    """Label keys whose values group workloads (spec scheduling §3.7)."""

    affinity_group_by: str = ""
    anti_affinity_group_by: str = ""


class DivisionStrategy(StrEnum):
    """What `replicaScheduling` comes to (spec scheduling §3.6)."""

    DUPLICATED = "Duplicated"
    STATIC_WEIGHT = "StaticWeight"
    DYNAMIC_WEIGHT = "DynamicWeight"
    AGGREGATED = "Aggregated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a template may run. `body` is the placement as JSON, defaults applied, for bindings; not compared."""

    cluster_affinity: ClusterAffinity | None = None
    cluster_affinities: tuple[ClusterAffinityTerm, ...] = ()
    cluster_tolerations: tuple[Toleration, ...] = ()
    spread_constraints: tuple[SpreadConstraint, ...] = ()
    replica_scheduling: ReplicaScheduling | None = None
    workload_affinity: WorkloadAffinity | None = None
    body: Body = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """What is suspended of a binding."""

    dispatching: bool = False
    dispatching_on_clusters: tuple[str, ...] = ()
    scheduling: bool = False

    def dispatch_to(self, cluster: str) -> bool:
        """Whether writing to `cluster` is suspended."""
        return self.dispatching or cluster in self.dispatching_on_clusters


@dataclass(frozen=True, slots=True, kw_only=True)
class PropagationPolicy:
    """A PropagationPolicy, or a ClusterPropagationPolicy when `namespace` is empty.

    `failover` and `schedule_priority` are kept as written (JSON): the binding carries them.
    """

    name: str
    namespace: str = ""
    uid: str = ""
    resource_selectors: tuple[ResourceSelector, ...]
    placement: Placement
    priority: int = 0
    preemption: str = "Never"
    propagate_deps: bool = False
    dependent_overrides: tuple[str, ...] = ()
    scheduler_name: str = "default-scheduler"
    failover: Body | None = None
    conflict_resolution: str = "Abort"
    activation_preference: str = ""
    suspension: Suspension | None = None
    preserve_resources_on_deletion: bool = False
    schedule_priority: Body | None = None
    deleting: bool = False
    manifest: Manifest | None = field(default=None, compare=False, repr=False)

    @property
    def is_cluster_scoped(self) -> bool:
        """Whether this is a ClusterPropagationPolicy."""
        return not self.namespace

    @property
    def kind(self) -> str:
        """The API kind."""
        return "PropagationPolicy" if self.namespace else "ClusterPropagationPolicy"
