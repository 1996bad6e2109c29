"""MultiClusterIngress: the rules of networking.k8s.io/v1 Ingress (spec scheduling 6.7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.fleet import names
from reconciler.fleet.finding import FieldPath, Finding, quoted

_BAD_PARTS: Final = ("//", "/./", "/../")
_BAD_ENDS: Final = ("/..", "/.")
_LONGEST_PORT_NAME: Final = 15

Body = Mapping[str, Any]


def check(body: Body) -> Iterator[Finding]:
    """Everything of one ingress."""
    spec: Body = body.get("spec") or {}
    rules = spec.get("rules") or ()
    if not rules and spec.get("defaultBackend") is None:
        yield _finding(("spec",), "either defaultBackend or rules is needed")
    if spec.get("ingressClassName") and not names.is_dns_subdomain(spec["ingressClassName"]):
        yield _finding(
            ("spec", "ingressClassName"), f"{quoted(spec['ingressClassName'])} is no name of a class"
        )
    if spec.get("defaultBackend") is not None:
        yield from _backend(spec["defaultBackend"], ("spec", "defaultBackend"))
    for index, tls in enumerate(spec.get("tls") or ()):
        for position, host in enumerate(tls.get("hosts") or ()):
            yield from _host(host, ("spec", "tls", index, "hosts", position))
    for index, rule in enumerate(rules):
        at: FieldPath = ("spec", "rules", index)
        if rule.get("host"):
            yield from _host(rule["host"], (*at, "host"))
        if rule.get("http") is not None:
            if not rule["http"]["paths"]:
                yield _finding((*at, "http", "paths"), "at least one path is needed")
            for position, path in enumerate(rule["http"]["paths"]):
                yield from _path(path, (*at, "http", "paths", position))


def _host(host: str, path: FieldPath) -> Iterator[Finding]:
    if not names.is_dns_subdomain(host.removeprefix("*.")):
        yield _finding(path, f"{quoted(host)} is no DNS name; a first label `*` is allowed")


def _path(item: Body, path: FieldPath) -> Iterator[Finding]:
    text = item.get("path") or ""
    is_loose = item["pathType"] == "ImplementationSpecific"
    if not text.startswith("/") and not (is_loose and not text):
        yield _finding((*path, "path") if text else path, "the path must begin with `/`")
    elif not is_loose and (any(part in text for part in _BAD_PARTS) or text.endswith(_BAD_ENDS)):
        yield _finding((*path, "path"), "the path must not hold `//`, `/./` or `/../`")
    yield from _backend(item["backend"], (*path, "backend"))


def _backend(backend: Body, path: FieldPath) -> Iterator[Finding]:
    service, resource = backend.get("service"), backend.get("resource")
    if (service is None) == (resource is None):
        yield _finding(path, "exactly one of service and resource is needed")
    if service is None:
        return
    if not names.is_dns_label(service["name"]):
        yield _finding((*path, "service", "name"), f"{quoted(service['name'])} is no name of a Service")
    port = service.get("port") or {}
    if (not port.get("name")) == (not port.get("number")):
        yield _finding((*path, "service"), "exactly one of port.name and port.number is needed")
    elif port.get("number") and not 0 < port["number"] < 65536:
        yield _finding((*path, "service", "port", "number"), f"{port['number']} is no port")
    elif port.get("name") and not _is_port_name(port["name"]):
        yield _finding((*path, "service", "port", "name"), f"{quoted(port['name'])} is no name of a port")


def _is_port_name(text: str) -> bool:
    return (
        len(text) <= _LONGEST_PORT_NAME
        and names.is_dns_label(text)
        and "--" not in text
        and any(char.isalpha() for char in text)
    )


def _finding(path: FieldPath, message: str) -> Finding:
    return Finding(code="R267", path=path, message=message)
