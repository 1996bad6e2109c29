"""Whether a binding is to be scheduled, by the committed previous state alone (spec scheduling §4.2, §4.3)."""

from __future__ import annotations

from reconciler.model.binding import Binding
from reconciler.model.policy import ClusterAffinityTerm, Placement
from reconciler.scheduler.outcome import Trigger
from reconciler.scheduler.table import ClusterTable


def trigger_of(binding: Binding, table: ClusterTable) -> Trigger | None:
    """The first reason to schedule the binding, or None: then its result stays, whatever became of the clusters."""
    if _placement_changed(binding):
        return Trigger.PLACEMENT_CHANGED
    if _replicas_changed(binding):
        return Trigger.REPLICAS_CHANGED
    if is_reschedule_required(binding):
        return Trigger.RESCHEDULE_REQUIRED
    scheduling = binding.placement.replica_scheduling if binding.placement is not None else None
    if not binding.is_workload or scheduling is None or scheduling.type == "Duplicated":
        return Trigger.ALWAYS
    if any(not _is_living(target.name, table) for target in binding.clusters):
        return Trigger.CLUSTER_GONE
    return None


def is_reschedule_required(binding: Binding) -> bool:
    """Whether a reschedule was asked for after the binding was last scheduled."""
    asked, last = binding.reschedule_triggered_at, binding.last_scheduled_time
    return asked is not None and last is not None and asked > last


def _is_living(name: str, table: ClusterTable) -> bool:
    # A cluster that vanished from the repository was never seen deleting: it counts as gone all the same.
    position = table.position_by_name.get(name)
    return position is not None and table.clusters[position].deletion_timestamp is None


def _placement_changed(binding: Binding) -> bool:
    now, applied = binding.placement or Placement(), binding.applied_placement
    if applied is None:
        return True
    if now == applied:
        return False
    if (
        now.cluster_affinity != applied.cluster_affinity
        or now.cluster_tolerations != applied.cluster_tolerations
        or now.spread_constraints != applied.spread_constraints
        or now.replica_scheduling != applied.replica_scheduling
    ):
        return True
    # Something else differs: it matters only where it concerns the group that the binding was placed by.
    observed = binding.observed_affinity
    then, there = _term(applied, observed), _term(now, observed)
    return not observed or then is None or then != there


def _term(placement: Placement, name: str) -> ClusterAffinityTerm | None:
    return next((term for term in placement.cluster_affinities if term.affinity_name == name), None)


def _replicas_changed(binding: Binding) -> bool:
    scheduling = binding.placement.replica_scheduling if binding.placement is not None else None
    if scheduling is None:
        return False
    if scheduling.type == "Duplicated":
        return any(target.replicas != binding.replicas for target in binding.clusters)
    if scheduling.type == "Divided":
        return sum(target.replicas for target in binding.clusters) != binding.replicas
    return False
