"""ResourceInterpreterWebhookConfiguration (spec rendering-and-status 3.6)."""

from __future__ import annotations

import ssl
from base64 import b64decode
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
_COMPONENT: Final = "InterpretComponent"
_LARGEST_BUNDLE: Final = 2**20
_NAMED: Final = {"namespace": "namespace", "name": "Service"}

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
    yield from _authority(client.get("caBundle") or "", (*path, "caBundle"))
    if service is not None:
        yield from _service(service, (*path, "service"))
    port = (service or {}).get("port")
    if port is not None and not 0 < port < 65536:
        yield _finding((*path, "service", "port"), f"{port} is no port")


def _service(service: Body, path: FieldPath) -> Iterator[Finding]:
    for field in ("namespace", "name"):
        if not names.is_dns_label(service[field]):
            yield _finding((*path, field), f"{quoted(service[field])} is no name of a {_NAMED[field]}")
    way = service.get("path") or ""
    if any(mark in way for mark in "?#") or not way.isascii() or not way.isprintable() or " " in way:
        yield _finding((*path, "path"), f"{quoted(way)} is no path of a URL")


def _authority(bundle: str, path: FieldPath) -> Iterator[Finding]:
    """Certificates in base64 that a TLS library reads; what it says names no content."""
    if not bundle:
        return
    try:
        text = b64decode(bundle[:_LARGEST_BUNDLE], validate=True).decode("ascii")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ValueError, ssl.SSLError):
        yield _finding(path, "caBundle must be certificates (PEM) in base64")


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
    for index, kind in enumerate(rule["kinds"]):
        if kind == "Secret" and {"", "*"} & set(rule["apiGroups"]):
            yield _finding(
                (*path, "kinds", index),
                "a Secret is never sent to a webhook; `*` means every kind but Secret",
            )
    for index, operation in enumerate(rule["operations"]):
        if operation == _COMPONENT:
            # As in Karmada, which asks it behind a gate that is off by default.
            yield Finding(
                code="R208", path=(*path, "operations", index), message=f"{_COMPONENT} has no effect"
            )
        if operation != "*" and operation not in OPERATIONS:
            yield _finding(
                (*path, "operations", index),
                f"{quoted(operation)} is no operation; allowed: *, {', '.join(OPERATIONS)}",
            )


def _finding(path: FieldPath, message: str) -> Finding:
    return Finding(code="R261", path=path, message=message)
