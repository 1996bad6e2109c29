"""Which policy owns a template, given who owned it before (spec scheduling §2.5, the committed-claim rule).

Pure. The claim is part of the previous binding, so stickiness survives restarts. Answers with every policy that was
considered and the rule that decided.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.binding import Claim
from reconciler.model.manifest import Manifest
from reconciler.model.policy import PropagationPolicy
from reconciler.policy.precedence import Candidate, PolicyIndex, claim_of
from reconciler.selectors.resources import Level, selector_level

CLAIMED_BY = "resourcetemplate.karmada.io/claimed-by"


class Rule(StrEnum):
    """Why a template is claimed as it is."""

    KEPT = "its policy still selects it"
    PREEMPTED = "a policy with preemption Always took it"
    CHOSEN = "the best policy by priority, then specificity, then name"
    NAMESPACED = "a policy of its own namespace goes before every cluster-scoped one"
    HELD = "its policy cannot be read, so the claim is held"
    NOBODY = "no policy selects it"
    FOREIGN = "another controller has claimed it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Who owns a template. `policy` is None when nobody does, and when the owner is held and cannot be read.

    `candidates` are all policies that select it, best first. `previous` is the claim before.
    """

    rule: Rule
    claim: Claim | None = None
    policy: PropagationPolicy | None = None
    previous: Claim | None = None
    candidates: tuple[Candidate, ...] = ()

    @property
    def is_held(self) -> bool:
        """Whether the binding must stay exactly as it was."""
        return self.rule is Rule.HELD


def claim_template(
    manifest: Manifest,
    policies: PolicyIndex,
    previous: Claim | None = None,
    *,
    preemption: bool = False,
    is_held: Callable[[Claim], bool] = lambda _claim: False,
) -> Claimed:
    """The owner of a template. `previous` is the committed claim, if any.

    `preemption` is Karmada's gate PropagationPolicyPreemption (off by default). `is_held` says of a policy that is not
    in the index whether it may exist all the same (a refused document, an unreadable file): its claims are then kept.
    """
    if manifest.labels.get(CLAIMED_BY):
        return Claimed(rule=Rule.FOREIGN, previous=previous)
    candidates = policies.candidates(manifest)
    if previous is not None:
        owner = policies.by_claim.get(previous)
        if owner is None and is_held(previous):
            return Claimed(rule=Rule.HELD, claim=previous, previous=previous, candidates=candidates)
        if owner is not None and any(candidate.policy is owner for candidate in candidates):
            taker = _preemptor(manifest, owner, candidates) if preemption else None
            rule = Rule.KEPT if taker is None else Rule.PREEMPTED
            return _claimed(rule, taker or owner, previous, candidates)
    if not candidates:
        return Claimed(rule=Rule.NOBODY, previous=previous)
    winner = candidates[0].policy
    # Said apart, because priorities do not explain this outcome.
    cluster_scoped = any(candidate.policy.is_cluster_scoped for candidate in candidates)
    rule = Rule.NAMESPACED if winner.namespace and cluster_scoped else Rule.CHOSEN
    return _claimed(rule, winner, previous, candidates)


def _claimed(
    rule: Rule, policy: PropagationPolicy, previous: Claim | None, candidates: tuple[Candidate, ...]
) -> Claimed:
    return Claimed(rule=rule, claim=claim_of(policy), policy=policy, previous=previous, candidates=candidates)


def _preemptor(
    manifest: Manifest, owner: PropagationPolicy, candidates: tuple[Candidate, ...]
) -> PropagationPolicy | None:
    """The best policy that may take the template from its owner (§2.5.7), or None. Candidates come best first."""
    return next(
        (
            candidate.policy
            for candidate in candidates
            if candidate.policy is not owner
            and candidate.policy.preemption == "Always"
            and _names(candidate.policy, manifest)
            and _may_take(candidate.policy, owner)
        ),
        None,
    )


def _names(policy: PropagationPolicy, manifest: Manifest) -> bool:
    # Preemption is evaluated for named selectors only.
    return any(
        selector.name and selector_level(manifest, selector) is Level.NAME
        for selector in policy.resource_selectors
    )


def _may_take(policy: PropagationPolicy, owner: PropagationPolicy) -> bool:
    if policy.is_cluster_scoped and not owner.is_cluster_scoped:
        return False
    if not policy.is_cluster_scoped and owner.is_cluster_scoped:
        return True  # priorities are ignored
    return policy.priority > owner.priority
