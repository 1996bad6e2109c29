"""FleetConfig: rules that must be usable, and regular expressions that cannot take long (DESIGN section 2, promise 8)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.fleet.finding import FieldPath, Finding, quoted
from reconciler.fleet.patterns import PatternError, parse_pattern
from reconciler.fleet.scope import BUILT_IN_SCOPES

_REPEATS: Final = re.compile(r"[*+?]")
_MOST_REPEATS: Final = 3
# Letters, digits, `-`, `.`, brackets, alternatives, groups; what repeats stands behind one character or bracket.
_SAFE: Final = re.compile(
    r"(?:[A-Za-z0-9.^$-](?:[*+?])?|\\[.-](?:[*+?])?|\[\^?[A-Za-z0-9.-]+\](?:[*+?])?|[(|]|\)(?![*+?]))*"
)

Body = Mapping[str, Any]


def check(body: Body) -> Iterator[Finding]:
    """Everything of the settings."""
    spec: Body = body.get("spec") or {}
    for index, pattern in enumerate(spec.get("include") or ()):
        yield from _pattern(pattern, ("spec", "include", index))
    yield from _namespaces(spec)
    for index, expression in enumerate(spec.get("skippedNamespaces") or ()):
        yield from _expression(expression, ("spec", "skippedNamespaces", index))
    for index, rule in enumerate(spec.get("secretRules") or ()):
        at: FieldPath = ("spec", "secretRules", index)
        if bool(rule.get("path")) == bool(rule.get("name")):
            yield Finding(code="R271", path=at, message="exactly one of path and name is needed")
        if rule.get("path"):
            yield from _pattern(rule["path"], (*at, "path"))
    yield from _scopes(spec)
    if spec.get("statusInterval") is not None and not any(
        char in "123456789" for char in spec["statusInterval"]
    ):
        yield Finding(
            code="R271", path=("spec", "statusInterval"), message="statusInterval must be longer than nothing"
        )


def _namespaces(spec: Body) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for index, rule in enumerate(spec.get("defaultNamespaces") or ()):
        at: FieldPath = ("spec", "defaultNamespaces", index, "path")
        path = rule["path"].strip("/")
        if any(part in ("", ".", "..") for part in path.split("/")) and path:
            yield Finding(
                code="R271",
                path=at,
                message=f"{quoted(rule['path'])} is no directory, seen from the repository's root",
            )
        if path in seen:
            yield Finding(
                code="R271", path=at, message=f"{quoted(path)} has a namespace already, in entry {seen[path]}"
            )
        seen.setdefault(path, index)


def _scopes(spec: Body) -> Iterator[Finding]:
    seen: dict[tuple[str, str], int] = {}
    for index, scope in enumerate(spec.get("scopes") or ()):
        key = (scope["group"], scope["kind"])
        at: FieldPath = ("spec", "scopes", index)
        if key in BUILT_IN_SCOPES:
            yield Finding(code="R271", path=at, message=f"the scope of {scope['kind']} is built in")
        if key in seen:
            yield Finding(code="R271", path=at, message=f"the kind is that of entry {seen[key]}")
        seen.setdefault(key, index)


def _pattern(text: str, path: FieldPath) -> Iterator[Finding]:
    try:
        is_pattern = parse_pattern(text) is not None
    except PatternError as error:
        yield Finding(code="R133", path=path, message=f"{quoted(text)} is no pattern: it {error}")
        return
    if not is_pattern:
        yield Finding(code="R133", path=path, message=f"{quoted(text)} names no path")


def _expression(text: str, path: FieldPath) -> Iterator[Finding]:
    if not _SAFE.fullmatch(text) or len(_REPEATS.findall(text)) > _MOST_REPEATS:
        yield Finding(
            code="R272", path=path, message=f"{quoted(text)} is not in the form that is allowed here"
        )
        return
    try:
        re.compile(text)
    except re.error:
        yield Finding(code="R271", path=path, message=f"{quoted(text)} is no regular expression")
