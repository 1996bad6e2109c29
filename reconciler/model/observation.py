"""All facts of one moment, as committed to the status branch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from reconciler.model.cluster import ClusterStatus
from reconciler.model.identity import ObjectId
from reconciler.model.webhook import WebhookAnswer


class Health(StrEnum):
    """Karmada's health of one object in one cluster."""

    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"
    UNKNOWN = "Unknown"


class Readiness(StrEnum):
    """kstatus: whether the object has reached what was asked (FIELD §2.2)."""

    CURRENT = "Current"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    TERMINATING = "Terminating"
    NOT_FOUND = "NotFound"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberStatus:
    """One object in one cluster: Karmada's AggregatedStatusItem, plus readiness."""

    cluster: str
    applied: bool = False
    applied_message: str = ""
    health: Health = Health.UNKNOWN
    readiness: Readiness = Readiness.UNKNOWN
    message: str = ""
    """Why it is not Current, in one sentence."""
    status: Any = None
    """The reflected status (JSON), or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterReport:
    """What is known of one cluster: its status, the commit it applied and when the facts were taken."""

    name: str
    status: ClusterStatus
    observed_at: datetime | None = None
    rendered_commit: str = ""
    """The rendered commit that this cluster had applied when it was observed: all of it."""
    delivered_commit: str = ""
    """The rendered commit of the last pass that wrote all it could, whatever the server refused of it."""
    sync: str = ""
    """A Reason of events.py, or empty."""
    message: str = ""
    scopes: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    """(group, kind) to whether it is namespaced, for custom kinds that the cluster serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Facts as committed: a render reads nothing else of the world.

    `commit` is the status commit (empty: nothing was ever observed), `time` its committer date.
    """

    commit: str = ""
    time: datetime | None = None
    rendered_commit: str = ""
    clusters: Mapping[str, ClusterReport] = field(default_factory=dict)
    objects: Mapping[ObjectId, tuple[MemberStatus, ...]] = field(default_factory=dict)
    answers: Mapping[ObjectId, tuple[WebhookAnswer, ...]] = field(default_factory=dict)
    """What interpreter webhooks have answered, by the object that they were asked about."""
