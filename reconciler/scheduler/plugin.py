"""What a filter, a score and a whole scheduler are: values in a table, each asked one question about one context.

Third-party ones come by entry point (groups `reconciler.filters`, `reconciler.scores`, `reconciler.schedulers`), are loaded
by the composition root and passed down. A plugin must be pure: same context and cluster, same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from reconciler.model.binding import Binding, TargetCluster
from reconciler.model.cluster import Cluster
from reconciler.model.policy import ClusterAffinityTerm, Placement
from reconciler.scheduler.outcome import Failure

MAX_SCORE: Final = 100

FieldPath = tuple[str | int, ...]
"""A field of a document: keys and indexes from its root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a filter says of a cluster. `reason` is empty when it fits; else it is said to people, the same for all alike.

    `policy_field` and `cluster_field`: where in the policy's or in the Cluster's document the reason lies, for whoever explains.
    """

    reason: str = ""
    policy_field: FieldPath = ()
    cluster_field: FieldPath = ()

    @property
    def fits(self) -> bool:
        """Whether the filter has nothing against the cluster."""
        return not self.reason


FITS: Final = Verdict()


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """Where the other bindings of this one's workload groups run (spec scheduling §3.7); bindings without a result are left out."""

    affinity: tuple[frozenset[str], ...] = ()
    anti_affinity: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One attempt to schedule one binding: the binding, its placement and the affinity group tried.

    `previous` is the previous result, cluster to replicas. `is_fresh` means a reschedule was asked for (§4.3).
    """

    binding: Binding
    placement: Placement
    affinity_name: str = ""
    previous: Mapping[str, int] = field(default_factory=dict)
    is_fresh: bool = False
    peers: Peers = field(default_factory=Peers)

    @property
    def term(self) -> ClusterAffinityTerm | None:
        """The affinity group that is tried, or None without groups (§3.3)."""
        if self.placement.cluster_affinity is not None:
            return None
        terms = self.placement.cluster_affinities
        return next((term for term in terms if term.affinity_name == self.affinity_name), None)


Check = Callable[[Context, Cluster], Verdict]
Prepare = Callable[[Context], Callable[[Cluster], Verdict]]
Grade = Callable[[Context, Cluster], int]
Concerns = Callable[[Context], Iterable[str] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A reason why a cluster cannot take a template. `spares_previous`: not asked about clusters that hold it already.

    The rest only makes it fast. `depends_on`: all that the verdict depends on besides the cluster, as a key; bindings with equal
    keys share verdicts. `prepare`: what `check` does, with the context's part of the work done once for many clusters.
    `concerns`: names the only clusters that it could refuse, or None for any.
    """

    name: str
    check: Check
    spares_previous: bool = False
    depends_on: Callable[[Context], Hashable] | None = None
    prepare: Prepare | None = None
    concerns: Concerns | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A preference, 0 to MAX_SCORE; scores are added up. `concerns` names the only clusters that it could prefer, or None."""

    name: str
    grade: Grade
    concerns: Concerns | None = None


class Scheduler(Protocol):
    """A whole scheduler: chosen by a policy's `schedulerName`, it replaces the four steps, not the walk over groups."""

    def __call__(self, context: Context, clusters: Sequence[Cluster]) -> tuple[TargetCluster, ...] | Failure:
        """The result, or why there is none. `clusters` are those not being deleted, by name."""
        ...
