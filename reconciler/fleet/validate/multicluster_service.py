"""MultiClusterService (spec scheduling 6.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.fleet import names
from reconciler.fleet.finding import FieldPath, Finding, quoted

_TYPES: Final = ("CrossCluster", "LoadBalancer")

Body = Mapping[str, Any]


def check(body: Body) -> Iterator[Finding]:
    """Everything of one service but its immutable type, which only history knows."""
    spec: Body = body["spec"]
    name = (body.get("metadata") or {}).get("name")
    if isinstance(name, str) and not (names.is_dns_label(name) and name[0].isalpha()):
        yield _finding(
            ("metadata", "name"),
            f"{quoted(name)} is no name of a Service: {names.DNS_LABEL}, the first a letter",
        )
    for index, kind in enumerate(spec["types"]):
        if kind not in _TYPES:
            yield _finding(
                ("spec", "types", index), f"{quoted(kind)} is no type; allowed: {', '.join(_TYPES)}"
            )
    if len(set(spec["types"])) != 1:
        yield _finding(("spec", "types"), f"exactly one type is needed: {' or '.join(_TYPES)}")
    seen: dict[str, int] = {}
    for index, port in enumerate(spec.get("ports") or ()):
        at: FieldPath = ("spec", "ports", index)
        if not 0 < port["port"] < 65536:
            yield _finding((*at, "port"), f"{port['port']} is no port")
        label = port.get("name")
        if not label:
            continue
        if not names.is_dns_label(label):
            yield _finding(
                (*at, "name"), f"{quoted(label)} is no name of a port; it must be {names.DNS_LABEL}"
            )
        if label in seen:
            yield _finding((*at, "name"), f"the name {quoted(label)} is taken by entry {seen[label]}")
        seen.setdefault(label, index)


def _finding(path: FieldPath, message: str) -> Finding:
    return Finding(code="R266", path=path, message=message)
