"""ResourceInterpreterWebhookConfiguration (spec rendering-and-status 3.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.fleet import names
from reconciler.fleet.finding import FieldPath, Finding, quoted

OPERATIONS: Final = (
    "InterpretReplica",
    "InterpretComponent",
    "ReviseReplica",
    "Retain",
    "AggregateStatus",
    "InterpretDependency",
    "InterpretStatus",
    "InterpretHealth",
)
CONTEXT_VERSION: Final = "v1alpha1"
_LISTS: Final = ("operations", "apiGroups", "apiVersions", "kinds")

Body = Mapping[str, Any]


def check(body: Body) -> Iterator[Finding]:
    """Everything of one configuration."""
    seen: dict[str, int] = {}
    for index, webhook in enumerate(body["webhooks"]):
        at: FieldPath = ("webhooks", index)
        name = webhook["name"]
        if not names.is_dns_subdomain(name) or "." not in name:
            yield _finding((*at, "name"), f"{quoted(name)} must be a DNS name of at least two labels")
        if name in seen:
            yield _finding((*at, "name"), f"the name {quoted(name)} is taken by entry {seen[name]}")
        seen.setdefault(name, index)
        yield from _client(webhook["clientConfig"], (*at, "clientConfig"))
        for position, rule in enumerate(webhook.get("rules") or ()):
            yield from _rule(rule, (*at, "rules", position))
        if CONTEXT_VERSION not in webhook["interpreterContextVersions"]:
            yield _finding(
                (*at, "interpreterContextVersions"), f"{CONTEXT_VERSION} must be among the versions"
            )


def _client(client: Body, path: FieldPath) -> Iterator[Finding]:
    url, service = client.get("url"), client.get("service")
    if (url is None) == (service is None):
        yield _finding(path, "exactly one of url and service is needed")
    if url is not None:
        yield from _url(url, (*path, "url"))
    port = (service or {}).get("port")
    if port is not None and not 0 < port < 65536:
        yield _finding((*path, "service", "port"), f"{port} is no port")


def _url(text: str, path: FieldPath) -> Iterator[Finding]:
    try:
        url = urlsplit(text)
        is_fine = url.scheme == "https" and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        is_fine = False
    if not is_fine:
        yield _finding(path, "url must be https://HOST[:PORT][/PATH]")
    elif "@" in url.netloc or "?" in text or "#" in text:
        yield _finding(path, "url holds a user, a query or a fragment")


def _rule(rule: Body, path: FieldPath) -> Iterator[Finding]:
    for field in _LISTS:
        values = rule[field]
        if not values:
            yield _finding((*path, field), f"{field} must not be empty")
        if "*" in values and len(values) > 1:
            yield _finding((*path, field), "`*` must stand alone")
    for index, operation in enumerate(rule["operations"]):
        if operation != "*" and operation not in OPERATIONS:
            yield _finding(
                (*path, "operations", index),
                f"{quoted(operation)} is no operation; allowed: *, {', '.join(OPERATIONS)}",
            )


def _finding(path: FieldPath, message: str) -> Finding:
    return Finding(code="R261", path=path, message=message)
