"""The operator's settings: what flags and `RECONCILER_*` say, as one frozen value.

Only `cli/` reads flags and the environment; everything else is handed these values. What a fleet author may
set lives in `reconciler.yaml` (`model/config.py`), and can only tighten what is here.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchNames:
    """Machine branches (DESIGN §2); `{prefix}` is configurable, the rest is fixed."""

    source: str = "main"
    prefix: str = "reconciler"

    @property
    def rendered(self) -> str:
        """The branch of the whole render tree."""
        return f"{self.prefix}/rendered"

    @property
    def status(self) -> str:
        """The branch of the aggregated status."""
        return f"{self.prefix}/status"

    def cluster(self, name: str) -> str:
        """The branch that one cluster's agent pulls."""
        return f"{self.prefix}/cluster/{name}"

    def report(self, name: str) -> str:
        """The branch on which one cluster's agent reports."""
        return f"{self.prefix}/report/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardLimits:
    """Deletion guards (DESIGN §5, promise 2): the larger of `max_deletions` and `max_percent` of the inventory.

    `protected_kinds` are kinds, as `Kind` or `Kind.group`, whose removal always needs an approval.
    """

    max_deletions: int = 10
    max_percent: int = 20
    protected_kinds: tuple[str, ...] = (
        "CustomResourceDefinition.apiextensions.k8s.io",
        "Namespace",
        "PersistentVolumeClaim",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteUrls:
    """One URL a role; `{cluster}` is allowed in `cluster` and `report`. Empty means the source's."""

    source: str = ""
    rendered: str = ""
    cluster: str = ""
    report: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator decides. Durations are in seconds."""

    branches: BranchNames = field(default_factory=BranchNames)
    remotes: RemoteUrls = field(default_factory=RemoteUrls)
    guards: GuardLimits = field(default_factory=GuardLimits)
    field_manager: str = "fleet-reconciler"
    namespace: str = "fleet-reconciler"
    poll_interval: float = 60.0
    status_interval: float = 300.0
    report_interval: float = 300.0
    pushes_per_minute: float = 6.0
    full_pass_interval: float = 600.0
    request_timeout: float = 30.0
    ready_timeout: float = 300.0
