"""One template's schedule: the clusters, the replicas and why (spec scheduling §2.8, rendering-and-status §2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.cluster import Condition
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body
from reconciler.model.policy import Placement, Suspension


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCluster:
    """One cluster of a result. 0 replicas for objects that are not workloads."""

    name: str
    replicas: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaRequirements:
    """What one replica needs: node claim (JSON as in the API) and requests (resource name to quantity text)."""

    node_claim: Body | None = None
    resource_request: Mapping[str, str] = field(default_factory=dict)
    namespace: str = ""
    priority_class_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One pod template of a multi-component workload."""

    name: str
    replicas: int
    requirements: ReplicaRequirements | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvictionTask:
    """A cluster that a binding is leaving (spec scheduling §5.4)."""

    from_cluster: str
    purge_mode: str = ""
    replicas: int | None = None
    reason: str = ""
    message: str = ""
    producer: str = ""
    grace_period_seconds: int | None = None
    suppress_deletion: bool | None = None
    creation_timestamp: datetime | None = None
    preserved_label_state: Mapping[str, str] = field(default_factory=dict)
    clusters_before_failover: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredBy:
    """An owner whose dependency this is, with the owner's result (spec scheduling §7.2)."""

    namespace: str
    name: str
    clusters: tuple[TargetCluster, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The policy that owns a template. `namespace` empty: a ClusterPropagationPolicy."""

    name: str
    namespace: str = ""

    @property
    def kind(self) -> str:
        """The policy's API kind."""
        return "PropagationPolicy" if self.namespace else "ClusterPropagationPolicy"

    def __str__(self) -> str:
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A ResourceBinding, or ClusterResourceBinding for a cluster-scoped template: the previous schedule and the next.

    `applied_placement` is the placement used last time; `observed_affinity` is Karmada's
    `schedulerObservingAffinityName`; `source_path` is the file of the template (ours).
    """

    resource: ObjectId
    api_version: str
    uid: str = ""
    claim: Claim | None = None
    managed_by: str = ""
    replicas: int = 0
    requirements: ReplicaRequirements | None = None
    components: tuple[Component, ...] = ()
    placement: Placement | None = None
    scheduler_name: str = "default-scheduler"
    clusters: tuple[TargetCluster, ...] = ()
    required_by: tuple[RequiredBy, ...] = ()
    eviction_tasks: tuple[EvictionTask, ...] = ()
    propagate_deps: bool = False
    conflict_resolution: str = "Abort"
    preserve_resources_on_deletion: bool = False
    suspension: Suspension | None = None
    failover: Body | None = None
    schedule_priority: int = 0
    workload_affinity_group: str = ""
    workload_anti_affinity_group: str = ""
    reschedule_triggered_at: datetime | None = None
    applied_placement: Placement | None = None
    observed_affinity: str = ""
    last_scheduled_time: datetime | None = None
    generation: int = 0
    observed_generation: int = 0
    scheduled: Condition | None = None
    source_path: str = ""
    template_digest: str = ""
    """Of the template as last applied; kept for policies with `activationPreference: Lazy` alone (§2.6)."""
    reasons: str = ""
    """Why this result, when it last changed: refusals folded to counts."""
    overrides: tuple[str, ...] = ()
    """Override policies that applied on some cluster, sorted: `namespace/name`, or `name` of a cluster-scoped one."""

    @property
    def name(self) -> str:
        """Karmada's name of the binding (spec scheduling §0.3.5)."""
        return binding_name(self.resource)

    @property
    def namespace(self) -> str:
        """The template's namespace; empty for a ClusterResourceBinding."""
        return self.resource.namespace

    @property
    def is_workload(self) -> bool:
        """Spec scheduling §2.10: replicas, requirements or components make a workload."""
        return self.replicas > 0 or self.requirements is not None or bool(self.components)

    @property
    def target_names(self) -> tuple[str, ...]:
        """Own clusters in order, then those of `required_by` not yet present (spec scheduling §4.10)."""
        names = dict.fromkeys(target.name for target in self.clusters)
        for owner in self.required_by:
            names.update(dict.fromkeys(target.name for target in owner.clusters))
        return tuple(names)


def binding_name(id_: ObjectId) -> str:
    """The `metadata.name` of the binding of a template. Kinds of different groups may share one, as in Karmada."""
    return f"{id_.name.replace(':', '.')}-{id_.kind}".lower()
