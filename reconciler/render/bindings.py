"""Bindings as documents, `work.karmada.io/v1alpha2`, and back (DESIGN §2; spec rendering-and-status §2.6, scheduling §2.8).

They are the previous schedule of the next render, so reading what was written gives the same value. No aggregated status, no
resourceVersion, and nothing that moves unless the schedule does.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from reconciler.model.binding import (
    Binding,
    Claim,
    Component,
    EvictionTask,
    ReplicaRequirements,
    RequiredBy,
    TargetCluster,
    binding_name,
)
from reconciler.model.cluster import Condition
from reconciler.model.identity import ObjectId, group_of
from reconciler.model.manifest import Body
from reconciler.model.policy import Placement, Suspension
from reconciler.model.time import format_time, parse_time
from reconciler.policy.decode import DEFAULT_SCHEDULER, decode_placement, decode_suspension
from reconciler.scheduler.due import is_reschedule_required

__all__ = ["binding_name", "decode_binding", "encode_binding", "permanent_id", "settled"]

API_VERSION: Final = "work.karmada.io/v1alpha2"
APPLIED_PLACEMENT: Final = "policy.karmada.io/applied-placement"
MANAGED_BY: Final = "binding.karmada.io/managed-by"
SOURCE_PATH: Final = "fleet-reconciler/source-path"
REASONS: Final = "fleet-reconciler/reasons"
TEMPLATE_DIGEST: Final = "fleet-reconciler/template-digest"
OVERRIDES: Final = "fleet-reconciler/overrides"

_PP: Final = "propagationpolicy.karmada.io"
_CPP: Final = "clusterpropagationpolicy.karmada.io"
_LONGEST_MESSAGE: Final = 1400  # bytes; twice this, the claim and the group are 4 KB at most
_IDS: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "permanent-id.fleet-reconciler")


def permanent_id(kind: str, namespace: str, name: str) -> str:
    """The permanent id of a policy or binding: a UUIDv5 of what it is called. Nothing may depend on its value."""
    return str(uuid.uuid5(_IDS, f"{kind}/{namespace}/{name}"))


def encode_binding(binding: Binding) -> Body:
    """The ResourceBinding, or ClusterResourceBinding of a cluster-scoped template. Absent stands for every default."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ResourceBinding" if binding.namespace else "ClusterResourceBinding",
        "metadata": _present(
            {
                "name": binding.name,
                "namespace": binding.namespace,
                "generation": binding.generation,
                "labels": _labels(binding) or None,
                "annotations": _annotations(binding) or None,
            }
        ),
        "spec": encode_spec(binding),
        "status": _present(
            {
                "conditions": [] if binding.scheduled is None else [_encode_condition(binding.scheduled)],
                "lastScheduledTime": _text(binding.last_scheduled_time),
                "schedulerObservedGeneration": binding.observed_generation,
                "schedulerObservingAffinityName": binding.observed_affinity,
            }
        ),
    }


def encode_spec(binding: Binding) -> Body:
    """The `spec` of the binding's document."""
    return _present(
        {
            "resource": _present(
                {
                    "apiVersion": binding.api_version,
                    "kind": binding.resource.kind,
                    "namespace": binding.resource.namespace,
                    "name": binding.resource.name,
                    "uid": binding.uid,
                }
            ),
            "replicas": binding.replicas,
            "replicaRequirements": _encode_requirements(binding.requirements),
            "components": [_encode_component(component) for component in binding.components],
            "placement": None if binding.placement is None else binding.placement.body,
            "schedulerName": binding.scheduler_name,
            "clusters": _encode_clusters(binding.clusters),
            "requiredBy": [
                _present({"namespace": o.namespace, "name": o.name, "clusters": _encode_clusters(o.clusters)})
                for o in binding.required_by
            ],
            "gracefulEvictionTasks": [_encode_task(task) for task in binding.eviction_tasks],
            "propagateDeps": binding.propagate_deps,
            "conflictResolution": binding.conflict_resolution,
            "preserveResourcesOnDeletion": binding.preserve_resources_on_deletion,
            "suspension": None if binding.suspension is None else _encode_suspension(binding.suspension),
            "failover": binding.failover,
            "schedulePriority": {"priority": binding.schedule_priority}
            if binding.schedule_priority
            else None,
            "workloadAffinityGroups": _present(
                {
                    "affinityGroup": binding.workload_affinity_group,
                    "antiAffinityGroup": binding.workload_anti_affinity_group,
                }
            )
            or None,
            "rescheduleTriggeredAt": _text(binding.reschedule_triggered_at),
        }
    )


def decode_binding(body: Body) -> Binding:
    """The binding that a document states; also one of Karmada's own. Expects a well-formed document."""
    metadata: Body = body.get("metadata") or {}
    spec: Body = body.get("spec") or {}
    status: Body = body.get("status") or {}
    resource: Body = spec.get("resource") or {}
    labels: Mapping[str, Any] = metadata.get("labels") or {}
    annotations: Mapping[str, Any] = metadata.get("annotations") or {}
    placement, groups = spec.get("placement"), spec.get("workloadAffinityGroups") or {}
    api_version = str(resource.get("apiVersion") or "")
    return Binding(
        resource=ObjectId(
            group=group_of(api_version),
            kind=str(resource.get("kind") or ""),
            namespace=str(resource.get("namespace") or ""),
            name=str(resource.get("name") or ""),
        ),
        api_version=api_version,
        uid=str(resource.get("uid") or ""),
        claim=_claim(annotations),
        managed_by=str(labels.get(MANAGED_BY) or ""),
        replicas=int(spec.get("replicas") or 0),
        requirements=_requirements(spec.get("replicaRequirements")),
        components=tuple(_component(item) for item in spec.get("components") or ()),
        placement=None if placement is None else decode_placement(placement),
        scheduler_name=str(spec.get("schedulerName") or DEFAULT_SCHEDULER),
        clusters=_clusters(spec.get("clusters")),
        required_by=tuple(
            RequiredBy(
                namespace=str(item.get("namespace") or ""),
                name=str(item.get("name") or ""),
                clusters=_clusters(item.get("clusters")),
            )
            for item in spec.get("requiredBy") or ()
        ),
        eviction_tasks=tuple(_task(item) for item in spec.get("gracefulEvictionTasks") or ()),
        propagate_deps=bool(spec.get("propagateDeps")),
        conflict_resolution=str(spec.get("conflictResolution") or "Abort"),
        preserve_resources_on_deletion=bool(spec.get("preserveResourcesOnDeletion")),
        suspension=decode_suspension(spec.get("suspension")),
        failover=spec.get("failover"),
        schedule_priority=int((spec.get("schedulePriority") or {}).get("priority") or 0),
        workload_affinity_group=str(groups.get("affinityGroup") or ""),
        workload_anti_affinity_group=str(groups.get("antiAffinityGroup") or ""),
        reschedule_triggered_at=_time(spec.get("rescheduleTriggeredAt")),
        applied_placement=_applied(annotations.get(APPLIED_PLACEMENT), placement),
        observed_affinity=str(status.get("schedulerObservingAffinityName") or ""),
        last_scheduled_time=_time(status.get("lastScheduledTime")),
        generation=int(metadata.get("generation") or 0),
        observed_generation=int(status.get("schedulerObservedGeneration") or 0),
        scheduled=next(
            (c for c in map(_condition, status.get("conditions") or ()) if c.type == "Scheduled"), None
        ),
        source_path=str(annotations.get(SOURCE_PATH) or ""),
        template_digest=str(annotations.get(TEMPLATE_DIGEST) or ""),
        reasons=str(annotations.get(REASONS) or ""),
        overrides=tuple(name for name in str(annotations.get(OVERRIDES) or "").split(",") if name),
    )


def settled(binding: Binding, previous: Binding | None, *, is_scheduled: bool) -> Binding:
    """The binding as it is committed: generation and times move only when what they describe has moved.

    `binding` is the outcome of a pass, `previous` the committed one. `is_scheduled`: the scheduler looked at it and did not
    fail. A schedule that was merely confirmed keeps its time.
    """
    if previous is None:
        return replace(binding, generation=1, observed_generation=int(is_scheduled))
    same = encode_spec(binding) == encode_spec(previous)
    generation = previous.generation if same else previous.generation + 1
    asked = replace(previous, reschedule_triggered_at=binding.reschedule_triggered_at)
    is_confirmed = (
        previous.last_scheduled_time is not None
        and not is_reschedule_required(asked)
        and binding.clusters == previous.clusters
        and binding.applied_placement == previous.applied_placement
        and binding.observed_affinity == previous.observed_affinity
    )
    return replace(
        binding,
        generation=generation,
        observed_generation=generation if is_scheduled else previous.observed_generation,
        last_scheduled_time=previous.last_scheduled_time if is_confirmed else binding.last_scheduled_time,
    )


def _labels(binding: Binding) -> Body:
    labels: Body = {MANAGED_BY: binding.managed_by} if binding.managed_by else {}
    if binding.claim is not None:
        domain = _PP if binding.claim.namespace else _CPP
        claim = binding.claim
        labels[f"{domain}/permanent-id"] = permanent_id(claim.kind, claim.namespace, claim.name)
    return labels


def _annotations(binding: Binding) -> Body:
    applied = binding.applied_placement
    annotations = {
        APPLIED_PLACEMENT: None if applied is None else _json(applied.body),
        SOURCE_PATH: binding.source_path,
        REASONS: _short(binding.reasons),
        OVERRIDES: ",".join(binding.overrides),
        TEMPLATE_DIGEST: binding.template_digest,
    }
    match binding.claim:
        case Claim(name=name, namespace=""):
            annotations[f"{_CPP}/name"] = name
        case Claim(name=name, namespace=namespace):
            annotations |= {f"{_PP}/name": name, f"{_PP}/namespace": namespace}
    return _present(annotations)


def _claim(annotations: Mapping[str, Any]) -> Claim | None:
    if f"{_PP}/name" in annotations:
        return Claim(
            name=str(annotations[f"{_PP}/name"]), namespace=str(annotations.get(f"{_PP}/namespace") or "")
        )
    if f"{_CPP}/name" in annotations:
        return Claim(name=str(annotations[f"{_CPP}/name"]))
    return None


def _applied(text: str | None, present: Body | None) -> Placement | None:
    if not text:
        return None
    try:
        body = json.loads(text)
    except ValueError:
        body = text
    if body is None or isinstance(body, dict):
        return decode_placement(body or {})
    # Karmada: a placement that cannot be read has not changed.
    return decode_placement(present or {})


def _encode_requirements(requirements: ReplicaRequirements | None) -> Body | None:
    if requirements is None:
        return None
    return _present(
        {
            "nodeClaim": requirements.node_claim,
            "resourceRequest": dict(sorted(requirements.resource_request.items())) or None,
            "namespace": requirements.namespace,
            "priorityClassName": requirements.priority_class_name,
        }
    )


def _requirements(body: Body | None) -> ReplicaRequirements | None:
    if body is None:
        return None
    requests: Mapping[str, Any] = body.get("resourceRequest") or {}
    return ReplicaRequirements(
        node_claim=body.get("nodeClaim"),
        resource_request={
            str(name): "0" if amount is None else str(amount) for name, amount in requests.items()
        },
        namespace=str(body.get("namespace") or ""),
        priority_class_name=str(body.get("priorityClassName") or ""),
    )


def _encode_component(component: Component) -> Body:
    body = {"name": component.name, "replicas": component.replicas}
    requirements = _encode_requirements(component.requirements)
    return body if requirements is None else {**body, "replicaRequirements": requirements}


def _component(body: Body) -> Component:
    return Component(
        name=str(body.get("name") or ""),
        replicas=int(body.get("replicas") or 0),
        requirements=_requirements(body.get("replicaRequirements")),
    )


def _encode_clusters(clusters: Iterable[TargetCluster]) -> list[Body]:
    return [_present({"name": target.name, "replicas": target.replicas}) for target in clusters]


def _clusters(items: Iterable[Body] | None) -> tuple[TargetCluster, ...]:
    return tuple(
        TargetCluster(name=str(item.get("name") or ""), replicas=int(item.get("replicas") or 0))
        for item in items or ()
    )


def _encode_task(task: EvictionTask) -> Body:
    body = _present(
        {
            "fromCluster": task.from_cluster,
            "purgeMode": task.purge_mode,
            "replicas": task.replicas,
            "reason": task.reason,
            "message": task.message,
            "producer": task.producer,
            "gracePeriodSeconds": task.grace_period_seconds,
            "creationTimestamp": _text(task.creation_timestamp),
            "preservedLabelState": dict(sorted(task.preserved_label_state.items())) or None,
            "clustersBeforeFailover": list(task.clusters_before_failover),
        }
    )
    # Unlike other flags, false says something else than absent: drop the task at once.
    return body if task.suppress_deletion is None else {**body, "suppressDeletion": task.suppress_deletion}


def _task(body: Body) -> EvictionTask:
    state: Mapping[str, Any] = body.get("preservedLabelState") or {}
    return EvictionTask(
        from_cluster=str(body.get("fromCluster") or ""),
        purge_mode=str(body.get("purgeMode") or ""),
        replicas=body.get("replicas"),
        reason=str(body.get("reason") or ""),
        message=str(body.get("message") or ""),
        producer=str(body.get("producer") or ""),
        grace_period_seconds=body.get("gracePeriodSeconds"),
        suppress_deletion=body.get("suppressDeletion"),
        creation_timestamp=_time(body.get("creationTimestamp")),
        preserved_label_state={str(key): str(value) for key, value in state.items()},
        clusters_before_failover=tuple(str(name) for name in body.get("clustersBeforeFailover") or ()),
    )


def _encode_suspension(suspension: Suspension) -> Body:
    names = list(suspension.dispatching_on_clusters)
    return _present(
        {
            "dispatching": suspension.dispatching,
            "dispatchingOnClusters": {"clusterNames": names} if names else None,
            "scheduling": suspension.scheduling,
        }
    )


def _encode_condition(condition: Condition) -> Body:
    return _present(
        {
            "type": condition.type,
            "status": condition.status,
            "reason": condition.reason,
            "message": _short(condition.message),
            "lastTransitionTime": _text(condition.last_transition_time),
        }
    )


def _condition(body: Body) -> Condition:
    return Condition(
        type=str(body.get("type") or ""),
        status=str(body.get("status") or ""),
        reason=str(body.get("reason") or ""),
        message=str(body.get("message") or ""),
        last_transition_time=_time(body.get("lastTransitionTime")),
    )


def _short(text: str) -> str:
    # A binding holds the short form; everything else is recomputed from the commits.
    data = text.encode()
    if len(data) <= _LONGEST_MESSAGE:
        return text
    return data[: _LONGEST_MESSAGE - len("…".encode())].decode(errors="ignore") + "…"


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else format_time(moment)


def _time(text: str | None) -> datetime | None:
    return parse_time(text) if text else None


def _json(body: Body) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _present(body: Mapping[str, Any]) -> Body:
    """The body without what absence stands for: nothing, false, zero, empty text, an empty list."""
    return {key: value for key, value in body.items() if value not in (None, "", [], False, 0)}
