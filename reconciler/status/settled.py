"""What of a committed document is worth a commit at once: transitions are, numbers and sentences alone wait until they are due.

A transition is also what a status says of itself in one word (a phase, a state) or in its conditions. So a rolling update is a handful of commits and a quiet fleet is none (DESIGN §5, promise 10). The same for the status branch
and for the reports of agents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reconciler.manifests.emit import emit
from reconciler.manifests.load import load
from reconciler.model.manifest import Body

_STATE: Final = ("phase", "state")


def settled(body: Body, previous: bytes | None, *, counters_due: bool) -> bytes:
    """`body` as bytes, or the previous bytes when only numbers or words moved and they are not due."""
    data = emit(body)
    if previous is None or data == previous or counters_due:
        return data
    return previous if transitions(body) == transitions(body_of(previous)) else data


def body_of(data: bytes | None, path: str = "") -> Body:
    """The one document of a committed file; an empty one where there is none."""
    if not data:
        return {}
    documents = load(data, path).documents
    return documents[0].body if documents else {}


def transitions(body: Mapping[str, Any]) -> Any:
    """The part of a document whose change is worth a commit at once."""
    status = body.get("status") or {}
    match body.get("kind"):
        case "ClusterReport":
            return (
                (body.get("sync") or {}).get("reason"),
                body.get("appliedCommit"),
                body.get("deliveredCommit"),
                body.get("customKinds"),
                status.get("kubernetesVersion"),
                status.get("apiEnablements"),
                _conditions(status),
                _conditions(body),
                status.get("nodeSummary"),
                status.get("resourceSummary"),
            )
        case "ObjectReport":
            return _member(body)
        case _:
            members = body.get("aggregatedStatus") or []
            return (
                body.get("metadata"),
                body.get("clusters"),
                body.get("rendered"),
                body.get("health"),
                body.get("readiness"),
                [(member.get("clusterName"), _member(member)) for member in members],
                _conditions(body),
            )


def state_of(status: Any) -> str:
    """What a status says of itself in one word: its phase or state; empty where it says nothing of the kind."""
    words = (status.get(key) for key in _STATE) if isinstance(status, Mapping) else ()
    return next((word for word in words if isinstance(word, str) and word), "")


def _member(body: Mapping[str, Any]) -> tuple[Any, ...]:
    status = body.get("status")
    return (
        *(body.get(key) for key in ("applied", "appliedCommit", "appliedMessage", "health", "readiness")),
        state_of(status),
        _conditions(status) if isinstance(status, Mapping) else [],
    )


def _conditions(body: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    found = body.get("conditions")
    return [
        (c.get("type"), c.get("status"), c.get("reason"))
        for c in (found if isinstance(found, list) else [])
        if isinstance(c, Mapping)
    ]
