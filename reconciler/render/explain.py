"""Why one template is where it is: who claimed it and who lost, what every filter said, how replicas were divided, what was overridden.

Pure, and recomputed with the functions that decide: nothing of this is kept. Said of a past render, it explains history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.interpreter.registry import NATIVE, Interpreters
from reconciler.model.binding import Binding
from reconciler.model.fleet import Fleet
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest
from reconciler.model.observation import Observation
from reconciler.model.tree import PreviousRender
from reconciler.overrides.prepare import prepare
from reconciler.policy.binding_spec import Surroundings, priority_classes
from reconciler.policy.claim import Claimed, claim_template
from reconciler.policy.precedence import index_policies
from reconciler.render.exclusions import never_propagated
from reconciler.render.facts import cluster_facts, is_definition, with_apis
from reconciler.render.hold import faults_of
from reconciler.render.memo import Memo
from reconciler.render.render import render
from reconciler.render.standing import Rules, Standing, standing
from reconciler.render.works import Tools, Work, works_for
from reconciler.scheduler.batch import PROFILES, schedule_all
from reconciler.scheduler.explain import Explanation
from reconciler.scheduler.outcome import Decision
from reconciler.scheduler.registry import Profile
from reconciler.scheduler.state import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Everything that decided over one template.

    `never` says why it is never propagated. `standing` is its state before scheduling, `attempts` one entry for each affinity
    group that was considered, the last one the one that worked. `binding` is the result; `needed_by` names owners that
    it follows. `works` are the distinct contents with the override rules applied, in order.
    """

    template: Manifest
    never: str = ""
    claimed: Claimed | None = None
    standing: Standing | None = None
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
    rules = Rules(
        policies=index_policies(fleet.propagation_policies),
        surroundings=Surroundings(
            overrides=frozenset((p.namespace, p.name) for p in fleet.override_policies if not p.deleting),
            priority_classes=priority_classes(fleet.templates),
        ),
        interpreters=interpreters,
        faults=faults_of(fleet, previous),
        skipped_namespaces=fleet.config.skipped_namespaces,
    )
    standings = [
        standing(each, previous.bindings.get(each.id), rules)
        for each in sorted(fleet.templates, key=lambda one: one.id)
    ]
    own = next(each for each in standings if each.template.id == id_)
    old = previous.bindings.get(id_)
    owned = old if old is not None and old.placement is not None else None
    claimed = claim_template(template, rules.policies, owned.claim if owned else None, preemption=True)
    rendered = render(
        fleet,
        observation,
        previous,
        now,
        interpreters=interpreters,
        plugins=plugins,
        assume_unreported=assume_unreported,
        memo=Memo(),
    )
    facts = cluster_facts(fleet, observation, assume_unreported=assume_unreported)
    clusters = facts.clusters
    if not is_definition(template):
        defined: dict[str, list[Manifest]] = {}
        for each in standings:
            if is_definition(each.template) and each.template.id in rendered.bindings:
                for name in rendered.bindings[each.template.id].target_names:
                    defined.setdefault(name, []).append(each.template)
        clusters = with_apis(clusters, {name: tuple(found) for name, found in sorted(defined.items())})
    scheduled = schedule_all(
        [
            each.binding
            for each in standings
            if each.is_scheduled
            and each.binding is not None
            and is_definition(each.template) == is_definition(template)
        ],
        clusters,
        now,
        profiles=plugins,
        options=Options(independent=fleet.config.independent_scheduling),
        explained={id_},
    )
    binding = rendered.bindings.get(id_)
    works: tuple[Work, ...] = ()
    if binding is not None:
        present = {cluster.name for cluster in fleet.clusters}
        overrides = tuple(policy for policy in fleet.override_policies if not policy.deleting)
        tools = Tools(overrides=prepare(overrides, facts.clusters), interpreters=interpreters)
        works = works_for(
            template, binding, [name for name in binding.target_names if name in present], tools
        )
    return Explained(
        template=template,
        claimed=claimed,
        standing=own,
        decision=scheduled.decisions.get(id_),
        attempts=scheduled.explanations.get(id_, ()),
        binding=binding,
        needed_by=tuple(f"{owner.namespace}/{owner.name}" for owner in binding.required_by)
        if binding
        else (),
        works=works,
    )
