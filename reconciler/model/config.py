"""What a fleet author may set in `reconciler.yaml` (kind FleetConfig), and approvals. DESIGN §2 and §5."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Origin


class SecretsMode(StrEnum):
    """What happens to a plaintext Secret in the source."""

    REFUSE = "refuse"
    WARN = "warn"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRule:
    """Allows or warns by path (gitignore syntax) or by `namespace/name` (globs)."""

    mode: SecretsMode
    path: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathNamespace:
    """The namespace of objects below `path` that name none."""

    path: str
    namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KindScope:
    """Says whether a custom kind is namespaced, where nothing else tells."""

    group: str
    kind: str
    namespaced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetConfig:
    """The repository's own settings. Guards here can only tighten the operator's (None: the operator's)."""

    include: tuple[str, ...] = ()
    default_namespaces: tuple[PathNamespace, ...] = ()
    skipped_namespaces: tuple[str, ...] = ("kube-.*", "fleet-reconciler")
    secrets: SecretsMode = SecretsMode.REFUSE
    secret_rules: tuple[SecretRule, ...] = ()
    scopes: tuple[KindScope, ...] = ()
    max_deletions: int | None = None
    max_deletion_percent: int | None = None
    protected_kinds: tuple[str, ...] = ()
    suspend: bool = False
    suspended_clusters: tuple[str, ...] = ()
    observe_clusters: tuple[str, ...] = ()
    status_interval: float | None = None
    independent_scheduling: bool = False
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Allows the deletion of the listed objects on the listed clusters until it expires (DESIGN §5, promise 2).

    `clusters` may hold globs; `remove_cluster` approves deleting a removed cluster's objects.
    """

    name: str
    objects: tuple[ObjectId, ...]
    clusters: tuple[str, ...] = ("*",)
    expires: datetime
    reason: str = ""
    origin: Origin | None = field(default=None, compare=False)
