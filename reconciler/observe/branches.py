"""Reports: what an agent writes to its report branch, and what we believe of it.

A report is hostile input and can only speak of its own cluster (DESIGN §4): names in it are ignored, sizes are bounded, whatever
does not parse is left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from reconciler.manifests.load import load
from reconciler.model.cluster import Condition
from reconciler.model.identity import ObjectId, object_id_of_path
from reconciler.model.observation import ClusterReport, MemberStatus
from reconciler.status.document import (
    API_VERSION,
    decode_cluster_report,
    decode_member,
    encode_cluster_report,
    encode_member,
)
from reconciler.status.settled import settled

CLUSTER_FILE: Final = "cluster.yaml"
OBJECTS: Final = "objects/"
MISSED_REPORTS: Final = 3
"""So many intervals without a report make a cluster Unknown."""
_MAX_MESSAGE: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one agent says: of its cluster, and of our objects in it. `refused` counts files that were not believed."""

    cluster: ClusterReport
    members: Mapping[ObjectId, MemberStatus] = field(default_factory=dict)
    refused: int = 0


def encode_report(
    report: ClusterReport,
    members: Mapping[ObjectId, MemberStatus],
    *,
    previous: Mapping[str, bytes] | None = None,
    counters_due: bool = True,
) -> dict[str, bytes]:
    """The files of a report branch: one for the cluster, one an object. Unless numbers are due, those of `previous` stand."""
    bodies = {CLUSTER_FILE: encode_cluster_report(report)}
    for id_, member in sorted(members.items()):
        body = {"apiVersion": API_VERSION, "kind": "ObjectReport", **encode_member(member)}
        bodies[f"{OBJECTS}{id_.tree_path}"] = body
    before = previous or {}
    return {path: settled(body, before.get(path), counters_due=counters_due) for path, body in bodies.items()}


def decode_report(cluster: str, files: Mapping[str, bytes]) -> Report | None:
    """What `cluster`'s report says; None when it says nothing readable of the cluster itself, which is silence."""
    head = _body(files.get(CLUSTER_FILE), CLUSTER_FILE)
    if head is None:
        return None
    members: dict[ObjectId, MemberStatus] = {}
    refused = 0
    for path in files:
        if not path.startswith(OBJECTS):
            continue
        id_ = object_id_of_path(path.removeprefix(OBJECTS))
        body = _body(files[path], path)
        if id_ is None or body is None:
            refused += 1
            continue
        member = decode_member(body, cluster=cluster)
        members[id_] = replace(
            member,
            applied_message=member.applied_message[:_MAX_MESSAGE],
            message=member.message[:_MAX_MESSAGE],
        )
    try:
        report = decode_cluster_report(head, name=cluster)
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError):
        return None
    return Report(
        cluster=replace(report, message=report.message[:_MAX_MESSAGE]), members=members, refused=refused
    )


def with_silence(
    report: ClusterReport, *, reported_at: datetime, now: datetime, interval: float
) -> ClusterReport:
    """The report, with Ready Unknown when the agent has been silent for three intervals (seconds)."""
    if now - reported_at <= timedelta(seconds=interval) * MISSED_REPORTS:
        return report
    unknown = Condition(
        type="Ready",
        status="Unknown",
        reason="ClusterStatusUnknown",
        message="the agent has stopped reporting",
        last_transition_time=reported_at,
    )
    others = tuple(condition for condition in report.status.conditions if condition.type != "Ready")
    return replace(report, status=replace(report.status, conditions=(*others, unknown)))


def _body(data: bytes | None, path: str) -> dict[str, Any] | None:
    if data is None:
        return None
    loaded = load(data, path)
    if loaded.problems or len(loaded.documents) != 1:
        return None
    return loaded.documents[0].body
