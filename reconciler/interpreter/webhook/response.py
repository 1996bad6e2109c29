"""What a webhook's answer means: the response of Karmada's exchange, checked whole when it comes (spec §3.6).

Pure. The answer is untrusted: whatever it holds ends in a value of the right type or in words that quote nothing of it but
its own message, cut short. A patch is tried at once, so that what is kept is known to fit.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from typing import Any, Final

import orjson

from reconciler.interpreter.custom import returned
from reconciler.interpreter.custom.results import ResultError
from reconciler.interpreter.webhook.patch import patched, weight
from reconciler.interpreter.webhook.question import API_VERSION, KIND
from reconciler.model.manifest import Body
from reconciler.model.webhook import WebhookAnswer, WebhookQuestion, canonical_text

LARGEST_RESULT: Final = 256 * 2**10
"""Bytes of one answer as it is kept in Git."""
_LONGEST_WORDS: Final = 300
_LARGEST_REPLICAS: Final = 2**31
_PATCHED: Final = ("ReviseReplica", "Retain", "AggregateStatus")


def answer_of(asked: WebhookQuestion, uid: str, data: bytes) -> WebhookAnswer:
    """The fact that `data`, sent back for `uid`, is."""
    result, failure = "", ""
    try:
        result = canonical_text(_result(asked, _response(data, uid)))
        if len(result) > LARGEST_RESULT:
            result, failure = "", f"the answer is larger than {LARGEST_RESULT // 1024} KiB"
    except ResultError as error:
        failure = str(error)
    return WebhookAnswer(
        digest=asked.digest,
        webhook=asked.webhook.uid,
        operation=asked.operation,
        result=result,
        failure=failure,
    )


def value_of(asked: WebhookQuestion, answer: WebhookAnswer) -> Any:
    """What the rule answers with. Raises ResultError where the answer is none, or is not what `answer_of` made."""
    if answer.failure:
        raise ResultError(answer.failure)
    try:
        result = orjson.loads(answer.result)
    except orjson.JSONDecodeError:
        raise ResultError("what was kept of the answer is not JSON") from None
    if not isinstance(result, dict):
        raise ResultError("what was kept of the answer is no object")
    return _value(asked, result)


def _response(data: bytes, uid: str) -> Body:
    """The `response` of the exchange, successful and for this very request."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise ResultError("the answer is not JSON") from None
    weight(document)
    if not isinstance(document, dict) or not isinstance(response := document.get("response"), dict):
        raise ResultError("the answer holds no response")
    if (document.get("apiVersion"), document.get("kind")) != (API_VERSION, KIND):
        raise ResultError(f"the answer is no {KIND} of {API_VERSION}")
    if response.get("uid") != uid:
        raise ResultError("the answer is to another request: its uid is not the one that was sent")
    if response.get("successful") is not True:
        raise ResultError(_refusal(response))
    return response


def _refusal(response: Body) -> str:
    if response.get("successful") is not False:
        return "the answer does not say whether it is successful"
    status = response.get("status")
    if not isinstance(status, dict):
        return "the webhook did not succeed, and does not say why"
    code, message = status.get("code"), status.get("message")
    said = _printable(message) if isinstance(message, str) else ""
    number = f" with code {code}" if isinstance(code, int) and not isinstance(code, bool) else ""
    return f"the webhook did not succeed{number}{f': {said}' if said else ''}"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text[:_LONGEST_WORDS]).strip()


def _result(asked: WebhookQuestion, response: Body) -> Body:
    """The fields of the operation alone, once it is sure that they give a value."""
    match asked.operation:
        case "InterpretReplica":
            result = _present(response, "replicas", "replicaRequirements")
        case "InterpretStatus":
            result = _present(response, "rawStatus")
        case "InterpretHealth":
            result = _present(response, "healthy")
        case "InterpretDependency":
            result = _present(response, "dependencies")
        case _:
            result = {"patch": _patch(response)}
    _value(asked, result)
    return result


def _present(response: Body, *fields: str) -> Body:
    return {field: response[field] for field in fields if response.get(field) is not None}


def _patch(response: Body) -> list[Any]:
    patch, kind = response.get("patch") or "", response.get("patchType") or ""
    if not patch and not kind:
        return []
    if not patch or not kind:
        raise ResultError("patch and patchType go together")
    if kind != "JSONPatch":
        raise ResultError("the patchType is not JSONPatch")
    try:
        operations = orjson.loads(b64decode(patch, validate=True))
    except (Base64Error, TypeError, ValueError):
        raise ResultError("the patch is not JSON in base64") from None
    if not isinstance(operations, list):
        raise ResultError("the patch is no list of operations")
    weight(operations)
    return operations


def _value(asked: WebhookQuestion, result: Body) -> Any:
    if asked.operation in _PATCHED:
        return _patched(asked, result)
    match asked.operation:
        case "InterpretReplica":
            return _replicas(result)
        case "InterpretHealth":
            if not isinstance(result.get("healthy"), bool):
                raise ResultError("healthy is expected, true or false")
            return result["healthy"]
        case "InterpretStatus":
            if "rawStatus" not in result:
                raise ResultError("a rawStatus is expected")
            return result["rawStatus"]
        case _:
            return _dependencies(result)


def _replicas(result: Body) -> Any:
    count, needs = result.get("replicas"), result.get("replicaRequirements")
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count < _LARGEST_REPLICAS:
        raise ResultError("replicas is expected, a 32-bit number that is not negative")
    if needs is not None and not isinstance(needs, dict):
        raise ResultError("replicaRequirements is no object")
    return count, None if needs is None else returned.requirements(needs)


def _dependencies(result: Body) -> Any:
    found = result.get("dependencies", [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ResultError("dependencies is no list of references")
    return returned.united(map(returned.reference, found))


def _patched(asked: WebhookQuestion, result: Body) -> Body:
    operations = result.get("patch")
    if not isinstance(operations, list):
        raise ResultError("the patch is no list of operations")
    given: Body = asked.request["object"]
    body = patched(given, operations)
    if not isinstance(body, dict):
        raise ResultError("the patch leaves no object")
    returned.same_object(body, given)
    return body
