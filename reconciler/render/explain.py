"""Why one template is where it is: who claimed it and who lost, what every filter said, how replicas were divided, what was overridden.

Pure, and recomputed with the functions that decide: nothing of this is kept. Said of a past render, it explains history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from reconciler.errors import Location, Problem
from reconciler.interpreter.registry import NATIVE, Interpreters
from reconciler.manifests.locate import locate
from reconciler.model.binding import Binding
from reconciler.model.cluster import Cluster
from reconciler.model.fleet import Fleet
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest
from reconciler.model.observation import Observation
from reconciler.model.policy import PropagationPolicy
from reconciler.model.tree import PreviousRender
from reconciler.overrides.prepare import prepare
from reconciler.policy.claim import Claimed, claim_template
from reconciler.render.begin import begin, known_faults
from reconciler.render.delivered import delivered_replicas
from reconciler.render.exclusions import never_propagated
from reconciler.render.memo import Memo
from reconciler.render.placing import place
from reconciler.render.render import render
from reconciler.render.standing import Standing
from reconciler.render.works import Tools, Work, works_for
from reconciler.scheduler.batch import PROFILES, takes_part
from reconciler.scheduler.explain import Explanation, Refusal
from reconciler.scheduler.outcome import Decision
from reconciler.scheduler.plugin import FieldPath
from reconciler.scheduler.registry import Profile


class Outcome(StrEnum):
    """What became of one affinity group."""

    PASSED_OVER = "not tried: a later group holds the object, and only a reschedule goes back"
    FAILED = "tried: it fails"
    CHOSEN = "chosen: the first from here on that works"
    NOT_REACHED = "not tried: a group before it works"
    STANDS = "it holds the object: nothing calls for another try"
    UNTOUCHED = "not tried: nothing calls for it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One affinity group of the placement (spec scheduling §3.3), and why it was chosen or not."""

    name: str
    outcome: Outcome
    location: Location | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Everything that decided over one template.

    `never` says why it is never propagated, `held` why it stays as it was, `waits` why no scheduler looks at it; `everywhere`: a
    Namespace that goes to every cluster by itself. `attempts`: one entry for each affinity group that was
    tried, the last one the one that worked; what would be, where `decision` has no trigger. `binding` is the result; `needed_by`
    names owners that it follows. `works` are the distinct contents with the override rules applied, in order; `delivered`
    maps a cluster to its replicas where they set them. `clusters` are as declared, by name.
    """

    template: Manifest
    never: str = ""
    claimed: Claimed | None = None
    held: str = ""
    everywhere: bool = False
    waits: str = ""
    problems: tuple[Problem, ...] = ()
    decision: Decision | None = None
    groups: tuple[Group, ...] = ()
    attempts: tuple[Explanation, ...] = ()
    binding: Binding | None = None
    needed_by: tuple[str, ...] = ()
    works: tuple[Work, ...] = ()
    delivered: Mapping[str, int] = field(default_factory=dict)
    clusters: Mapping[str, Cluster] = field(default_factory=dict)

    @property
    def is_hypothetical(self) -> bool:
        """Whether the attempts say what would be: nothing called for scheduling, so that the last result stands."""
        return self.decision is None or self.decision.trigger is None

    def place(self, *steps: str | int) -> Location | None:
        """Where a field of the placement stands in the policy's document."""
        return self._in_policy(("spec", "placement", *steps))

    def place_of(self, cluster: str, refusal: Refusal) -> Location | None:
        """Where the reason lies: in the policy, or in the Cluster's document."""
        if refusal.policy_field:
            return self._in_policy(refusal.policy_field)
        declared = self.clusters.get(cluster)
        if not refusal.cluster_field or declared is None or declared.origin is None:
            return None
        path = refusal.cluster_field
        if path[:2] == ("spec", "taints") and not _is_declared(declared, path, refusal):
            return declared.origin.location  # a condition stands for it, no line
        return locate(declared.origin, path)

    def _in_policy(self, path: FieldPath) -> Location | None:
        policy = self.claimed.policy if self.claimed is not None else None
        if policy is None or policy.manifest is None:
            return None
        return locate(policy.manifest.origin, path, key=True)


def _is_declared(cluster: Cluster, path: FieldPath, refusal: Refusal) -> bool:
    index = path[2] if len(path) > 2 else 0
    taints = cluster.taints
    return isinstance(index, int) and index < len(taints) and str(taints[index]) in refusal.reason


def explain(
    fleet: Fleet,
    observation: Observation,
    previous: PreviousRender,
    now: datetime,
    id_: ObjectId,
    *,
    interpreters: Interpreters = NATIVE,
    plugins: Mapping[str, Profile] = PROFILES,
    assume_unreported: bool = False,
) -> Explained | None:
    """Explain one template of `fleet`; None where the fleet has none of that identity."""
    template = fleet.template(id_)
    if template is None:
        return None
    never = never_propagated(template, fleet.config.skipped_namespaces)
    if never:
        return Explained(template=template, never=never)
    memo = Memo()
    faults = known_faults(fleet, previous, memo)
    if faults.everything:
        return Explained(template=template, held=faults.everything, binding=previous.bindings.get(id_))
    rendered = render(
        fleet,
        observation,
        previous,
        now,
        interpreters=interpreters,
        plugins=plugins,
        assume_unreported=assume_unreported,
    )
    begun = begin(
        fleet,
        observation,
        previous,
        faults,
        interpreters=interpreters,
        plugins=plugins,
        assume_unreported=assume_unreported,
        memo=memo,
    )
    own = next(track for track in begun.tracks if track.id == id_)
    scheduling = replace(begun.scheduling, explained=frozenset({id_}))
    placing = place(begun.tracks, begun.facts.clusters, scheduling, now, memo)
    old = previous.bindings.get(id_)
    owned = old if old is not None and old.placement is not None else None
    claimed = claim_template(template, begun.rules.policies, owned.claim if owned else None, preemption=True)
    binding = rendered.bindings.get(id_)
    works: tuple[Work, ...] = ()
    if binding is not None:
        present = {cluster.name for cluster in fleet.clusters}
        overrides = tuple(policy for policy in fleet.override_policies if not policy.deleting)
        tools = Tools(overrides=prepare(overrides, begun.facts.clusters), interpreters=interpreters)
        works = works_for(
            template,
            binding,
            [name for name in binding.target_names if name in present],
            tools.knowing(begun.answers.get(id_, ())),
        )
    decision = placing.decisions.get(id_)
    attempts = placing.explanations.get(id_, ())
    return Explained(
        template=template,
        claimed=claimed,
        held=own.standing.held,
        everywhere=own.standing.everywhere,
        waits=_waits(own.standing, plugins),
        # What nobody claims and something needs goes where it is needed, and there is nothing to say.
        problems=() if own.standing.is_unclaimed and binding is not None else own.standing.problems,
        decision=decision,
        groups=_groups(claimed.policy, own.standing.binding, decision, attempts),
        attempts=attempts,
        binding=binding,
        needed_by=tuple(f"{owner.namespace}/{owner.name}" for owner in binding.required_by)
        if binding
        else (),
        works=works,
        delivered=delivered_replicas(rendered.tree, {id_: binding}, interpreters).get(id_, {})
        if binding is not None
        else {},
        clusters={cluster.name: cluster for cluster in fleet.clusters},
    )


def _waits(standing: Standing, plugins: Mapping[str, Profile]) -> str:
    binding = standing.binding
    if not standing.is_scheduled or binding is None:
        return ""
    if binding.scheduler_name not in plugins:
        return f"no scheduler is named {binding.scheduler_name}"
    return "" if takes_part(binding) else "scheduling is suspended for it"


def _groups(
    policy: PropagationPolicy | None,
    asked: Binding | None,
    decision: Decision | None,
    attempts: tuple[Explanation, ...],
) -> tuple[Group, ...]:
    """The affinity groups of what was asked, in their order, with what became of each."""
    terms = asked.placement.cluster_affinities if asked is not None and asked.placement is not None else ()
    if decision is None or asked is None:
        return ()
    origin = policy.manifest.origin if policy is not None and policy.manifest is not None else None
    tried = {attempt.affinity_name: attempt.failure is None for attempt in attempts}
    result, is_tried = [], False
    for index, term in enumerate(terms):
        name = term.affinity_name
        if decision.trigger is None:
            outcome = Outcome.STANDS if name == asked.observed_affinity else Outcome.UNTOUCHED
        elif name in tried:
            outcome, is_tried = (Outcome.CHOSEN if tried[name] else Outcome.FAILED), True
        else:
            outcome = Outcome.NOT_REACHED if is_tried else Outcome.PASSED_OVER
        path = ("spec", "placement", "clusterAffinities", index)
        result.append(
            Group(name=name, outcome=outcome, location=locate(origin, path) if origin is not None else None)
        )
    return tuple(result)
