"""What is asked of a webhook: Karmada's request, as a value with a digest (spec §3.6). Pure.

The digest covers everything that decides the answer: the request, the webhook's name and its address. Neither the certificates to trust nor
the time to wait: they change who may answer and when, not what.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

import orjson

from reconciler.interpreter.rules import InterpretationError
from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Body
from reconciler.model.webhook import Webhook, WebhookQuestion

API_VERSION: Final = "config.karmada.io/v1alpha1"
KIND: Final = "ResourceInterpreterContext"


def question(
    webhook: Webhook,
    operation: str,
    body: Body,
    *,
    observed: Body | None = None,
    replicas: int = 0,
    items: Sequence[Body] | None = None,
) -> WebhookQuestion:
    """The question about `body`. `observed`: Retain; `replicas`: ReviseReplica; `items`: AggregateStatus."""
    subject = id_of_body(body)
    group, _, version = str(body.get("apiVersion") or "").rpartition("/")
    request: Body = {
        "kind": {"group": group, "version": version, "kind": subject.kind},
        "name": subject.name,
        "operation": operation,
        "object": body,
        "replicas": replicas,
    }
    if subject.namespace:
        request["namespace"] = subject.namespace
    if observed is not None:
        request["observedObject"] = observed
    if items:
        request["aggregatedStatus"] = [_item(item) for item in items]
    asked = {"webhook": webhook.uid, "url": webhook.url, "request": request}
    return WebhookQuestion(
        subject=subject,
        operation=operation,
        digest=hashlib.sha256(canonical(asked)).hexdigest(),
        webhook=webhook,
        request=request,
    )


def context(asked: WebhookQuestion, uid: str) -> bytes:
    """The body to send. `uid` is fresh for each try, and the answer must repeat it."""
    return canonical({"apiVersion": API_VERSION, "kind": KIND, "request": {"uid": uid, **asked.request}})


def canonical(value: Any) -> bytes:
    """The one JSON of a value: keys sorted, nothing between."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer beyond 64 bits
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        try:
            return text.encode()
        except UnicodeEncodeError as error:
            raise InterpretationError("the object has no JSON form that a webhook could read") from error


def _item(item: Body) -> Body:
    """An aggregated status item as the API has it: no readiness, which is ours, and no empty fields."""
    return {
        key: value for key, value in item.items() if key != "readiness" and value not in (None, "", False)
    }
