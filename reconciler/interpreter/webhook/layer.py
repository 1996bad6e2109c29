"""Webhooks' answers as a layer of the lookup walk: what was answered is used, what was not is said to be waited for (spec §3.2, §3.6).

Pure, like an engine for scripts: who answers is passed down as a value. A render is given the facts that were committed; delivery and
status are given somebody who asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, Protocol

from reconciler.errors import Location, Problem
from reconciler.interpreter.custom.results import ResultError
from reconciler.interpreter.rules import GroupVersionKind, KindRules, Replicas, WebhookFailed
from reconciler.interpreter.webhook.choice import OPERATIONS, chosen
from reconciler.interpreter.webhook.question import question
from reconciler.interpreter.webhook.response import value_of
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference
from reconciler.model.webhook import Webhook, WebhookAnswer, WebhookQuestion
from reconciler.problems import CATALOGUE

UNANSWERED: Final = "R430"
UNUSABLE: Final = "R431"


class Answering(Protocol):
    """Who knows answers. `None`: not answered (yet). May raise WebhookFailed."""

    def answer(self, asked: WebhookQuestion) -> WebhookAnswer | None:
        """The answer to a question."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """Answers that were given before, by the digest of their question."""

    answers: Mapping[str, WebhookAnswer] = field(default_factory=dict)

    def answer(self, asked: WebhookQuestion) -> WebhookAnswer | None:
        """The answer that was kept."""
        return self.answers.get(asked.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookLayer:
    """The rules of every kind that some webhook is asked about. `webhooks` are in the order in which they are looked at."""

    webhooks: tuple[Webhook, ...] = ()
    source: Answering = field(default_factory=Known)
    _chosen: dict[GroupVersionKind, dict[str, Webhook]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def get(self, kind: GroupVersionKind) -> KindRules | None:
        """One kind's rules; None where no webhook is asked about it."""
        found = self.choice(kind)
        if not found:
            return None
        rules: dict[str, Any] = {
            rule: partial(getattr(self, rule), webhook) for rule, webhook in found.items()
        }
        return KindRules(**rules)

    def choice(self, kind: GroupVersionKind) -> Mapping[str, Webhook]:
        """Who is asked about a kind, by operation (a field of KindRules)."""
        if not self.webhooks:
            return {}
        if kind not in self._chosen:
            pairs = ((rule, chosen(self.webhooks, name, kind)) for rule, name in OPERATIONS.items())
            self._chosen[kind] = {rule: webhook for rule, webhook in pairs if webhook is not None}
        return self._chosen[kind]

    def asking(self, source: Answering) -> WebhookLayer:
        """The same with somebody else to know the answers."""
        return replace(self, source=source)

    def question(self, rule: str, body: Body, replicas: int = 0) -> WebhookQuestion | None:
        """What a render would ask about `body`: `replicas`, `revise` or `dependencies`; None where no webhook is asked."""
        webhook = self.choice((str(body.get("apiVersion") or ""), str(body.get("kind") or ""))).get(rule)
        return None if webhook is None else question(webhook, OPERATIONS[rule], body, replicas=replicas)

    def knows(self, asked: WebhookQuestion) -> bool:
        """Whether there is an answer, of use or not."""
        return self.source.answer(asked) is not None

    # --- the rules ---

    def replicas(self, webhook: Webhook, body: Body) -> Replicas:
        """InterpretReplica."""
        count, needs = self._value(question(webhook, "InterpretReplica", body))
        return count, needs

    def revise(self, webhook: Webhook, body: Body, replicas: int) -> Body:
        """ReviseReplica."""
        changed: Body = self._value(question(webhook, "ReviseReplica", body, replicas=replicas))
        return changed

    def retain(self, webhook: Webhook, desired: Body, live: Body) -> Body:
        """Retain."""
        changed: Body = self._value(question(webhook, "Retain", desired, observed=live))
        return changed

    def reflect(self, webhook: Webhook, body: Body) -> Any:
        """InterpretStatus."""
        return self._value(question(webhook, "InterpretStatus", body))

    def health(self, webhook: Webhook, body: Body) -> bool:
        """InterpretHealth."""
        is_healthy: bool = self._value(question(webhook, "InterpretHealth", body))
        return is_healthy

    def aggregate(
        self, webhook: Webhook, body: Body, items: Sequence[Body], _now: datetime | None = None
    ) -> Body:
        """AggregateStatus. A webhook has its own clock: ours is not told."""
        changed: Body = self._value(question(webhook, "AggregateStatus", body, items=items))
        return changed

    def dependencies(self, webhook: Webhook, body: Body) -> tuple[ObjectReference, ...]:
        """InterpretDependency."""
        found: tuple[ObjectReference, ...] = self._value(question(webhook, "InterpretDependency", body))
        return found

    def _value(self, asked: WebhookQuestion) -> Any:
        answer = self.source.answer(asked)
        if answer is None:
            raise WebhookFailed(unanswered((asked,))[0])
        try:
            return value_of(asked, answer)
        except ResultError as error:
            raise WebhookFailed(unusable(asked, str(error))) from None


def unanswered(waiting: Sequence[WebhookQuestion], at: Location | None = None) -> tuple[Problem, ...]:
    """R430 for each webhook whose answers about one object nobody has; `at` is the object's own place."""
    first = {asked.webhook.uid: asked for asked in reversed(waiting)}
    return tuple(
        replace(
            problem_about(
                asked,
                UNANSWERED,
                f"{asked.subject} waits for {_operations(waiting, uid)} of {uid}",
                (f"the webhook is declared at {asked.webhook.location}",) if asked.webhook.location else (),
            ),
            location=at or asked.webhook.location,
        )
        for uid, asked in sorted(first.items())
    )


def unusable(asked: WebhookQuestion, words: str) -> Problem:
    """R431: the answer is of no use."""
    message = f"{asked.operation} of {asked.webhook.uid} has no answer for {asked.subject}"
    return problem_about(asked, UNUSABLE, message, (words,))


def problem_about(asked: WebhookQuestion, code: str, message: str, evidence: tuple[str, ...] = ()) -> Problem:
    """A problem with a webhook, at its entry in the configuration."""
    row = CATALOGUE[code]
    return Problem(
        code=code,
        message=message,
        location=asked.webhook.location,
        evidence=evidence,
        remedy=row.remedy,
        severity=row.severity,
        subject=str(asked.subject),
    )


def _operations(waiting: Sequence[WebhookQuestion], uid: str) -> str:
    return ", ".join(sorted({asked.operation for asked in waiting if asked.webhook.uid == uid}))
