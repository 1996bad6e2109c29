"""What a server's refusal means, as one of our own exceptions.

Promises: no value of an object is ever quoted, only names of fields and the rule that they break. Servers quote whole pod
templates, and in a Secret every value is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from reconciler.errors import (
    ClusterError,
    FieldConflict,
    Forbidden,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)

_LONGEST: Final = 400
_IMMUTABLE: Final = re.compile(
    r"immutable|may not (?:be )?change|cannot (?:be )?change|updates to .* (?:are )?forbidden|forbidden: updates to"
    r"|may not be updated|may not be modified",
    re.IGNORECASE,
)
# `Invalid value: <anything>: the rule`
_QUOTING: Final = re.compile(
    r"\b((?:Invalid|Unsupported|Duplicate) value|Not found|Too long|Too many)(?::? (.*))?\Z", re.DOTALL
)
_GO_VALUE: Final = re.compile(r"got &?[\w.]+\{.*", re.DOTALL)
_CONTEXT: Final = re.compile(r",? error found in #.*", re.DOTALL)
_DRY_RUN_UNSUPPORTED: Final = "does not support dry run"


def translate(status: int, body: bytes, *, cluster: str, retry_after: str = "") -> ClusterError:
    """The exception for an answer of 400 and above."""
    answer = _status(body)
    reason = str(answer.get("reason") or "")
    details: Mapping[str, Any] = answer.get("details") or {}
    causes = [cause for cause in details.get("causes") or () if isinstance(cause, Mapping)]
    said = _message(status, answer, causes)
    match status:
        case 401:
            return Unauthorized("the credential is not accepted", cluster=cluster)
        case 403 if not _is_admission(said, causes):
            return Forbidden(said, cluster=cluster)
        case 409 if reason != "AlreadyExists":
            return FieldConflict(said, cluster=cluster)
        case 429 | 503 | 504:
            seconds = _seconds(retry_after) or _seconds(details.get("retryAfterSeconds")) or 0.0
            return Throttled(said, cluster=cluster, retry_after=seconds, may_have_happened=status == 504)
        case _:
            fields = tuple(dict.fromkeys(str(cause["field"]) for cause in causes if cause.get("field")))
            return Rejected(
                said,
                cluster=cluster,
                status=status,
                reason=reason,
                fields=fields,
                immutable=status == 422 and bool(_IMMUTABLE.search(said)),
                missing=_missing(details) if status == 404 else ("", "", ""),
            )


def decoded(body: bytes) -> dict[str, Any]:
    """The JSON object that a server sent. Raises Unreachable where it is none: something else than an API server spoke."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreachable("the answer is not JSON: this is not an API server") from error
    if not isinstance(document, dict):
        raise Unreachable("the answer is not a JSON object: this is not an API server")
    return document


def is_dry_run_unsupported(error: ClusterError) -> bool:
    """Whether only the dry-run was refused: a webhook with side effects does not take part in one."""
    return isinstance(error, Rejected) and error.status == 400 and _DRY_RUN_UNSUPPORTED in str(error)


def without_values(text: str) -> str:
    """A server's sentence without the values that it quotes; the names of fields and the rule stay."""
    text = _CONTEXT.sub("", _GO_VALUE.sub("got another type", text)).strip()
    found = _QUOTING.search(text)
    if found:
        text = f"{text[: found.start()]}{found.group(1)}{_rule(found.group(2) or '')}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _rule(quoted: str) -> str:
    choice = quoted.find(": supported values")
    if choice >= 0:
        return quoted[choice:]
    _, separator, rule = quoted.rpartition(": ")
    # A value may hold the separator itself; what ends like a value is dropped too.
    return f": {rule}" if separator and not rule.rstrip().endswith(("}", '"', "]")) else ""


def _status(body: bytes) -> Mapping[str, Any]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {"message": body[:200].decode(errors="replace").strip()}
    return answer if isinstance(answer, dict) and answer.get("kind") == "Status" else {}


def _message(status: int, answer: Mapping[str, Any], causes: list[Mapping[str, Any]]) -> str:
    told = [
        f"{cause['field']}: {without_values(str(cause.get('message') or ''))}"
        for cause in causes
        if cause.get("field")
    ]
    if told and status == 422:
        return "; ".join(dict.fromkeys(told))
    return without_values(str(answer.get("message") or "")) or f"the server answered {status}"


def _missing(details: Mapping[str, Any]) -> tuple[str, str, str]:
    return tuple(str(details.get(key) or "") for key in ("group", "kind", "name"))  # type: ignore[return-value]  # three keys, three texts


def _is_admission(said: str, causes: list[Mapping[str, Any]]) -> bool:
    # Admission answers 403 too: the right is there, the object is not wanted.
    if any(cause.get("reason") == "NamespaceTerminating" for cause in causes):
        return True
    return any(
        mark in said
        for mark in ("admission webhook", "denied the request", "exceeded quota", "violates PodSecurity")
    )


def _seconds(text: object) -> float:
    try:
        return max(0.0, float(str(text)))
    except ValueError:
        return 0.0
