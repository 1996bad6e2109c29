"""The committed status documents: one file a cluster, one a workload; written here and read back here.

Shapes are documented in `docs/reference/status.md` and carry `fleet-reconciler/v1alpha1`. Reading is forgiving
(a field of a later version is passed over) and never trusts a report beyond the cluster it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

from reconciler.manifests.load import load
from reconciler.model.cluster_document import decode_cluster_status, encode_cluster_status
from reconciler.model.identity import ObjectId, encode_name
from reconciler.model.manifest import Body
from reconciler.model.observation import ClusterReport, Health, MemberStatus, Observation, Readiness
from reconciler.model.time import format_time, parse_time
from reconciler.model.webhook import WebhookAnswer
from reconciler.status.answers import DIRECTORY as ANSWERS_DIRECTORY
from reconciler.status.answers import decode_answers

_Word = TypeVar("_Word", bound=StrEnum)

API_VERSION: Final = "fleet-reconciler/v1alpha1"
SUMMARY_PATH: Final = "summary.yaml"
TEXT_PATH: Final = "STATUS.md"


def cluster_path(name: str) -> str:
    """The file of one cluster's status."""
    return f"clusters/{encode_name(name)}.yaml"


def workload_path(id_: ObjectId) -> str:
    """The file of one workload's status."""
    return f"workloads/{id_.tree_path}"


def encode_cluster_report(report: ClusterReport) -> Body:
    """The `ClusterReport` document: what is known of one cluster."""
    body: Body = {
        "apiVersion": API_VERSION,
        "kind": "ClusterReport",
        "metadata": {"name": report.name},
        "status": encode_cluster_status(report.status),
    }
    if report.rendered_commit:
        body["appliedCommit"] = report.rendered_commit
    if report.delivered_commit and report.delivered_commit != report.rendered_commit:
        body["deliveredCommit"] = report.delivered_commit
    if report.sync:
        body["sync"] = {"reason": report.sync, **({"message": report.message} if report.message else {})}
    if report.observed_at:
        body["observedAt"] = format_time(report.observed_at)
    if report.scopes:
        body["customKinds"] = [
            {"group": group, "kind": kind, "namespaced": namespaced}
            for (group, kind), namespaced in sorted(report.scopes.items())
        ]
    return body


def decode_cluster_report(body: Mapping[str, Any], *, name: str = "") -> ClusterReport:
    """Read a `ClusterReport`; `name` overrides what the document says of itself (reports are hostile input)."""
    sync = _mapping(body.get("sync"))
    observed = body.get("observedAt")
    return ClusterReport(
        name=name or str(_mapping(body.get("metadata")).get("name", "")),
        status=decode_cluster_status(dict(_mapping(body.get("status")))),
        observed_at=_time(observed),
        rendered_commit=str(body.get("appliedCommit") or ""),
        delivered_commit=str(body.get("deliveredCommit") or body.get("appliedCommit") or ""),
        sync=str(sync.get("reason") or ""),
        message=str(sync.get("message") or ""),
        scopes={
            (str(row.get("group") or ""), str(row.get("kind") or "")): row.get("namespaced") is True
            for row in map(_mapping, _list(body.get("customKinds")))
        },
    )


def encode_member(member: MemberStatus) -> Body:
    """One cluster's entry in a workload document: Karmada's AggregatedStatusItem, plus readiness."""
    body: Body = {
        "clusterName": member.cluster,
        "health": member.health.value,
        "readiness": member.readiness.value,
    }
    if member.applied:
        body["applied"] = True
    if member.applied_message:
        body["appliedMessage"] = member.applied_message
    if member.message:
        body["message"] = member.message
    if member.status is not None:
        body["status"] = member.status
    return body


def decode_member(body: Mapping[str, Any], *, cluster: str = "") -> MemberStatus:
    """Read one cluster's entry; unknown words become `Unknown`."""
    return MemberStatus(
        cluster=cluster or str(body.get("clusterName") or ""),
        applied=body.get("applied") is True,
        applied_message=str(body.get("appliedMessage") or ""),
        health=_word(Health, body.get("health"), Health.UNKNOWN),
        readiness=_word(Readiness, body.get("readiness"), Readiness.UNKNOWN),
        message=str(body.get("message") or ""),
        status=body.get("status"),
    )


def encode_resource(id_: ObjectId, api_version: str) -> Body:
    """A reference to the object that a document is about."""
    reference: Body = {"apiVersion": api_version, "kind": id_.kind, "name": id_.name}
    if id_.namespace:
        reference["namespace"] = id_.namespace
    return reference


def decode_resource(reference: Mapping[str, Any]) -> ObjectId:
    """The object that a document is about."""
    api_version = str(reference.get("apiVersion") or "")
    return ObjectId(
        group=api_version.rpartition("/")[0],
        kind=str(reference.get("kind") or ""),
        namespace=str(reference.get("namespace") or ""),
        name=str(reference.get("name") or ""),
    )


Read = tuple[Body, ClusterReport | tuple[ObjectId, tuple[MemberStatus, ...]] | None]


def decode_observation(
    files: Mapping[str, bytes],
    *,
    commit: str,
    time: datetime | None,
    memo: dict[str, tuple[bytes, Read]] | None = None,
) -> Observation:
    """The Observation that a status tree holds. `files` maps a path to bytes; foreign files are passed over.

    `memo` keeps what the files of an earlier commit came to: most of them are the same.
    """
    known = memo if memo is not None else {}
    clusters: dict[str, ClusterReport] = {}
    objects: dict[ObjectId, tuple[MemberStatus, ...]] = {}
    answers: dict[ObjectId, tuple[WebhookAnswer, ...]] = {}
    rendered = ""
    seen: dict[str, tuple[bytes, Read]] = {}
    for path, data in sorted(files.items()):
        if not path.endswith(".yaml"):
            continue
        at = known.get(path)
        seen[path] = at if at is not None and at[0] == data else (data, _read(path, data))
        body, found = seen[path][1]
        if path == SUMMARY_PATH:
            rendered = str(body.get("renderedCommit") or "")
        elif isinstance(found, ClusterReport):
            clusters[found.name] = found
        elif path.startswith(ANSWERS_DIRECTORY):
            answered = decode_answers(path, body)
            if answered is not None:
                answers[answered[0]] = answered[1]
        elif found is not None:
            objects[found[0]] = found[1]
    if memo is not None:
        memo.clear()
        memo.update(seen)
    return Observation(
        commit=commit,
        time=time,
        rendered_commit=rendered,
        clusters=clusters,
        objects=objects,
        answers=answers,
    )


def _read(path: str, data: bytes) -> Read:
    documents = load(data, path).documents
    body = documents[0].body if documents else {}
    if path.startswith("clusters/") and body:
        return {}, decode_cluster_report(body)
    if path.startswith("workloads/") and body:
        members = tuple(decode_member(_mapping(item)) for item in _list(body.get("aggregatedStatus")))
        return {}, (decode_resource(_mapping(body.get("resource"))), members)
    return body, None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _time(value: Any) -> datetime | None:
    try:
        return parse_time(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _word(kind: type[_Word], value: Any, default: _Word) -> _Word:
    try:
        return kind(value)
    except ValueError:
        return default
