"""Before anything is scheduled: what each template of the repository is, and what its binding asks for.

Pure. Claims it for a policy, interprets it, and holds it where a fault governs it. Decides no placement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.errors import Problem
from reconciler.interpreter.defaults import with_defaults
from reconciler.interpreter.registry import Interpreters
from reconciler.interpreter.rules import InterpretationError, is_transient
from reconciler.interpreter.webhook.layer import unanswered
from reconciler.model.binding import Binding
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest
from reconciler.model.webhook import WebhookAnswer, WebhookQuestion
from reconciler.policy.binding_spec import (
    Interpretation,
    Surroundings,
    binding_spec,
    released,
)
from reconciler.policy.claim import Rule, claim_template
from reconciler.policy.precedence import PolicyIndex
from reconciler.render import messages
from reconciler.render.exclusions import is_namespace, never_propagated, not_sent_everywhere
from reconciler.render.hold import Faults
from reconciler.render.memo import Lane
from reconciler.render.uid import template_uid


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One template before the scheduler is asked.

    `binding` is None when nothing places it. `is_scheduled`: the scheduler is to be asked; without it the binding stands
    as it is. `held`: why binding and content stay as they were, to the byte. `everywhere`: a Namespace that goes to every
    cluster by itself.
    """

    template: Manifest
    binding: Binding | None = None
    is_scheduled: bool = False
    held: str = ""
    everywhere: bool = False
    is_unclaimed: bool = False
    is_never_propagated: bool = False
    problems: tuple[Problem, ...] = ()
    asked: tuple[WebhookQuestion, ...] = ()
    """What webhooks had to be asked to know this."""
    is_transient: bool = False
    """It failed for a reason that may be gone at the next attempt."""


@dataclass(slots=True, kw_only=True)
class Track:
    """One template on its way through a pass: its standing, what is remembered of it, and its binding as of the last stage.

    `answers` are what webhooks have said about it. `is_renewed`: the scheduler looked at the binding and did not fail. `is_kept`: it failed, and the last result stays.
    `overrides` are the override policies that applied on some cluster.
    """

    standing: Standing
    lane: Lane
    previous: Binding | None
    binding: Binding | None
    answers: tuple[WebhookAnswer, ...] = ()
    is_renewed: bool = False
    is_kept: bool = False
    overrides: tuple[str, ...] = ()

    @property
    def id(self) -> ObjectId:
        """The template's identity."""
        return self.standing.template.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What all templates of one fleet are judged by."""

    policies: PolicyIndex
    surroundings: Surroundings
    interpreters: Interpreters
    faults: Faults
    skipped_namespaces: tuple[str, ...]


def standing(
    template: Manifest, previous: Binding | None, rules: Rules, answers: Sequence[WebhookAnswer] = ()
) -> Standing:
    """What one template is. Spec scheduling §2, and DESIGN §5 promise 1. `answers` are webhooks', about this template."""
    reason = never_propagated(template, rules.skipped_namespaces)
    if reason:
        problem = messages.never_propagated(template, reason)
        return Standing(template=template, is_never_propagated=True, problems=(problem,))
    not_everywhere = (
        not_sent_everywhere(template, rules.skipped_namespaces)
        if is_namespace(template.id)
        else "no Namespace"
    )
    everywhere = not not_everywhere
    owned = previous if previous is not None and previous.placement is not None else None
    # Karmada needs a feature gate for this; here a policy that says `preemption: Always` means it.
    claimed = claim_template(template, rules.policies, owned.claim if owned else None, preemption=True)
    held = rules.faults.on_claim(template, owned, claim_is_kept=claimed.rule is Rule.KEPT)
    held = held or rules.faults.on_content(template, previous)
    if held:
        return _held(template, previous, held, everywhere=everywhere)
    if claimed.policy is None:
        return _unclaimed(template, owned, everywhere=everywhere, not_everywhere=not_everywhere)
    interpreters = rules.interpreters.knowing(answers)
    asked = _questions(template, interpreters, dependencies=claimed.policy.propagate_deps)
    waiting = [each for each in asked if not interpreters.webhook.knows(each)]
    if waiting:
        # Before anything is placed: what it needs must be known as well as how many there are.
        return Standing(
            template=template,
            binding=previous,
            held=f"it waits for {waiting[0].webhook.uid}",
            everywhere=everywhere,
            problems=unanswered(waiting, template.origin.location),
            asked=asked,
        )
    try:
        replicas, requirements = interpreters.replicas(with_defaults(template.body))
    except InterpretationError as error:
        return Standing(
            template=template,
            binding=previous,
            held=f"it cannot be interpreted: {error}",
            everywhere=everywhere,
            problems=(messages.uninterpretable(template, error),),
            asked=asked,
            is_transient=is_transient(error),
        )
    interpretation = Interpretation(
        uid=template_uid(template, previous), replicas=replicas, requirements=requirements
    )
    binding = binding_spec(template, claimed.policy, interpretation, previous, rules.surroundings)
    if isinstance(binding, Problem):
        # The policy is not applied now: what there is stands, and nothing new is placed.
        return Standing(
            template=template,
            binding=previous,
            held=binding.message,
            everywhere=everywhere,
            problems=(binding,),
            asked=asked,
        )
    return Standing(
        template=template,
        binding=binding,
        is_scheduled=True,
        everywhere=everywhere,
        asked=asked,
    )


def _questions(
    template: Manifest, interpreters: Interpreters, *, dependencies: bool
) -> tuple[WebhookQuestion, ...]:
    """What must be known before a template is scheduled; Karmada distributes no dependencies of cluster-scoped ones."""
    found = [interpreters.question(with_defaults(template.body), "replicas")]
    if dependencies and template.id.namespace:
        found.append(interpreters.question(template.body, "dependencies"))
    return tuple(question for question in found if question is not None)


def _held(template: Manifest, previous: Binding | None, reason: str, *, everywhere: bool) -> Standing:
    return Standing(
        template=template,
        binding=previous,
        held=reason,
        everywhere=everywhere,
        problems=(messages.held(template, reason, is_new=previous is None and not everywhere),),
    )


def _unclaimed(
    template: Manifest, owned: Binding | None, *, everywhere: bool, not_everywhere: str
) -> Standing:
    if owned is not None:
        gone = str(owned.claim) if owned.claim else ""
        return Standing(
            template=template,
            binding=released(owned),
            everywhere=everywhere,
            problems=(messages.policy_gone(template, gone),),
        )
    if everywhere:
        return Standing(template=template, everywhere=True)
    hint = not_everywhere if is_namespace(template.id) else ""
    return Standing(template=template, is_unclaimed=True, problems=(messages.unclaimed(template, hint),))
