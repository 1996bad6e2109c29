"""Which webhook is asked about an object (spec §3.6). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reconciler.interpreter.rules import GroupVersionKind
from reconciler.model.webhook import Webhook, WebhookRule

OPERATIONS: Final = {
    "replicas": "InterpretReplica",
    "revise": "ReviseReplica",
    "retain": "Retain",
    "reflect": "InterpretStatus",
    "aggregate": "AggregateStatus",
    "health": "InterpretHealth",
    "dependencies": "InterpretDependency",
}
"""Fields of KindRules to Karmada's names. InterpretComponent is behind a gate that is off: nobody is asked it."""
ANY: Final = "*"
NEVER_SENT: Final = ("v1", "Secret")
"""No Secret leaves for a webhook: what it says of one would have to be kept in Git."""


def chosen(webhooks: Sequence[Webhook], operation: str, kind: GroupVersionKind) -> Webhook | None:
    """The first of `webhooks` (by uid) with a rule for this operation and kind, or None."""
    if kind == NEVER_SENT:
        return None
    return next(
        (each for each in webhooks if any(_matches(rule, operation, kind) for rule in each.rules)), None
    )


def asked_of_members(webhooks: Sequence[Webhook]) -> tuple[str, ...]:
    """The webhooks (by uid) that have rules about live objects: to be asked by whoever delivers to a cluster."""
    live = {ANY, "Retain", "InterpretStatus", "InterpretHealth"}
    return tuple(each.uid for each in webhooks if any(live & rule.operations for rule in each.rules))


def _matches(rule: WebhookRule, operation: str, kind: GroupVersionKind) -> bool:
    group, _, version = kind[0].rpartition("/")
    wanted = (
        (rule.operations, operation),
        (rule.groups, group),
        (rule.versions, version),
        (rule.kinds, kind[1]),
    )
    return all(ANY in allowed or value in allowed for allowed, value in wanted)
