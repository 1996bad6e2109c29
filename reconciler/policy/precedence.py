"""Which policy wins a template (spec scheduling §2.4), over an index that looks only at policies of its kind.

Pure. Priority first, then how specifically a policy selects, then the smallest name; a namespaced policy of any
priority beats every cluster-scoped one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.model.binding import Claim
from reconciler.model.manifest import Manifest
from reconciler.model.policy import PropagationPolicy
from reconciler.selectors.resources import Level, best_level


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A policy that selects a template, and how specifically."""

    policy: PropagationPolicy
    level: Level

    @property
    def rank(self) -> tuple[int, int, bytes]:
        """The smallest rank wins among policies of one scope. Names compare by bytes."""
        return (-self.policy.priority, -self.level, self.policy.name.encode())


def loses_by(loser: Candidate, winner: Candidate) -> str:
    """The rule of §2.4 by which `winner` stands before `loser`, in words; empty where it does not."""
    if loser.policy.is_cluster_scoped != winner.policy.is_cluster_scoped:
        return "a policy of the object's own namespace goes first" if loser.policy.is_cluster_scoped else ""
    if loser.rank <= winner.rank:
        return ""
    if loser.policy.priority != winner.policy.priority:
        return f"its priority {loser.policy.priority} is lower than {winner.policy.priority}"
    if loser.level != winner.level:
        return f"it selects by {loser.level.name.lower()}, less specific than by {winner.level.name.lower()}"
    return "its name comes later"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyIndex:
    """Policies by identity, and by what their selectors name. Policies that are being deleted are left out."""

    by_claim: Mapping[Claim, PropagationPolicy] = field(default_factory=dict)
    by_kind: Mapping[tuple[str, str, str], tuple[PropagationPolicy, ...]] = field(default_factory=dict)
    """(policy namespace, apiVersion, kind) to the policies with a selector for them, by name."""

    def candidates(self, manifest: Manifest) -> tuple[Candidate, ...]:
        """Every policy that selects the template, the winner first, namespaced ones before cluster-scoped ones."""
        namespaced = self._matching(manifest, manifest.id.namespace) if manifest.id.namespace else ()
        return (*namespaced, *self._matching(manifest, ""))

    def winner(self, manifest: Manifest) -> Candidate | None:
        """The policy that claims an unclaimed template, or None."""
        return next(iter(self.candidates(manifest)), None)

    def _matching(self, manifest: Manifest, namespace: str) -> tuple[Candidate, ...]:
        policies = self.by_kind.get((namespace, manifest.api_version, manifest.id.kind), ())
        levels = ((policy, best_level(manifest, policy.resource_selectors)) for policy in policies)
        matching = (Candidate(policy=policy, level=level) for policy, level in levels if level)
        return tuple(sorted(matching, key=lambda candidate: candidate.rank))


def index_policies(policies: Iterable[PropagationPolicy]) -> PolicyIndex:
    """The index of a fleet's policies; their order does not matter."""
    living = sorted((p for p in policies if not p.deleting), key=lambda p: (p.namespace, p.name))
    by_kind: dict[tuple[str, str, str], list[PropagationPolicy]] = {}
    for policy in living:
        for key in _keys(policy):
            by_kind.setdefault(key, []).append(policy)
    return PolicyIndex(
        by_claim={claim_of(policy): policy for policy in living},
        by_kind={key: tuple(found) for key, found in by_kind.items()},
    )


def claim_of(policy: PropagationPolicy) -> Claim:
    """The claim that says: this policy owns the template."""
    return Claim(name=policy.name, namespace=policy.namespace)


def _keys(policy: PropagationPolicy) -> Iterator[tuple[str, str, str]]:
    named = dict.fromkeys((s.api_version, s.kind) for s in policy.resource_selectors)
    return ((policy.namespace, api_version, kind) for api_version, kind in named)
