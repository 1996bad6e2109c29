"""What interpreter webhooks have answered, as files of the status branch: one an object, sorted, and no more than is asked.

Pure. What is read back is checked as little as any other status document: a value that nobody could have written is no answer.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

from reconciler.manifests.emit import emit
from reconciler.model.identity import ObjectId, object_id_of_path
from reconciler.model.manifest import Body
from reconciler.model.webhook import WebhookAnswer, canonical_text

Answers = Mapping[ObjectId, tuple[WebhookAnswer, ...]]

DIRECTORY: Final = "webhooks/"
_API_VERSION: Final = "fleet-reconciler/v1alpha1"


def answers_path(id_: ObjectId) -> str:
    """The file of one object's answers."""
    return f"{DIRECTORY}{id_.tree_path}"


def encode_answers(answers: Answers) -> dict[str, bytes]:
    """Path to bytes of a `WebhookAnswers` document for each object."""
    return {answers_path(id_): emit(_document(id_, found)) for id_, found in sorted(answers.items()) if found}


def decode_answers(path: str, body: Mapping[str, Any]) -> tuple[ObjectId, tuple[WebhookAnswer, ...]] | None:
    """The object that a file is about and what was answered; None where it is no file of ours."""
    id_ = object_id_of_path(path.removeprefix(DIRECTORY))
    rows = body.get("answers")
    if id_ is None or body.get("kind") != "WebhookAnswers" or not isinstance(rows, list):
        return None
    found = (_answer(row) for row in rows if isinstance(row, dict))
    return id_, tuple(answer for answer in found if answer is not None)


def kept_answers(known: Answers, asked: Mapping[ObjectId, Collection[str]], *, complete: bool) -> Answers:
    """What to keep of `known`: the answers to what was `asked` (digests by object), and nothing else.

    Of objects that were not asked about only while the render is not `complete`: they may be held, and be asked about again.
    """
    kept: dict[ObjectId, tuple[WebhookAnswer, ...]] = {}
    for id_, answers in sorted(known.items()):
        digests = asked.get(id_)
        if digests is None:
            found = () if complete else answers
        else:
            found = tuple(answer for answer in answers if answer.digest in digests)
        if found:
            kept[id_] = found
    return kept


def with_answers(known: Answers, fresh: Mapping[ObjectId, Collection[WebhookAnswer]]) -> Answers:
    """`known` with newer answers instead of or beside the old ones."""
    merged = dict(known)
    for id_, answers in fresh.items():
        by_digest = {answer.digest: answer for answer in (*known.get(id_, ()), *answers)}
        merged[id_] = tuple(sorted(by_digest.values(), key=_order))
    return merged


def _document(id_: ObjectId, answers: Collection[WebhookAnswer]) -> Body:
    return {
        "apiVersion": _API_VERSION,
        "kind": "WebhookAnswers",
        "metadata": {"name": id_.name, **({"namespace": id_.namespace} if id_.namespace else {})},
        "answers": [_row(answer) for answer in sorted(answers, key=_order)],
    }


def _row(answer: WebhookAnswer) -> Body:
    row: Body = {"webhook": answer.webhook, "operation": answer.operation, "digest": answer.digest}
    if answer.failure:
        return {**row, "failure": answer.failure}
    return {**row, "result": json.loads(answer.result)}


def _answer(row: Mapping[str, Any]) -> WebhookAnswer | None:
    texts = [row.get(field) for field in ("digest", "webhook", "operation")]
    failure, result = row.get("failure"), row.get("result")
    if not all(isinstance(text, str) and text for text in texts):
        return None
    if not (isinstance(failure, str) and failure) and not isinstance(result, dict):
        return None
    digest, webhook, operation = map(str, texts)
    return WebhookAnswer(
        digest=digest,
        webhook=webhook,
        operation=operation,
        result="" if failure else canonical_text(result),
        failure=str(failure or ""),
    )


def _order(answer: WebhookAnswer) -> tuple[str, str, str]:
    return answer.operation, answer.webhook, answer.digest
