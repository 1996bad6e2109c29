"""All override policies that concern one object on one cluster, applied in Karmada's order (spec §1.4, §1.10).

Cluster-scoped policies first, then those of the object's namespace, matched against the object as already changed;
within each, the least specific first. Pure and path-copying: what no rule touches is shared with the template.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reconciler.model.cluster import Cluster
from reconciler.model.identity import metadata_of
from reconciler.model.manifest import Body
from reconciler.model.override import OverridePolicy, Overriders, OverrideRule
from reconciler.overrides import command_args, image, labels, patch
from reconciler.overrides import field as embedded_field
from reconciler.overrides.matching import policies_in_order, rules_for
from reconciler.overrides.outcome import Ineffective, NoOp, OverrideError, OverriderError, Place, rule_path


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedRule:
    """One rule that was applied: the record of what made an object differ from its template."""

    policy: OverridePolicy
    rule: OverrideRule

    @property
    def path(self) -> Place:
        """The place of the rule's overriders in its policy."""
        return rule_path(self.rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overridden:
    """An object after its overrides; `applied` is in true order, `no_ops` are items that changed nothing."""

    body: Body
    applied: tuple[AppliedRule, ...] = ()
    no_ops: tuple[NoOp, ...] = field(default=())


def apply_overrides(
    body: Body,
    cluster: Cluster,
    cluster_policies: Iterable[OverridePolicy],
    policies: Iterable[OverridePolicy],
) -> Overridden:
    """The object as the cluster gets it. Raises OverrideError, which concerns this cluster alone.

    `policies` may hold policies of any namespace: those of the object's count, none for a cluster-scoped object.
    """
    first = apply_rules(body, rules_for(policies_in_order(body, cluster_policies), cluster))
    namespace = metadata_of(first.body).get("namespace")
    if not namespace:
        return first
    own = [policy for policy in policies if policy.namespace == namespace]
    if not own:
        return first
    second = apply_rules(first.body, rules_for(policies_in_order(first.body, own), cluster))
    return Overridden(
        body=second.body, applied=first.applied + second.applied, no_ops=first.no_ops + second.no_ops
    )


def apply_rules(body: Body, rules: Sequence[tuple[OverridePolicy, OverrideRule]]) -> Overridden:
    """The object after the rules, each seeing the result of the one before. Raises OverrideError."""
    no_ops: list[NoOp] = []
    for policy, rule in rules:
        notes: list[Ineffective] = []
        prefix = rule_path(rule)
        try:
            body = _apply_overriders(body, rule.overriders, notes)
        except OverriderError as error:
            raise OverrideError(str(error), policy=policy, rule=rule, path=prefix + error.place) from error
        no_ops += (
            NoOp(policy=policy, rule=rule, path=prefix + note.place, reason=note.reason) for note in notes
        )
    return Overridden(
        body=body,
        applied=tuple(AppliedRule(policy=policy, rule=rule) for policy, rule in rules),
        no_ops=tuple(no_ops),
    )


def _apply_overriders(body: Body, overriders: Overriders, notes: list[Ineffective]) -> Body:
    # Karmada's order, whatever the order in the document.
    if overriders.image:
        body = image.override_image(body, overriders.image, notes)
    if overriders.command:
        body = command_args.override_command_args(body, overriders.command, notes, "command")
    if overriders.args:
        body = command_args.override_command_args(body, overriders.args, notes, "args")
    if overriders.labels:
        body = labels.override_labels(body, overriders.labels, notes, "labels")
    if overriders.annotations:
        body = labels.override_labels(body, overriders.annotations, notes, "annotations")
    if overriders.field:
        body = embedded_field.override_field(body, overriders.field)
    if overriders.plaintext:
        body = _patched(body, overriders, notes)
    return body


def _patched(body: Body, overriders: Overriders, notes: list[Ineffective]) -> Body:
    result = patch.apply_patch(body, overriders.plaintext, ("plaintext",), notes)
    if not isinstance(result, dict) or not isinstance(result.get("kind"), str) or not result["kind"]:
        raise OverriderError("the result is not an object with a kind", ("plaintext",))
    return result
