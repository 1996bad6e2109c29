"""What every object must have, whatever its kind: apiVersion, kind and metadata of the right shape, and a usable name.

After these checks passed, nothing further down meets a label that is a number or a name that leaves its folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from reconciler.fleet import names, schema
from reconciler.fleet.finding import Finding, field_text, quoted
from reconciler.model.identity import group_of
from reconciler.model.marks import DRIFT, PRUNE, RECREATE
from reconciler.model.time import parse_time

RESERVED_PREFIXES: Final = ("fleet-reconciler/", "applyset.kubernetes.io/")
"""Labels and annotations that are the reconciler's own, on the objects that it writes."""

AUTHORS_KEYS: Final[Mapping[str, str]] = {DRIFT: "ignore", PRUNE: "disabled", RECREATE: "true"}
"""Annotations below a reserved prefix that are meant for people, and the one value that each has."""

_FIELDS: Final = frozenset(schema.SCHEMAS["definitions.json"]["$defs"]["objectMeta"]["properties"]) | {
    "generateName"
}
_SERVERS_OWN: Final = "remove it; such fields belong to API servers"
_SHAPES: Final[tuple[tuple[str, str, tuple[type, ...], str], ...]] = (
    ("labels", "a mapping", (dict,), "write one `key: value` a line"),
    ("annotations", "a mapping", (dict,), "write one `key: value` a line"),
    ("uid", "text", (str,), "put the value into quotes"),
    ("generateName", "text", (str,), "put the value into quotes"),
    ("finalizers", "a list", (list,), _SERVERS_OWN),
    ("ownerReferences", "a list", (list,), _SERVERS_OWN),
    ("managedFields", "a list", (list,), _SERVERS_OWN),
    ("generation", "a whole number", (int,), _SERVERS_OWN),
    ("deletionGracePeriodSeconds", "a whole number", (int,), _SERVERS_OWN),
    ("creationTimestamp", "text", (str,), _SERVERS_OWN),
    ("deletionTimestamp", "text", (str,), _SERVERS_OWN),
    ("resourceVersion", "text", (str,), _SERVERS_OWN),
    ("selfLink", "text", (str,), _SERVERS_OWN),
)
"""Field of metadata, what it must be in words and in types, and what to do. Null counts as absent, as in Kubernetes."""

_LARGEST_ANNOTATIONS: Final = 256 * 1024

IDENTITY_CODES: Final = frozenset({"R130", "R134", "R136", "R137", "R138", "R139"})
"""With one of these found, it is unknown which object a document means."""


def check_type(body: Mapping[str, Any]) -> tuple[Finding, ...]:
    """`apiVersion` and `kind`, for a document that has at least one of them."""
    found = []
    for key, other in (("apiVersion", "kind"), ("kind", "apiVersion")):
        if body.get(key) is None:
            found.append(Finding(code="R130", path=(other,), message=f"{other} without {key}"))
    if found:
        return tuple(found)
    rules = (
        ("apiVersion", names.is_api_version, "version or group/version, in lower case"),
        ("kind", names.is_kind, "a word of letters and digits that begins with a capital letter"),
    )
    return tuple(
        Finding(code="R134", path=(key,), message=f"{key} is {quoted(body[key])}; it must be {words}")
        for key, is_valid, words in rules
        if not isinstance(body[key], str) or not is_valid(body[key])
    )


def check_metadata(body: Mapping[str, Any], *, needs_name: bool = True) -> tuple[Finding, ...]:
    """`metadata`, for a document whose apiVersion and kind are valid."""
    metadata = body.get("metadata")
    if metadata is None and "metadata" not in body:
        return (
            (Finding(code="R136", message=f"this {body['kind']} has no metadata.name"),) if needs_name else ()
        )
    if not isinstance(metadata, Mapping):
        return (
            _mistyped(("metadata",), "a mapping", "write name, labels and so on below it"),
            *_nameless(needs_name),
        )
    return tuple(
        finding for check in (_unknown_fields, _types, _label_keys) for finding in check(metadata)
    ) + tuple(_identity(body, metadata, needs_name=needs_name))


def check_reserved(body: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Keys that are the reconciler's own, on a template whose metadata is well shaped."""
    metadata = body.get("metadata") or {}
    return tuple(
        finding
        for field in ("labels", "annotations")
        for key, value in sorted((metadata.get(field) or {}).items())
        if key.startswith(RESERVED_PREFIXES)
        for finding in _reserved(field, key, value)
    )


def _reserved(field: str, key: str, value: Any) -> Iterator[Finding]:
    path = ("metadata", field, key)
    if field != "annotations" or key not in AUTHORS_KEYS:
        yield Finding(
            code="R145", path=path, message=f"{field[:-1]} {quoted(key)} is reserved for the reconciler"
        )
    elif value != AUTHORS_KEYS[key]:
        yield Finding(
            code="R145",
            path=path,
            message=f"annotation {quoted(key)} says {quoted(value)}, which is not acted on",
            remedy=f"write {AUTHORS_KEYS[key]!r}, or remove it".replace("'", '"'),
        )


def _nameless(needs_name: bool) -> tuple[Finding, ...]:
    return (
        (Finding(code="R136", path=("metadata",), message="metadata.name is missing"),) if needs_name else ()
    )


def _unknown_fields(metadata: Mapping[str, Any]) -> Iterator[Finding]:
    for field in sorted(metadata.keys() - _FIELDS):
        close = get_close_matches(field, sorted(_FIELDS), n=1)
        yield Finding(
            code="R135",
            path=("metadata", field),
            message=f"unknown field {quoted(field)} in metadata",
            remedy=f"did you mean `{close[0]}`?" if close else "remove it",
        )


def _types(metadata: Mapping[str, Any]) -> Iterator[Finding]:
    for field, expected, types, remedy in _SHAPES:
        value = metadata.get(field)
        if value is not None and type(value) not in types:
            yield _mistyped(("metadata", field), expected, remedy)
        elif field in ("creationTimestamp", "deletionTimestamp") and value and not _is_time(value):
            yield _mistyped(("metadata", field), "a moment such as 2026-11-22T08:30:00Z", _SERVERS_OWN)
        elif value and field in ("labels", "annotations"):
            for key in sorted(value):
                if not isinstance(value[key], str):
                    yield _mistyped(("metadata", field, key), "text", "put the value into quotes")


def _is_time(text: str) -> bool:
    try:
        parse_time(text)
    except (ValueError, OverflowError):
        return False
    return True


def _mistyped(path: tuple[str, ...], expected: str, remedy: str) -> Finding:
    return Finding(code="R135", path=path, message=f"{field_text(path)} must be {expected}", remedy=remedy)


def _label_keys(metadata: Mapping[str, Any]) -> Iterator[Finding]:
    for field in ("labels", "annotations"):
        values = metadata.get(field)
        if not isinstance(values, Mapping):
            continue
        # An annotation's key may hold capitals in its prefix, a label's may not.
        for key in sorted(values):
            tested = key.lower() if field == "annotations" else key
            if not names.is_label_key(tested):
                yield Finding(
                    code="R140",
                    path=("metadata", field, key),
                    message=f"{quoted(key)} is no key for {field}; it must be {names.LABEL_KEY}",
                )
            if field == "labels" and isinstance(values[key], str) and not names.is_label_value(values[key]):
                yield Finding(
                    code="R140",
                    path=("metadata", field, key),
                    message=f"the value of label {quoted(key)} is not allowed; it must be {names.LABEL_VALUE}",
                )
        if field == "annotations":
            size = sum(len(key.encode()) + len(str(value).encode()) for key, value in values.items())
            if size > _LARGEST_ANNOTATIONS:
                yield Finding(
                    code="R140",
                    path=("metadata", field),
                    message=f"all annotations together hold {size:,} bytes; {_LARGEST_ANNOTATIONS:,} is the limit",
                    remedy="move what is large into a ConfigMap",
                )


def _identity(body: Mapping[str, Any], metadata: Mapping[str, Any], *, needs_name: bool) -> Iterator[Finding]:
    group, kind = group_of(str(body["apiVersion"])), str(body["kind"])
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if name is None or name == "":
        if metadata.get("generateName") is not None:
            yield Finding(
                code="R137",
                path=("metadata", "generateName"),
                message=f"this {kind} would get another name at every apply",
            )
        elif needs_name:
            yield Finding(code="R136", path=("metadata",), message="metadata.name is missing")
    elif not isinstance(name, str):
        yield Finding(
            code="R138",
            path=("metadata", "name"),
            message="metadata.name must be text",
            remedy="put the name into quotes",
        )
    elif not names.is_object_name(group, kind, name):
        yield Finding(
            code="R138",
            path=("metadata", "name"),
            message=f"metadata.name is {quoted(name)}; it must be {names.name_rule(group, kind)}",
        )
    if (
        namespace is not None
        and namespace != ""
        and not (isinstance(namespace, str) and names.is_dns_label(namespace))
    ):
        yield Finding(
            code="R139",
            path=("metadata", "namespace"),
            message=f"metadata.namespace is {quoted(namespace)}; it must be {names.DNS_LABEL}",
        )
