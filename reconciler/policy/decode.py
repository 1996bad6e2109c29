"""From a propagation policy document to its value, defaults applied (spec scheduling §2.2).

Expects what the schemas and `fleet` have accepted; validates nothing. A binding's placement was defaulted when its
policy was read, so `decode_placement` itself adds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.manifest import Body, Manifest
from reconciler.model.policy import (
    ClusterAffinityTerm,
    OverflowAffinity,
    Placement,
    PropagationPolicy,
    ReplicaScheduling,
    SpreadConstraint,
    StaticClusterWeight,
    Suspension,
    Toleration,
    WeightPreference,
    WorkloadAffinity,
)
from reconciler.selectors.decode import (
    decode_cluster_affinity,
    decode_label_selector,
    decode_resource_selector,
)

__all__ = [
    "decode_cluster_affinity",
    "decode_label_selector",
    "decode_placement",
    "decode_propagation_policy",
    "decode_resource_selector",
    "decode_suspension",
    "decode_tolerations",
    "default_failover",
    "default_placement",
]

DEFAULT_SCHEDULER = "default-scheduler"
_SERVICE_IMPORT = ("multicluster.x-k8s.io/v1alpha1", "ServiceImport")
_TOLERATION_SECONDS = 300
_GRACE_PERIOD_SECONDS = 600


def decode_propagation_policy(manifest: Manifest) -> PropagationPolicy:
    """The PropagationPolicy or ClusterPropagationPolicy that the manifest states."""
    spec: Body = manifest.body.get("spec") or {}
    metadata: Body = manifest.body.get("metadata") or {}
    namespace = manifest.id.namespace if manifest.id.kind == "PropagationPolicy" else ""
    selectors = tuple(
        decode_resource_selector(selector, namespace) for selector in spec.get("resourceSelectors") or ()
    )
    imports = any((selector.api_version, selector.kind) == _SERVICE_IMPORT for selector in selectors)
    return PropagationPolicy(
        name=manifest.id.name,
        namespace=namespace,
        uid=str(metadata.get("uid") or ""),
        resource_selectors=selectors,
        placement=decode_placement(default_placement(spec.get("placement") or {})),
        priority=int(spec.get("priority") or 0),
        preemption=str(spec.get("preemption") or "Never"),
        propagate_deps=imports or bool(spec.get("propagateDeps")),
        dependent_overrides=tuple(str(name) for name in spec.get("dependentOverrides") or ()),
        scheduler_name=str(spec.get("schedulerName") or DEFAULT_SCHEDULER),
        failover=default_failover(spec.get("failover")),
        conflict_resolution=str(spec.get("conflictResolution") or "Abort"),
        activation_preference=str(spec.get("activationPreference") or ""),
        suspension=decode_suspension(spec.get("suspension")),
        preserve_resources_on_deletion=bool(spec.get("preserveResourcesOnDeletion")),
        schedule_priority=spec.get("schedulePriority"),
        deleting=metadata.get("deletionTimestamp") is not None,
        manifest=manifest,
    )


def default_placement(body: Body) -> Body:
    """The placement with what §2.2 fills in. `maxGroups` is not defaulted: Karmada does not either."""
    result = dict(body)
    if body.get("spreadConstraints"):
        result["spreadConstraints"] = [_default_spread(item) for item in body["spreadConstraints"]]
    scheduling = body.get("replicaScheduling")
    if scheduling is not None:
        scheduling = {"replicaSchedulingType": "Divided"} | _present(scheduling)
        if scheduling["replicaSchedulingType"] == "Divided":
            scheduling = {"replicaDivisionPreference": "Weighted"} | scheduling
        result["replicaScheduling"] = scheduling
    return result


def default_failover(body: Body | None) -> Body | None:
    """The failover behaviour with what §2.2 fills in, or None where there is none."""
    if body is None:
        return None
    result = dict(body)
    stated = body.get("application")
    if stated is not None:
        application: Body = {"purgeMode": "Gracefully", **_present(stated)}
        decision = _present(application.get("decisionConditions") or {})
        application["decisionConditions"] = {"tolerationSeconds": _TOLERATION_SECONDS, **decision}
        if application["purgeMode"] == "Gracefully":
            application = {"gracePeriodSeconds": _GRACE_PERIOD_SECONDS, **application}
        result["application"] = application
    if body.get("cluster") is not None:
        result["cluster"] = {"purgeMode": "Gracefully"} | _present(body["cluster"])
    return result


def decode_placement(body: Body) -> Placement:
    """The placement exactly as written; `body` itself is kept for bindings."""
    affinity = body.get("clusterAffinity")
    scheduling = body.get("replicaScheduling")
    workload = body.get("workloadAffinity")
    return Placement(
        cluster_affinity=None if affinity is None else decode_cluster_affinity(affinity),
        cluster_affinities=tuple(_term(term) for term in body.get("clusterAffinities") or ()),
        cluster_tolerations=decode_tolerations(body.get("clusterTolerations")),
        spread_constraints=tuple(_spread(item) for item in body.get("spreadConstraints") or ()),
        replica_scheduling=None if scheduling is None else _scheduling(scheduling),
        workload_affinity=None if workload is None else _workload_affinity(workload),
        body=body,
    )


def decode_tolerations(items: list[Body] | None) -> tuple[Toleration, ...]:
    """The cluster tolerations, in order."""
    return tuple(
        Toleration(
            key=str(item.get("key") or ""),
            operator=str(item.get("operator") or ""),
            value=str(item.get("value") or ""),
            effect=str(item.get("effect") or ""),
            toleration_seconds=item.get("tolerationSeconds"),
        )
        for item in items or ()
    )


def decode_suspension(body: Body | None) -> Suspension | None:
    """What is suspended, or None where nothing is said."""
    if body is None:
        return None
    clusters = (body.get("dispatchingOnClusters") or {}).get("clusterNames") or ()
    return Suspension(
        dispatching=bool(body.get("dispatching")),
        dispatching_on_clusters=tuple(str(name) for name in clusters),
        scheduling=bool(body.get("scheduling")),
    )


def _default_spread(item: Body) -> Body:
    result = _present(item)
    if not result.get("spreadByField") and not result.get("spreadByLabel"):
        result["spreadByField"] = "cluster"
    if not result.get("minGroups"):
        result["minGroups"] = 1
    return result


def _present(body: Mapping[str, Any]) -> Body:
    """The body without empty words, which the API server takes for absent."""
    return {key: value for key, value in body.items() if value is not None and value != ""}


def _term(body: Body) -> ClusterAffinityTerm:
    return ClusterAffinityTerm(
        affinity_name=str(body.get("affinityName") or ""),
        affinity=decode_cluster_affinity(body),
        overflow_affinities=tuple(
            OverflowAffinity(
                affinity_name=str(item.get("affinityName") or ""), affinity=decode_cluster_affinity(item)
            )
            for item in body.get("overflowAffinities") or ()
        ),
    )


def _spread(body: Body) -> SpreadConstraint:
    return SpreadConstraint(
        spread_by_field=str(body.get("spreadByField") or ""),
        spread_by_label=str(body.get("spreadByLabel") or ""),
        min_groups=int(body.get("minGroups") or 0),
        max_groups=int(body.get("maxGroups") or 0),
    )


def _scheduling(body: Body) -> ReplicaScheduling:
    preference = body.get("weightPreference")
    return ReplicaScheduling(
        type=str(body.get("replicaSchedulingType") or ""),
        division_preference=str(body.get("replicaDivisionPreference") or ""),
        weight_preference=None if preference is None else _weights(preference),
    )


def _weights(body: Body) -> WeightPreference:
    return WeightPreference(
        static_weight_list=tuple(
            StaticClusterWeight(
                target_cluster=decode_cluster_affinity(item.get("targetCluster") or {}),
                weight=int(item.get("weight") or 0),
            )
            for item in body.get("staticWeightList") or ()
        ),
        dynamic_weight=str(body.get("dynamicWeight") or ""),
    )


def _workload_affinity(body: Body) -> WorkloadAffinity:
    return WorkloadAffinity(
        affinity_group_by=str((body.get("affinity") or {}).get("groupByLabelKey") or ""),
        anti_affinity_group_by=str((body.get("antiAffinity") or {}).get("groupByLabelKey") or ""),
    )
