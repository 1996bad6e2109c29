"""A member cluster: what the fleet says of it (spec) and what was observed (status). Spec scheduling §1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.model.manifest import Origin
from reconciler.model.quantity import Quantity


class DeliveryMode(StrEnum):
    """Who writes into the cluster (DESIGN §4): we do, our agent does, or somebody else's tool does."""

    PUSH = "Push"
    PULL = "Pull"
    EXTERNAL = "External"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """A cluster taint. `time_added` starts the clock of `tolerationSeconds`."""

    key: str
    effect: str
    value: str = ""
    time_added: datetime | None = None

    def __str__(self) -> str:
        # Karmada's text: `key=value:Effect`, `key:Effect` without value, `key=value:` without effect.
        if not self.effect:
            return f"{self.key}={self.value}:"
        return f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRange:
    """One resource's interval `[min, max)` in a grade."""

    name: str
    min: Quantity
    max: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceModel:
    """One grade of nodes (spec scheduling §1.4)."""

    grade: int
    ranges: tuple[ResourceRange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A Kubernetes condition. `status` is `True`, `False` or `Unknown`."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiResources:
    """What one `groupVersion` serves: kinds, with their resource names and scope where known."""

    group_version: str
    kinds: frozenset[str]
    resources: tuple[tuple[str, str], ...] = ()
    """(resource name, kind), sorted by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSummary:
    """Sums over nodes and pods, by resource name; `modelings` counts nodes by grade."""

    allocatable: Mapping[str, Quantity] = field(default_factory=dict)
    allocating: Mapping[str, Quantity] = field(default_factory=dict)
    allocated: Mapping[str, Quantity] = field(default_factory=dict)
    modelings: tuple[tuple[int, int], ...] = ()
    """(grade, count of nodes), by grade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSummary:
    """Counts of nodes."""

    total: int = 0
    ready: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStatus:
    """Everything observed of a cluster that scheduling may read (spec scheduling §1.3)."""

    kubernetes_version: str = ""
    api_enablements: tuple[ApiResources, ...] = ()
    conditions: tuple[Condition, ...] = ()
    node_summary: NodeSummary | None = None
    resource_summary: ResourceSummary | None = None
    remedy_actions: tuple[str, ...] = ()

    def condition(self, type_: str) -> Condition | None:
        """The condition of that type, or None."""
        return next((c for c in self.conditions if c.type == type_), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretReference:
    """A Secret in the reconciler's own namespace (DESIGN §6)."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One member, as the fleet declares it, with the status it is scheduled by.

    `assumed` marks a cluster that never reported and is taken as ready with every API (offline verbs only).
    `observe_only` plans and reports but writes nothing; `suspended` is checked before every write.
    """

    name: str
    uid: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    sync_mode: DeliveryMode = DeliveryMode.PUSH
    api_endpoint: str = ""
    secret_ref: SecretReference | None = None
    insecure_skip_tls_verification: bool = False
    proxy_url: str = ""
    proxy_header: Mapping[str, str] = field(default_factory=dict)
    provider: str = ""
    region: str = ""
    zones: tuple[str, ...] = ()
    taints: tuple[Taint, ...] = ()
    resource_models: tuple[ResourceModel, ...] = ()
    status: ClusterStatus = field(default_factory=ClusterStatus)
    deletion_timestamp: datetime | None = None
    observe_only: bool = False
    suspended: bool = False
    assumed: bool = False
    origin: Origin | None = field(default=None, compare=False)
