"""What one status commit is made from, as one value; and how far a cluster has come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from reconciler.errors import Problem, Severity
from reconciler.events import Reason
from reconciler.model.binding import Binding
from reconciler.model.cluster import Cluster, DeliveryMode
from reconciler.model.identity import ObjectId, object_id_of_path
from reconciler.model.manifest import Body, Manifest
from reconciler.model.observation import ClusterReport, MemberStatus
from reconciler.model.tree import RenderTree
from reconciler.status.answers import Answers
from reconciler.status.conditions import Standing

Aggregate = Callable[[Body, Sequence[Body]], Body | None]
"""Karmada's AggregateStatus: template body and AggregatedStatusItems to the body with the merged `status`; None where that cannot
be told just now, so that what was told before stands."""

SUSPENDED_DISPATCH = "SuspendDispatching"
NOT_REPORTED = "NotReported"
_UNPLACED = ("R301", "R302", "R303", "R304", "R305")
_EVERYTHING = "R332"
_DIGEST = 16
"""Hexadecimal digits: it tells two contents of one object apart, and proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one status commit is made from.

    `members` maps an object to its entries, one a cluster; `previous` is the tree of the last status commit
    (path to bytes); `counters_due` says whether numbers alone may be written now.
    """

    source_commit: str
    rendered_commit: str
    now: datetime
    clusters: tuple[Cluster, ...]
    reports: Mapping[str, ClusterReport]
    bindings: Mapping[ObjectId, Binding]
    templates: Mapping[ObjectId, Manifest] = field(default_factory=dict)
    members: Mapping[ObjectId, tuple[MemberStatus, ...]] = field(default_factory=dict)
    previous: Mapping[str, bytes] = field(default_factory=dict)
    counters_due: bool = True
    problem_counts: Mapping[str, int] = field(default_factory=dict)
    complete: bool = True
    answers: Answers = field(default_factory=dict)
    """What interpreter webhooks have answered, as far as it is to be kept."""
    digests: Mapping[ObjectId, str] = field(default_factory=dict)
    """What is rendered of each object, over all clusters, as one digest; nothing where no tree holds it."""
    delivered: Mapping[ObjectId, Mapping[str, int]] = field(default_factory=dict)
    """Cluster to replicas of an object, where an override sets another number than the scheduler gave."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Why an object (`str` of its identity) or a cluster (`Cluster NAME`) is held as it was; "" for everything."""
    released: Mapping[str, str] = field(default_factory=dict)
    """The rendered commit that the branch of a pull cluster shows, where it holds the newest tree of that cluster."""
    rules: str = ""
    """A digest of the rules by which statuses are merged."""
    newer: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """For a rendered commit that some cluster stands at: the rendered commits after it."""
    by_name: Mapping[str, Cluster] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {cluster.name: cluster for cluster in self.clusters})

    def held_reason(self, subject: str) -> str:
        """Why something is not rendered from what the fleet says now, or an empty text."""
        return self.held.get("") or self.held.get(subject, "")

    def has_delivered(self, cluster: Cluster, rendered_commit: str) -> bool:
        """Whether a cluster's last pass had what was rendered of a workload by `rendered_commit`."""
        report = self.reports.get(cluster.name)
        at = (report.delivered_commit or report.rendered_commit) if report else ""
        if not at:
            # Another tool takes the branch: that it shows the newest tree is all that can be known.
            return cluster.sync_mode is DeliveryMode.EXTERNAL and bool(self.released.get(cluster.name))
        if at in (self.rendered_commit, self.released.get(cluster.name)):
            return True
        after = self.newer.get(at)
        return after is not None and rendered_commit not in after

    def standings(self, binding: Binding, id_: ObjectId, rendered_commit: str) -> tuple[Standing, ...]:
        """A workload on each cluster that it is placed on, by name."""
        by_cluster = {member.cluster: member for member in self.members.get(id_, ())}
        return tuple(
            self._standing(binding, self.by_name.get(name) or Cluster(name=name), by_cluster, rendered_commit)
            for name in sorted(binding.target_names)
        )

    def _standing(
        self,
        binding: Binding,
        cluster: Cluster,
        members: Mapping[str, MemberStatus],
        rendered_commit: str,
    ) -> Standing:
        member = members.get(cluster.name)
        if binding.suspension is not None and binding.suspension.dispatch_to(cluster.name):
            return Standing(cluster=cluster.name, member=member, why_not=SUSPENDED_DISPATCH)
        if self.has_delivered(cluster, rendered_commit):
            return Standing(cluster=cluster.name, member=member, delivered=True)
        report = self.reports.get(cluster.name)
        reason = report.sync if report and report.sync else NOT_REPORTED
        # Its last pass went well; this commit is simply not there yet.
        reason = Reason.PROGRESSING.value if reason == Reason.SYNCED.value else reason
        return Standing(cluster=cluster.name, member=member, why_not=reason)


def rendered_digests(tree: RenderTree) -> dict[ObjectId, str]:
    """What a tree holds of each object, over all clusters, as one digest: it moves when any cluster's content does."""
    found: dict[ObjectId, list[bytes]] = {}
    for variant in tree.variants:
        id_ = object_id_of_path(variant.path)
        if id_ is not None:
            clusters = "\n".join(variant.clusters).encode()
            found.setdefault(id_, []).append(clusters + b"\0" + sha256(variant.data).digest())
    return {id_: sha256(b"\0".join(parts)).hexdigest()[:_DIGEST] for id_, parts in found.items()}


def held_subjects(problems: Sequence[Problem]) -> dict[str, str]:
    """What the problems of a render say of each object or cluster that is not rendered from what the fleet says now.

    That no cluster fits is no fault of rendering: the condition `Scheduled` tells it.
    """
    found: dict[str, str] = {}
    for problem in problems:
        if problem.severity is not Severity.ERROR or problem.code in _UNPLACED:
            continue
        if problem.subject or problem.code == _EVERYTHING:
            where = f" ({problem.location})" if problem.location else ""
            found.setdefault(problem.subject, f"{problem.code} {problem.message}{where}")
    return found
