"""The JSON Schemas of `schemas/` as checks: every deviation of a policy-side document, in words, at its field.

The schemas are package data: they are read and compiled once, when this module is imported, and never again.
Patterns run on a linear-time engine, so that no document can make a check slow.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final
from urllib.parse import unquote

import jsonschema_rs
import orjson

from reconciler.fleet.deviations import deviations
from reconciler.fleet.finding import Finding
from reconciler.model.identity import group_of

_BASE: Final = "schema:///"


def _folder() -> Traversable:
    """`schemas/`: inside the installed package, or beside it in a checkout."""
    package = files("reconciler")
    installed = package.joinpath("fleet", "schemas")
    return installed if installed.is_dir() else package.joinpath("..", "schemas")


def _documents(folder: Traversable) -> dict[str, Any]:
    """Schema by path below `folder`, sorted."""
    found: dict[str, Any] = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            found.update({f"{entry.name}/{path}": schema for path, schema in _documents(entry).items()})
        elif entry.name.endswith(".json"):
            found[entry.name] = orjson.loads(entry.read_bytes())
    return dict(sorted(found.items()))


SCHEMAS: Final[Mapping[str, Any]] = _documents(_folder())
"""Every schema by its path below `schemas/`; what the reference pages are made from."""

_REGISTRY: Final = jsonschema_rs.Registry(
    [(_BASE + path, schema) for path, schema in SCHEMAS.items()], draft=jsonschema_rs.Draft202012
)
_VALIDATORS: Final = {
    path.removesuffix(".json"): jsonschema_rs.Draft202012Validator(
        schema,
        registry=_REGISTRY,
        base_uri=_BASE + path,
        pattern_options=jsonschema_rs.RegexOptions(),
        offline=True,
        validate_formats=True,
    )
    for path, schema in SCHEMAS.items()
    if "/" in path
}

POLICY_GROUPS: Final = frozenset(path.split("/")[0] for path in SCHEMAS if "/" in path)
"""API groups whose kinds are ours to read: nothing in them is a template."""

KIND_SCOPES: Final[Mapping[tuple[str, str], bool]] = {
    (path.split("/")[0], schema["title"]): schema["x-scope"] == "Namespaced"
    for path, schema in SCHEMAS.items()
    if "/" in path
}
"""(group, kind) of every policy-side kind to whether it is namespaced."""


def version_of(group: str, kind: str) -> str | None:
    """The `apiVersion` under which a policy-side kind is read, or None for an unknown kind."""
    schema = SCHEMAS.get(f"{group}/{kind}.json")
    return None if schema is None else str(schema["properties"]["apiVersion"]["const"])


def known_kinds(group: str) -> tuple[str, ...]:
    """The kinds of a policy-side group, sorted."""
    return tuple(sorted(kind for known, kind in KIND_SCOPES if known == group))


def check(body: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What the schema of this document's kind says of it; metadata is left to `fleet.metadata`.

    The kind must be a known one. Sorted by path; one finding a deviation.
    """
    validator = _VALIDATORS[f"{group_of(str(body['apiVersion']))}/{body['kind']}"]
    if validator.is_valid(body):
        return ()
    return tuple(
        finding
        for finding in deviations(validator, body, _subschema)
        if finding.path[:1] != ("metadata",) and finding.message != "metadata is missing"
    )


def resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """`schema`, or what its reference stands for: all shared parts are in `definitions.json`."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    definition: Mapping[str, Any] = SCHEMAS["definitions.json"]["$defs"][reference.rpartition("/")[2]]
    return definition


def _subschema(error: jsonschema_rs.ValidationError) -> Mapping[str, Any]:
    """The schema that holds the keyword which an error breaks, its fields' references resolved."""
    document, _, pointer = (error.absolute_keyword_location or "").removeprefix(_BASE).partition("#")
    node: Any = SCHEMAS[document]
    for token in pointer.split("/")[1:-1]:
        step = unquote(token).replace("~1", "/").replace("~0", "~")
        node = node[int(step)] if isinstance(node, list) else node[step]
    return _with_fields(node, 2) if isinstance(node, dict) else {}


def _with_fields(node: Mapping[str, Any], levels: int) -> Mapping[str, Any]:
    """`node` with the references of its fields resolved, for so many levels; a field keeps its own description."""
    fields = node.get("properties", {})
    if not levels or not fields:
        return node
    return {
        **node,
        "properties": {
            name: {
                **_with_fields(resolved(child), levels - 1),
                **({"description": child["description"]} if "description" in child else {}),
            }
            for name, child in fields.items()
        },
    }
