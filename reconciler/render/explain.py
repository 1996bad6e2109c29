"""Why one template is where it is: who claimed it and who lost, what every filter said, how replicas were divided, what was overridden.

Pure, and recomputed with the functions that decide: nothing of this is kept. Said of a past render, it explains history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.errors import Problem
from reconciler.interpreter.registry import NATIVE, Interpreters
from reconciler.model.binding import Binding
from reconciler.model.fleet import Fleet
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest
from reconciler.model.observation import Observation
from reconciler.model.tree import PreviousRender
from reconciler.overrides.prepare import prepare
from reconciler.policy.claim import Claimed, claim_template
from reconciler.render.begin import begin, known_faults
from reconciler.render.exclusions import never_propagated
from reconciler.render.memo import Memo
from reconciler.render.placing import place
from reconciler.render.render import render
from reconciler.render.works import Tools, Work, works_for
from reconciler.scheduler.batch import PROFILES
from reconciler.scheduler.explain import Explanation
from reconciler.scheduler.outcome import Decision
from reconciler.scheduler.registry import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Everything that decided over one template.

    `never` says why it is never propagated, `held` why it stays as it was. `attempts`: one entry for each affinity group that was
    considered, the last one the one that worked. `binding` is the result; `needed_by` names owners that
    it follows. `works` are the distinct contents with the override rules applied, in order.
    """

    template: Manifest
    never: str = ""
    claimed: Claimed | None = None
    held: str = ""
    problems: tuple[Problem, ...] = ()
    decision: Decision | None = None
    attempts: tuple[Explanation, ...] = ()
    binding: Binding | None = None
    needed_by: tuple[str, ...] = ()
    works: tuple[Work, ...] = ()


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
            template, binding, [name for name in binding.target_names if name in present], tools
        )
    return Explained(
        template=template,
        claimed=claimed,
        held=own.standing.held,
        problems=own.standing.problems,
        decision=placing.decisions.get(id_),
        attempts=placing.explanations.get(id_, ()),
        binding=binding,
        needed_by=tuple(f"{owner.namespace}/{owner.name}" for owner in binding.required_by)
        if binding
        else (),
        works=works,
    )
