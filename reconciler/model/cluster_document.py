"""From a Cluster document to its value and back (spec scheduling §1).

What Karmada's admission would change on a write is applied on reading a file: `zone` becomes `zones`, resource models
are put in order or filled in. Validates nothing: a malformed quantity or time raises ValueError.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from reconciler.model.cluster import (
    ApiResources,
    Cluster,
    ClusterStatus,
    Condition,
    DeliveryMode,
    NodeSummary,
    ResourceModel,
    ResourceRange,
    ResourceSummary,
    SecretReference,
    Taint,
)
from reconciler.model.manifest import Body, Origin
from reconciler.model.quantity import Quantity, canonical, parse_quantity
from reconciler.model.time import format_time, parse_time

_LARGEST: Final = parse_quantity("9223372036854775807")
_ZERO: Final = parse_quantity("0")
# Grade n begins where grade n-1 ends; the last has no end.
_DEFAULT_CPU: Final = ("0", "1", "2", "4", "8", "16", "32", "64", "128")
_DEFAULT_MEMORY: Final = ("0", "4Gi", "16Gi", "32Gi", "64Gi", "128Gi", "256Gi", "512Gi", "1024Gi")


def decode_cluster(body: Body, origin: Origin | None = None, *, stored: bool = False) -> Cluster:
    """The cluster that a file states; `stored` reads what an API server holds, where admission has been already.

    A file that says nothing of `resourceModels` gets Karmada's nine grades; an empty list turns modelling off.
    """
    metadata: Body = body.get("metadata") or {}
    spec: Body = body.get("spec") or {}
    return Cluster(
        name=str(metadata.get("name") or ""),
        uid=str(metadata.get("uid") or ""),
        labels=_texts(metadata.get("labels")),
        annotations=_texts(metadata.get("annotations")),
        sync_mode=_sync_mode(spec.get("syncMode")),
        api_endpoint=str(spec.get("apiEndpoint") or ""),
        secret_ref=_secret(spec.get("secretRef")),
        insecure_skip_tls_verification=bool(spec.get("insecureSkipTLSVerification")),
        proxy_url=str(spec.get("proxyURL") or ""),
        proxy_header=_texts(spec.get("proxyHeader")),
        provider=str(spec.get("provider") or ""),
        region=str(spec.get("region") or ""),
        zones=_zones(spec, stored=stored),
        taints=tuple(_taint(item) for item in spec.get("taints") or ()),
        resource_models=_models(spec.get("resourceModels"), stored=stored),
        status=decode_cluster_status(body.get("status") or {}),
        deletion_timestamp=_time(metadata.get("deletionTimestamp")),
        origin=origin,
    )


def decode_cluster_status(body: Body) -> ClusterStatus:
    """The `status` of a Cluster. Sub-resources and unknown fields are left out."""
    nodes = body.get("nodeSummary")
    summary = body.get("resourceSummary")
    return ClusterStatus(
        kubernetes_version=str(body.get("kubernetesVersion") or ""),
        api_enablements=tuple(
            sorted(
                (_api_resources(item) for item in body.get("apiEnablements") or ()),
                key=lambda api: api.group_version,
            )
        ),
        conditions=tuple(_condition(item) for item in body.get("conditions") or ()),
        node_summary=None
        if nodes is None
        else NodeSummary(total=int(nodes.get("totalNum") or 0), ready=int(nodes.get("readyNum") or 0)),
        resource_summary=None if summary is None else _summary(summary),
        remedy_actions=tuple(sorted({str(action) for action in body.get("remedyActions") or ()})),
    )


def encode_cluster_status(status: ClusterStatus) -> Body:
    """The `status` as JSON, without empty fields; `decode_cluster_status` gives the value back."""
    nodes, summary = status.node_summary, status.resource_summary
    return _without_empty(
        {
            "kubernetesVersion": status.kubernetes_version,
            "apiEnablements": [
                {
                    "groupVersion": api.group_version,
                    "resources": [{"name": name, "kind": kind} for name, kind in _resources(api)],
                }
                for api in status.api_enablements
            ],
            "conditions": [_encode_condition(condition) for condition in status.conditions],
            # An empty summary is a fact (no capacity), an absent one is ignorance.
            "nodeSummary": None
            if nodes is None
            else _without_empty({"totalNum": nodes.total, "readyNum": nodes.ready}),
            "resourceSummary": None if summary is None else _encode_summary(summary),
            "remedyActions": list(status.remedy_actions),
        }
    )


def default_resource_models() -> tuple[ResourceModel, ...]:
    """Karmada's nine grades of nodes, by cpu and memory."""
    cpu, memory = _bounds(_DEFAULT_CPU), _bounds(_DEFAULT_MEMORY)
    return tuple(
        ResourceModel(
            grade=grade,
            ranges=(
                ResourceRange(name="cpu", min=cpu[grade], max=cpu[grade + 1]),
                ResourceRange(name="memory", min=memory[grade], max=memory[grade + 1]),
            ),
        )
        for grade in range(len(_DEFAULT_CPU))
    )


def _bounds(texts: tuple[str, ...]) -> tuple[Quantity, ...]:
    return (*(parse_quantity(text) for text in texts), _LARGEST)


def _models(items: list[Body] | None, *, stored: bool) -> tuple[ResourceModel, ...]:
    if items is None:
        return () if stored else _DEFAULT_MODELS
    models = sorted(
        (ResourceModel(grade=int(item.get("grade") or 0), ranges=_ranges(item)) for item in items),
        key=lambda model: model.grade,
    )
    if stored or not models:
        return tuple(models)
    # The first grade starts at nothing and the last one has no end, whatever the file says.
    models[0] = ResourceModel(
        grade=models[0].grade,
        ranges=tuple(ResourceRange(name=r.name, min=_ZERO, max=r.max) for r in models[0].ranges),
    )
    models[-1] = ResourceModel(
        grade=models[-1].grade,
        ranges=tuple(ResourceRange(name=r.name, min=r.min, max=_LARGEST) for r in models[-1].ranges),
    )
    return tuple(models)


def _ranges(model: Body) -> tuple[ResourceRange, ...]:
    return tuple(
        ResourceRange(
            name=str(item.get("name") or ""),
            min=parse_quantity(item.get("min") or "0"),
            max=parse_quantity(item.get("max") or "0"),
        )
        for item in model.get("ranges") or ()
    )


def _sync_mode(text: Any) -> DeliveryMode:
    try:
        return DeliveryMode(text)
    except ValueError:  # refused by validation; no crash before it is reported
        return DeliveryMode.PUSH


def _secret(body: Body | None) -> SecretReference | None:
    if body is None:
        return None
    return SecretReference(namespace=str(body.get("namespace") or ""), name=str(body.get("name") or ""))


def _zones(spec: Body, *, stored: bool) -> tuple[str, ...]:
    zones = tuple(str(zone) for zone in spec.get("zones") or ())
    return zones or ((str(spec["zone"]),) if spec.get("zone") and not stored else ())


def _taint(item: Body) -> Taint:
    return Taint(
        key=str(item.get("key") or ""),
        effect=str(item.get("effect") or ""),
        value=str(item.get("value") or ""),
        time_added=_time(item.get("timeAdded")),
    )


def _api_resources(item: Body) -> ApiResources:
    resources = sorted(
        (str(resource.get("name") or ""), str(resource.get("kind") or ""))
        for resource in item.get("resources") or ()
        if "/" not in str(resource.get("name") or "")
    )
    return ApiResources(
        group_version=str(item.get("groupVersion") or ""),
        kinds=frozenset(kind for _, kind in resources),
        resources=tuple(resources),
    )


def _resources(api: ApiResources) -> tuple[tuple[str, str], ...]:
    # A value built from kinds alone still says which kinds are served.
    named = {kind for _, kind in api.resources}
    return tuple(sorted(api.resources + tuple(("", kind) for kind in api.kinds - named)))


def _condition(item: Body) -> Condition:
    return Condition(
        type=str(item.get("type") or ""),
        status=str(item.get("status") or ""),
        reason=str(item.get("reason") or ""),
        message=str(item.get("message") or ""),
        last_transition_time=_time(item.get("lastTransitionTime")),
    )


def _encode_condition(condition: Condition) -> Body:
    at = condition.last_transition_time
    return _without_empty(
        {
            "type": condition.type,
            "status": condition.status,
            "reason": condition.reason,
            "message": condition.message,
            "lastTransitionTime": None if at is None else format_time(at),
        }
    )


def _summary(body: Body) -> ResourceSummary:
    modelings = (
        (int(m.get("grade") or 0), int(m.get("count") or 0)) for m in body.get("allocatableModelings") or ()
    )
    return ResourceSummary(
        allocatable=_quantities(body.get("allocatable")),
        allocating=_quantities(body.get("allocating")),
        allocated=_quantities(body.get("allocated")),
        modelings=tuple(sorted(modelings)),
    )


def _encode_summary(summary: ResourceSummary) -> Body:
    return _without_empty(
        {
            "allocatable": _encode_quantities(summary.allocatable) or None,
            "allocating": _encode_quantities(summary.allocating) or None,
            "allocated": _encode_quantities(summary.allocated) or None,
            "allocatableModelings": [{"grade": grade, "count": count} for grade, count in summary.modelings],
        }
    )


def _quantities(body: Mapping[str, Any] | None) -> dict[str, Quantity]:
    # Kubernetes reads null as none of it.
    amounts = ((str(name), "0" if value is None else value) for name, value in sorted((body or {}).items()))
    return {name: parse_quantity(value) for name, value in amounts}


def _encode_quantities(quantities: Mapping[str, Quantity]) -> dict[str, str]:
    return {name: canonical(quantities[name]) for name in sorted(quantities)}


def _texts(body: Mapping[str, Any] | None) -> dict[str, str]:
    return {str(key): str(value) for key, value in (body or {}).items()}


def _time(text: str | None) -> datetime | None:
    return parse_time(text) if text else None


def _without_empty(body: Body) -> Body:
    return {key: value for key, value in body.items() if value not in (None, "", [])}


_DEFAULT_MODELS: Final = default_resource_models()
