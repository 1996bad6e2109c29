"""The `WorkloadStatus` document of one template: on each cluster, and merged as Karmada merges it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.manifests.emit import emit
from reconciler.model.binding import Binding
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body
from reconciler.status.conditions import Standing, overall_health, workload_conditions, worst_readiness
from reconciler.status.document import API_VERSION, encode_member, encode_resource
from reconciler.status.facts import Aggregate, Facts


def rendered_at(id_: ObjectId, facts: Facts, before: Mapping[str, Any]) -> Body:
    """The rendered commit that last changed a workload on any cluster, with the digest that tells; empty where no tree holds it."""
    digest = facts.digests.get(id_, "")
    if not digest:
        return {}
    known = before.get("rendered") or {}
    if known.get("digest") == digest and known.get("commit"):
        return dict(known)
    return {"commit": facts.rendered_commit, "digest": digest}


def workload_document(
    id_: ObjectId,
    binding: Binding,
    standings: Sequence[Standing],
    facts: Facts,
    aggregate: Aggregate,
    *,
    rendered: Body,
    before: Mapping[str, Any],
) -> tuple[Body, bytes, bool]:
    """The document, its bytes, and whether `aggregate` could tell. `rendered`: of `rendered_at`; `before`: as it was committed last."""
    template = facts.templates.get(id_)
    metadata: Body = {"name": id_.name}
    if id_.namespace:
        metadata["namespace"] = id_.namespace
    if template is not None and template.labels:
        metadata["labels"] = template.labels
    items = _items(standings, rendered.get("commit", ""), before)
    body: Body = {
        "apiVersion": API_VERSION,
        "kind": "WorkloadStatus",
        "metadata": metadata,
        "resource": encode_resource(id_, binding.api_version),
        "clusters": _placement(binding, facts.delivered.get(id_, {})),
        "aggregatedStatus": items,
        "health": overall_health(standings).value,
        "readiness": worst_readiness(standings).value,
        "conditions": workload_conditions(
            standings,
            scheduled=binding.scheduled,
            held=facts.held_reason(str(id_)),
            rendered=bool(rendered),
            previous=before.get("conditions") or [],
            now=facts.now,
        ),
    }
    if rendered:
        body["rendered"] = rendered
    merged, is_told = None, True
    if template is not None and items:
        # Karmada merges into the status it merged last; another content begins anew. A status in Git is nobody's word.
        is_same = bool(rendered) and before.get("rendered") == rendered
        known = before.get("status") if is_same else None
        own = {key: value for key, value in template.body.items() if key != "status"}
        answer = aggregate({**own, "status": known} if known else own, _all(items, standings))
        is_told = answer is not None
        merged = before.get("status") if answer is None else answer.get("status")
    if merged:
        try:
            whole = {**body, "status": merged}
            return whole, emit(whole), is_told
        except (TypeError, ValueError):
            # Sums beyond 64 bits and the like: what one member claims must not keep the others' status away.
            pass
    return body, emit(body), is_told


def _all(items: Sequence[Body], standings: Sequence[Standing]) -> list[Body]:
    """The entries with one for each cluster that says nothing yet: what asks for all members must not be content with some."""
    known = {item["clusterName"]: item for item in items}
    return [
        known.get(each.cluster) or {"clusterName": each.cluster, "health": each.health.value}
        for each in standings
    ]


def _placement(binding: Binding, delivered: Mapping[str, int]) -> list[Body]:
    """Its own clusters with their replicas, and those that an override sets; then those on which something needs it."""
    replicas = {target.name: target.replicas for target in binding.clusters}
    return [
        {
            "name": name,
            **({"replicas": replicas[name]} if replicas.get(name) else {}),
            **({"delivered": delivered[name]} if name in delivered else {}),
        }
        for name in binding.target_names
    ]


def _items(standings: Sequence[Standing], commit: str, before: Mapping[str, Any]) -> list[Body]:
    """One entry for each cluster that says something, with the rendered commit whose content it holds."""
    known = {item.get("clusterName"): item for item in before.get("aggregatedStatus") or []}
    items = []
    for standing in standings:
        if standing.member is None:
            continue
        item = encode_member(standing.member)
        at = commit if standing.applied else known.get(standing.cluster, {}).get("appliedCommit", "")
        if at:
            item["appliedCommit"] = at
        items.append(item)
    return items
