"""Interpreter webhooks as values: who is asked, what is asked, what was answered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import Location
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRule:
    """What a webhook is asked about; `*` stands for any. Groups: the core group is empty text."""

    operations: frozenset[str]
    groups: frozenset[str]
    versions: frozenset[str]
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One entry of a ResourceInterpreterWebhookConfiguration. `seconds` is how long an answer may take.

    `authority` are the certificates to trust (PEM; empty: the system's).
    """

    configuration: str
    name: str
    url: str
    authority: str = field(default="", repr=False)
    seconds: float
    rules: tuple[WebhookRule, ...] = ()
    location: Location | None = None

    @property
    def uid(self) -> str:
        """What Karmada calls it, and orders webhooks by."""
        return f"{self.configuration}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class WebhookQuestion:
    """One request to a webhook, less what differs each time it is sent. Equal digests are equal questions."""

    subject: ObjectId
    operation: str
    digest: str
    webhook: Webhook = field(compare=False, repr=False)
    request: Body = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnswer:
    """What a webhook said to the question of that digest: a fact, also where it is of no use.

    `result` is canonical JSON of what the operation answers with; empty where `failure` says, for people, why there is none.
    """

    digest: str
    webhook: str
    operation: str
    result: str = field(default="", repr=False)
    failure: str = ""

    def is_news_after(self, before: WebhookAnswer | None) -> bool:
        """Whether it says something else. Other words for why there is no answer are none: they may hold a time."""
        return before is None or (before.result, bool(before.failure)) != (self.result, bool(self.failure))


def canonical_text(value: Any) -> str:
    """The JSON in which a result is kept: keys sorted, nothing between."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
