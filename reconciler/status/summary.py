"""`summary.yaml`: the fleet as one document. Made of transitions alone, so that numbers never move it by themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.model.cluster import Cluster
from reconciler.model.manifest import Body
from reconciler.model.observation import ClusterReport, Health
from reconciler.status.document import API_VERSION
from reconciler.status.facts import Facts


def summary_document(facts: Facts, told: Mapping[str, Body], rows: Sequence[Body]) -> Body:
    """The `FleetSummary`; `told` are the documents of the clusters, and `rows` those of the workloads, as they are committed."""
    placed, healthy = counts_by_cluster(rows)
    return {
        "apiVersion": API_VERSION,
        "kind": "FleetSummary",
        "sourceCommit": facts.source_commit,
        "renderedCommit": facts.rendered_commit,
        "complete": facts.complete,
        "clusters": [
            {
                **_cluster(cluster, facts.reports.get(cluster.name), told.get(cluster.name, {}), facts),
                "workloads": {"total": placed[cluster.name], "healthy": healthy[cluster.name]},
            }
            for cluster in facts.clusters
        ],
        "workloads": {
            "total": len(rows),
            "health": dict(sorted(Counter(str(row.get("health")) for row in rows).items())),
            "readiness": dict(sorted(Counter(str(row.get("readiness")) for row in rows).items())),
        },
        "problems": dict(sorted(facts.problem_counts.items())),
    }


def counts_by_cluster(rows: Sequence[Mapping[str, Any]]) -> tuple[Counter[str], Counter[str]]:
    """How many workloads are placed on each cluster, and how many of those are healthy there."""
    placed: Counter[str] = Counter()
    healthy: Counter[str] = Counter()
    for row in rows:
        placed.update(target["name"] for target in row.get("clusters") or [])
        targets = {target["name"] for target in row.get("clusters") or []}
        healthy.update(
            item["clusterName"]
            for item in row.get("aggregatedStatus") or []
            if item.get("health") == Health.HEALTHY.value and item["clusterName"] in targets
        )
    return placed, healthy


def _cluster(cluster: Cluster, report: ClusterReport | None, told: Body, facts: Facts) -> Body:
    ready = report.status.condition("Ready") if report else None
    entry: Body = {
        "name": cluster.name,
        "mode": cluster.sync_mode.value,
        "ready": ready.status if ready else "Unknown",
    }
    if cluster.labels:
        entry["labels"] = dict(sorted(cluster.labels.items()))
    if cluster.region:
        entry["region"] = cluster.region
    if report and report.status.kubernetes_version:
        entry["kubernetesVersion"] = report.status.kubernetes_version
    if report and report.rendered_commit:
        entry["appliedCommit"] = report.rendered_commit
        wanted = (facts.rendered_commit, facts.released.get(cluster.name, ""))
        entry["current"] = report.rendered_commit in wanted
    if report and report.sync:
        entry["sync"] = report.sync
    # The words of the settled document: they change by themselves, and are no news.
    message = (told.get("sync") or {}).get("message")
    if message:
        entry["message"] = message
    return entry
