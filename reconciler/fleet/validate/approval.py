"""Approval (DESIGN section 5, promise 2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.fleet import names
from reconciler.fleet.finding import FieldPath, Finding, quoted

Body = Mapping[str, Any]


def check(body: Body) -> Iterator[Finding]:
    """Everything of one approval."""
    for index, item in enumerate(body["spec"]["objects"]):
        at: FieldPath = ("spec", "objects", index)
        if not names.is_kind(item["kind"]):
            yield _finding((*at, "kind"), f"{quoted(item['kind'])} is no kind")
        if item.get("group") and not names.is_dns_subdomain(item["group"]):
            yield _finding((*at, "group"), f"{quoted(item['group'])} is no API group")
        if item.get("namespace") and not names.is_dns_label(item["namespace"]):
            yield _finding((*at, "namespace"), f"{quoted(item['namespace'])} is no namespace")
        if not names.is_path_segment(item["name"]):
            yield _finding((*at, "name"), f"{quoted(item['name'])} is no name of an object")


def _finding(path: FieldPath, message: str) -> Finding:
    return Finding(code="R273", path=path, message=message)
