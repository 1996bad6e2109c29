"""OverridePolicy and ClusterOverridePolicy (spec rendering-and-status 1.2).

Karmada checks the rules of `overrideRules` alone; here the old form is held to the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.errors import Severity
from reconciler.fleet import names
from reconciler.fleet.finding import FieldPath, Finding, quoted
from reconciler.fleet.validate import selectors

_TAG: Final = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}", re.ASCII)
_BAD_ESCAPE: Final = re.compile(r"~(?![01])")
_LARGEST_ANNOTATIONS: Final = 256 * 1024

Body = Mapping[str, Any]


def check(body: Body) -> Iterator[Finding]:
    """Everything of one policy but what depends on its namespace."""
    spec: Body = body["spec"]
    yield from selectors.resource_selectors(spec.get("resourceSelectors"), ("spec", "resourceSelectors"))
    rules = spec.get("overrideRules") or ()
    if rules:
        for field in ("targetCluster", "overriders"):
            if spec.get(field) is not None and (field == "targetCluster" or spec[field]):
                yield Finding(
                    code="R250", path=("spec", field), message=f"{field} stands beside overrideRules"
                )
    yield from _rule(spec, ("spec",))
    for index, rule in enumerate(rules):
        yield from _rule(rule, ("spec", "overrideRules", index))


def _rule(rule: Body, path: FieldPath) -> Iterator[Finding]:
    yield from selectors.cluster_affinity(rule.get("targetCluster"), (*path, "targetCluster"))
    overriders = rule.get("overriders") or {}
    at = (*path, "overriders")
    for index, item in enumerate(overriders.get("imageOverrider") or ()):
        yield from _image(item, (*at, "imageOverrider", index))
    for field in ("labelsOverrider", "annotationsOverrider"):
        for index, item in enumerate(overriders.get(field) or ()):
            yield from _metadata(item, (*at, field, index), is_label=field == "labelsOverrider")
    for index, item in enumerate(overriders.get("fieldOverrider") or ()):
        yield from _field(item, (*at, "fieldOverrider", index))
    for index, item in enumerate(overriders.get("plaintext") or ()):
        yield from _plaintext(item, (*at, "plaintext", index))


def _image(item: Body, path: FieldPath) -> Iterator[Finding]:
    if item.get("predicate") is not None:
        yield from _pointer(item["predicate"]["path"], (*path, "predicate", "path"))
    value = item.get("value") or ""
    is_set = item["component"] == "Tag" and item["operator"] == "replace"
    if is_set and not _TAG.fullmatch(value) and not _DIGEST.fullmatch(value):
        yield Finding(
            code="R255",
            path=(*path, "value" if "value" in item else "operator"),
            message=f"{quoted(value)} is neither a tag nor a digest, so that the image stays as it is",
        )


def _metadata(item: Body, path: FieldPath, *, is_label: bool) -> Iterator[Finding]:
    what = "a label" if is_label else "an annotation"
    size = 0
    for key, value in sorted(item["value"].items()):
        at = (*path, "value", key)
        size += len(key.encode()) + len(value.encode())
        # An annotation's key may hold capitals in its prefix, a label's may not.
        if not names.is_label_key(key if is_label else key.lower()):
            yield Finding(
                code="R251",
                path=at,
                message=f"{quoted(key)} is no key of {what}; it must be {names.LABEL_KEY}",
            )
        elif is_label and not names.is_label_value(value):
            yield Finding(
                code="R251",
                path=at,
                message=f"the value of label {quoted(key)} is not allowed; it must be {names.LABEL_VALUE}",
            )
    if not is_label and size > _LARGEST_ANNOTATIONS:
        yield Finding(
            code="R251",
            path=(*path, "value"),
            message=f"the annotations hold {size:,} bytes; {_LARGEST_ANNOTATIONS:,} is the limit",
        )


def _field(item: Body, path: FieldPath) -> Iterator[Finding]:
    yield from _pointer(item["fieldPath"], (*path, "fieldPath"))
    if not item["fieldPath"]:
        yield Finding(
            code="R252",
            path=(*path, "fieldPath"),
            message="an empty fieldPath means the whole object, which is no text",
        )
    formats = [name for name in ("json", "yaml") if item.get(name)]
    if len(formats) != 1:
        words = "both json and yaml are given" if formats else "neither json nor yaml is given"
        yield Finding(code="R253", path=path, message=words)
    for name in formats:
        for index, operation in enumerate(item[name]):
            at = (*path, name, index)
            yield from _pointer(operation["subPath"], (*at, "subPath"))
            yield from _value(operation, at)


def _value(operation: Body, path: FieldPath) -> Iterator[Finding]:
    has_value = operation.get("value") is not None
    if operation["operator"] == "remove" and has_value:
        yield Finding(code="R254", path=(*path, "value"), message="remove takes no value")
    if operation["operator"] != "remove" and not has_value:
        yield Finding(code="R254", path=path, message=f"{operation['operator']} needs a value")


def _plaintext(item: Body, path: FieldPath) -> Iterator[Finding]:
    pointer: str = item["path"]
    at = (*path, "path")
    if pointer and "/" not in pointer:
        yield Finding(
            code="R252",
            path=at,
            message=f"{quoted(pointer)} is no path into an object",
            remedy="begin it with `/`",
        )
    elif pointer and not pointer.startswith("/"):
        yield Finding(
            code="R252",
            path=at,
            message=f"{quoted(pointer)} does not begin with `/`; what stands before the first one is ignored",
            severity=Severity.WARNING,
        )
    if item["operator"] == "remove" and item.get("value") is not None:
        yield Finding(
            code="R254",
            path=(*path, "value"),
            message="remove takes no value; it is ignored",
            severity=Severity.WARNING,
        )


def _pointer(text: str, path: FieldPath) -> Iterator[Finding]:
    if text and not text.startswith("/"):
        yield Finding(
            code="R252", path=path, message=f"{quoted(text)} is no JSON pointer", remedy="begin it with `/`"
        )
    elif _BAD_ESCAPE.search(text):
        yield Finding(
            code="R252",
            path=path,
            message=f"{quoted(text)} is no JSON pointer",
            remedy="write `~0` for `~` and `~1` for `/` inside a name",
        )
