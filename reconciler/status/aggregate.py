"""From what every cluster reports to the files of the status branch.

Coalesces: a document whose transitions (placement, applied, health, readiness) did not change keeps its old bytes
until counters are due, so that a rolling update is a handful of commits and a quiet fleet is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.manifests.emit import emit
from reconciler.model.binding import Binding
from reconciler.model.cluster import Cluster
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body, Manifest
from reconciler.model.observation import ClusterReport, MemberStatus
from reconciler.status.conditions import overall_health, workload_conditions, worst_readiness
from reconciler.status.document import (
    API_VERSION,
    SUMMARY_PATH,
    TEXT_PATH,
    cluster_path,
    encode_cluster_report,
    encode_member,
    encode_resource,
    workload_path,
)
from reconciler.status.settled import body_of, settled
from reconciler.status.text import status_text

Aggregate = Callable[[Body, Sequence[Body]], Body]
"""Karmada's AggregateStatus: template body and AggregatedStatusItems to the body with the merged `status`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one status commit is made from.

    `members` maps an object to its entries, one a cluster; `previous` is the tree of the last status commit
    (path to bytes); `counters_due` says whether numbers alone may be written now.
    """

    source_commit: str
    rendered_commit: str
    now: datetime
    clusters: tuple[Cluster, ...]
    reports: Mapping[str, ClusterReport]
    bindings: Mapping[ObjectId, Binding]
    templates: Mapping[ObjectId, Manifest] = field(default_factory=dict)
    members: Mapping[ObjectId, tuple[MemberStatus, ...]] = field(default_factory=dict)
    previous: Mapping[str, bytes] = field(default_factory=dict)
    counters_due: bool = True
    problem_counts: Mapping[str, int] = field(default_factory=dict)
    complete: bool = True
    released: Mapping[str, str] = field(default_factory=dict)
    """The rendered commit that a pull cluster's branch shows, where that is not `rendered_commit`: nothing changed for it since."""


def status_files(facts: Facts, aggregate: Aggregate) -> dict[str, bytes]:
    """Path to bytes of the whole status tree. Equal to `facts.previous` where nothing worth a commit changed."""
    files: dict[str, bytes] = {}
    told: dict[str, Body] = {}
    for cluster in facts.clusters:
        report = facts.reports.get(cluster.name)
        if report is not None:
            path = cluster_path(cluster.name)
            files[path] = settled(
                encode_cluster_report(report), facts.previous.get(path), counters_due=facts.counters_due
            )
            told[cluster.name] = body_of(files[path], path)
    rows: list[Body] = []
    for id_, binding in sorted(facts.bindings.items()):
        body = workload_document(
            id_, binding, facts.templates.get(id_), facts.members.get(id_, ()), facts, aggregate
        )
        path = workload_path(id_)
        files[path] = settled(body, facts.previous.get(path), counters_due=facts.counters_due)
        rows.append(body_of(files[path], path))
    summary = _summary(facts, told, rows)
    files[SUMMARY_PATH] = emit(summary)
    files[TEXT_PATH] = status_text(summary, rows).encode()
    return files


def workload_document(
    id_: ObjectId,
    binding: Binding,
    template: Manifest | None,
    members: Sequence[MemberStatus],
    facts: Facts,
    aggregate: Aggregate,
) -> Body:
    """The `WorkloadStatus` document of one template: per cluster, and merged as Karmada merges it."""
    path = workload_path(id_)
    before = body_of(facts.previous.get(path), path)
    expected = binding.target_names
    entries = sorted((member for member in members if member.cluster in expected), key=lambda m: m.cluster)
    items = [encode_member(member) for member in entries]
    scheduled = binding.scheduled
    body: Body = {
        "apiVersion": API_VERSION,
        "kind": "WorkloadStatus",
        "metadata": {"name": id_.name, **({"namespace": id_.namespace} if id_.namespace else {})},
        "resource": encode_resource(id_, binding.api_version),
        "clusters": [
            {"name": target.name, **({"replicas": target.replicas} if target.replicas else {})}
            for target in binding.clusters
        ],
        "aggregatedStatus": items,
        "health": overall_health(expected, entries).value,
        "readiness": worst_readiness(expected, entries).value,
        "conditions": workload_conditions(
            expected=expected,
            members=entries,
            scheduled=(
                scheduled is None or scheduled.status == "True",
                scheduled.message if scheduled else "",
            ),
            previous=before.get("conditions") or [],
            now=facts.now,
        ),
    }
    if template is not None and entries:
        merged = aggregate(template.body, items).get("status")
        if merged:
            body["status"] = merged
    return body


def _summary(facts: Facts, told: Mapping[str, Body], rows: Sequence[Body]) -> Body:
    clusters = []
    for cluster in facts.clusters:
        report = facts.reports.get(cluster.name)
        ready = report.status.condition("Ready") if report else None
        entry: Body = {
            "name": cluster.name,
            "mode": cluster.sync_mode.value,
            "ready": ready.status if ready else "Unknown",
        }
        if report and report.rendered_commit:
            entry["appliedCommit"] = report.rendered_commit
            wanted = (facts.rendered_commit, facts.released.get(cluster.name, ""))
            entry["current"] = report.rendered_commit in wanted
        if report and report.sync:
            entry["sync"] = report.sync
        # The words of the settled document: they change by themselves, and are no news.
        message = (told.get(cluster.name, {}).get("sync") or {}).get("message")
        if message:
            entry["message"] = message
        clusters.append(entry)
    return {
        "apiVersion": API_VERSION,
        "kind": "FleetSummary",
        "sourceCommit": facts.source_commit,
        "renderedCommit": facts.rendered_commit,
        "complete": facts.complete,
        "clusters": clusters,
        "workloads": {
            "total": len(rows),
            "health": dict(sorted(Counter(str(row.get("health")) for row in rows).items())),
            "readiness": dict(sorted(Counter(str(row.get("readiness")) for row in rows).items())),
        },
        "problems": dict(sorted(facts.problem_counts.items())),
    }
