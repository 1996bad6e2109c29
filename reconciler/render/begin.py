"""What a pass begins with: the facts, the rules, every template's standing, and what the scheduler is given.

Pure. One beginning for whoever decides and whoever explains, so that an explanation is of the decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from reconciler.interpreter.registry import Interpreters
from reconciler.model.fleet import Fleet
from reconciler.model.identity import ObjectId
from reconciler.model.observation import Observation
from reconciler.model.tree import PreviousRender
from reconciler.model.webhook import WebhookAnswer
from reconciler.policy.binding_spec import Surroundings, priority_classes
from reconciler.policy.precedence import index_policies
from reconciler.render.contents import Absent, absent
from reconciler.render.facts import Facts, cluster_facts
from reconciler.render.hold import Faults, faults_of, known_overrides, known_policies
from reconciler.render.memo import Memo
from reconciler.render.placing import Scheduling
from reconciler.render.standing import Rules, Track, standing
from reconciler.scheduler.batch import Placed, placed_since
from reconciler.scheduler.registry import Profile
from reconciler.scheduler.state import Options

Answers = Mapping[ObjectId, tuple[WebhookAnswer, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """A pass before anything is scheduled. `tracks` are in the order of the templates' identities, `gone` what no file has."""

    facts: Facts
    rules: Rules
    gone: Absent
    tracks: list[Track]
    scheduling: Scheduling
    answers: Answers
    """What webhooks have said, by object; nothing where there are none."""


def begin(
    fleet: Fleet,
    observation: Observation,
    previous: PreviousRender,
    faults: Faults,
    *,
    interpreters: Interpreters,
    plugins: Mapping[str, Profile],
    assume_unreported: bool,
    memo: Memo,
) -> Beginning:
    """What is known of a fleet before the scheduler is asked."""
    facts = _facts(fleet, observation, memo, assume_unreported=assume_unreported)
    rules = _rules(fleet, faults, interpreters, memo)
    gone = absent(fleet, facts, previous)
    scheduling = Scheduling(
        policies=rules.policies,
        profiles=plugins,
        options=Options(independent=fleet.config.independent_scheduling),
        placed=_unseen(facts, observation, previous),
        kept=tuple(gone.bindings.values()),
    )
    answers = observation.answers if interpreters.webhook.webhooks else {}
    tracks = _tracks(fleet, previous, rules, answers, memo)
    return Beginning(
        facts=facts, rules=rules, gone=gone, tracks=tracks, scheduling=scheduling, answers=answers
    )


def known_faults(fleet: Fleet, previous: PreviousRender, memo: Memo) -> Faults:
    """What is wrong with the fleet, by what it governs."""
    names = tuple(sorted(cluster.name for cluster in fleet.clusters))
    inputs: tuple[object, ...] = (fleet.refused, fleet.unreadable, names, tuple(previous.trees))
    if fleet.unreadable:
        inputs += (known_policies(fleet), known_overrides(fleet), fleet.customizations, fleet.webhooks)
    return memo.fleet.remember("faults", inputs, lambda: faults_of(fleet, previous))


def _facts(fleet: Fleet, observation: Observation, memo: Memo, *, assume_unreported: bool) -> Facts:
    reports = tuple((name, report.status) for name, report in observation.clusters.items())
    origins = tuple(cluster.origin for cluster in fleet.clusters)
    return memo.fleet.remember(
        "facts",
        (fleet.clusters, origins, reports, assume_unreported),
        lambda: cluster_facts(fleet, observation, assume_unreported=assume_unreported),
    )


def _rules(fleet: Fleet, faults: Faults, interpreters: Interpreters, memo: Memo) -> Rules:
    overrides = frozenset(
        (each.namespace, each.name) for each in fleet.override_policies if not each.deleting
    )
    templates = fleet.templates
    classes = memo.fleet.remember(
        "priority classes", (templates,), lambda: tuple(sorted(priority_classes(templates).items()))
    )
    skipped = fleet.config.skipped_namespaces
    return memo.fleet.remember(
        "rules",
        (fleet.propagation_policies, overrides, classes, faults, interpreters, skipped),
        lambda: Rules(
            policies=index_policies(fleet.propagation_policies),
            surroundings=Surroundings(overrides=overrides, priority_classes=dict(classes)),
            interpreters=interpreters,
            faults=faults,
            skipped_namespaces=skipped,
        ),
    )


def _tracks(
    fleet: Fleet, previous: PreviousRender, rules: Rules, answers: Answers, memo: Memo
) -> list[Track]:
    """Every template with its standing, in the order of their identities."""
    tracks = []
    for template in sorted(fleet.templates, key=lambda each: each.id):
        old = previous.bindings.get(template.id)
        lane = memo.lane(template.id)
        about = answers.get(template.id, ())
        inputs = (template, old, rules, about)
        stands = lane.remember(
            "standing", inputs, partial(standing, *inputs), lasts=lambda each: not each.is_transient
        )
        tracks.append(Track(standing=stands, lane=lane, previous=old, binding=stands.binding, answers=about))
    return tracks


def _unseen(facts: Facts, observation: Observation, previous: PreviousRender) -> tuple[Placed, ...]:
    """Replicas placed since a cluster's capacity was observed: its observation names the rendered commit that it saw."""
    seen = {
        name: previous.seen.get(name, previous.bindings)
        for name in observation.clusters
        if name in previous.trees
    }
    blind = {cluster.name for cluster in facts.clusters if seen.get(cluster.name) is not previous.bindings}
    if not blind:
        return ()
    concerned = {
        id_: binding
        for id_, binding in previous.bindings.items()
        if any(target.name in blind for target in binding.clusters)
    }
    return placed_since(concerned, seen)
