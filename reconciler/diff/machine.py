"""A difference for programs: one JSON shape, `fleet-reconciler/v1alpha1` kind `Diff`, documented and versioned.

Pure. Fields are only added within a version; readers ignore what they do not know.
"""

from __future__ import annotations

from typing import Any

from reconciler.diff.dangers import Danger
from reconciler.diff.detail import object_detail
from reconciler.diff.difference import Difference
from reconciler.diff.objects import FieldAction, FieldChange, path_text
from reconciler.diff.placement import ClusterShare, PlacementChange
from reconciler.diff.trees import FileChange, ObjectAction, ObjectChange
from reconciler.errors import Problem
from reconciler.model.identity import ObjectId

API_VERSION = "fleet-reconciler/v1alpha1"


def difference_json(value: Difference) -> dict[str, Any]:
    """The difference as JSON values. Lists are sorted; bodies are masked."""
    provenance = value.provenance
    return {
        "apiVersion": API_VERSION,
        "kind": "Diff",
        "base": provenance.base,
        "head": provenance.head,
        "facts": provenance.facts,
        "engine": provenance.engine,
        "verdict": value.verdict.value,
        "complete": value.complete,
        "simulated": value.simulated,
        "summary": {
            "objects": {action.value: count for action, count in value.totals.items()},
            "placements": len(value.placements),
            "clustersTouched": list(value.trees.clusters_touched),
            "clustersAdded": list(value.trees.clusters_added),
            "clustersRemoved": list(value.trees.clusters_removed),
            "clustersAssumed": list(value.assumed_clusters),
            "unclaimed": [_id(id_) for id_ in value.unclaimed],
        },
        "guards": [
            {
                "cluster": cluster,
                "name": guard.name,
                "message": guard.message,
                "objects": [_id(i) for i in guard.objects],
            }
            for cluster, guards in sorted(value.guards.items())
            for guard in guards
        ],
        "dangers": [_danger(danger) for danger in value.dangers],
        "placements": [_placement(change) for change in value.placements],
        "clusters": [_cluster(value, name) for name in value.clusters],
        "objects": [_object(change) for change in value.trees.changes],
        "files": [_file(change) for change in value.trees.files],
        "problems": [problem_json(problem) for problem in value.problems],
        "newProblems": [problem_json(problem) for problem in value.new_problems],
    }


def problem_json(problem: Problem) -> dict[str, Any]:
    """A problem as JSON values: `path`, `line` and `column` are null and 0 where it has no place."""
    at = problem.location
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "message": problem.message,
        "path": at.path if at else None,
        "line": at.line if at else 0,
        "column": at.column if at else 0,
        "subject": problem.subject,
        "evidence": list(problem.evidence),
        "remedy": problem.remedy,
    }


def _id(id_: ObjectId) -> dict[str, str]:
    return {"group": id_.group, "kind": id_.kind, "namespace": id_.namespace, "name": id_.name}


def _danger(danger: Danger) -> dict[str, Any]:
    return {
        "rule": danger.rule,
        "message": danger.message,
        "object": _id(danger.id) if danger.id else None,
        "clusters": list(danger.clusters),
    }


def _placement(change: PlacementChange) -> dict[str, Any]:
    return {
        "object": _id(change.id),
        "reason": change.reason,
        "replicasBefore": change.total_before,
        "replicasAfter": change.total_after,
        "clusters": [share_json(share) for share in change.shares],
    }


def share_json(share: ClusterShare) -> dict[str, Any]:
    """One cluster's part of a placement, before and after."""
    return {
        "name": share.cluster,
        "before": share.before,
        "after": share.after,
        "deliveredBefore": share.delivered_before,
        "deliveredAfter": share.delivered_after,
    }


def _cluster(value: Difference, name: str) -> dict[str, Any]:
    counts = value.trees.counts(name)
    return {
        "name": name,
        "objectsBefore": value.trees.objects_before.get(name, 0),
        "objectsAfter": value.trees.objects_after.get(name, 0),
        **{action.value: counts[action] for action in ObjectAction},
    }


def _object(change: ObjectChange) -> dict[str, Any]:
    return {
        "object": _id(change.id),
        "action": change.action.value,
        "renamedFrom": _id(change.renamed_from) if change.renamed_from else None,
        "clusters": list(change.clusters),
        "fields": [_field(field) for field in change.fields],
    }


def detail_json(change: ObjectChange) -> dict[str, Any]:
    """One changed object and every difference in it; none where it came or went whole."""
    before, after = change.before, change.after
    return {
        "object": _id(change.id),
        "action": change.action.value,
        "renamedFrom": _id(change.renamed_from) if change.renamed_from else None,
        "clusters": list(change.clusters),
        "changes": [
            {
                "action": detail.action.value,
                "path": path_text(detail.path),
                "newPath": path_text(detail.new_path),
                "before": detail.before,
                "after": detail.after,
            }
            for detail in (() if before is None or after is None else object_detail(before, after))
        ],
    }


def _field(field: FieldChange) -> dict[str, Any]:
    result: dict[str, Any] = {"path": field.where, "action": field.action.value}
    if field.action is not FieldAction.ADDED:
        result["before"] = field.before
    if field.action is not FieldAction.REMOVED:
        result["after"] = field.after
    return result


def _file(change: FileChange) -> dict[str, Any]:
    return {"path": change.path, "action": change.action.value, "clusters": list(change.clusters)}
