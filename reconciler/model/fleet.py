"""All that one commit says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.errors import Problem
from reconciler.model.cluster import Cluster
from reconciler.model.config import Approval, FleetConfig
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest
from reconciler.model.override import OverridePolicy
from reconciler.model.policy import PropagationPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One file of the commit's tree, as bytes. `oid` is its blob id (a memo key); `mode` is Git's file mode."""

    path: str
    data: bytes
    oid: str = ""
    mode: int = 0o100644


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a commit's tree (or a work tree) holds, before any of it is read as a manifest.

    `commit` is empty for a work tree. `time` is the commit's committer date: the first candidate for `now`.
    """

    commit: str
    time: datetime
    files: tuple[SourceFile, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file or document that is not ours, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Templates, policies, clusters and settings of one commit, each checked; with every problem found.

    `unreadable` lists files whose documents are unknown: their objects are held and nothing is pruned.
    `refused` lists documents whose identity is known and whose content is not acted on: what they govern is held.
    """

    commit: str
    time: datetime
    templates: tuple[Manifest, ...] = ()
    propagation_policies: tuple[PropagationPolicy, ...] = ()
    override_policies: tuple[OverridePolicy, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    customizations: tuple[Manifest, ...] = ()
    webhooks: tuple[Manifest, ...] = ()
    config: FleetConfig = field(default_factory=FleetConfig)
    approvals: tuple[Approval, ...] = ()
    problems: tuple[Problem, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    unreadable: tuple[str, ...] = ()
    refused: tuple[Manifest, ...] = ()
    namespaced_kinds: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    """(group, kind) to whether it is namespaced, for every kind the fleet could resolve."""

    @property
    def is_complete(self) -> bool:
        """Whether absence in this fleet means intent (DESIGN §5, promise 1)."""
        return not self.unreadable and not self.refused

    def template(self, id_: ObjectId) -> Manifest | None:
        """The template of that identity, or None."""
        return next((manifest for manifest in self.templates if manifest.id == id_), None)
