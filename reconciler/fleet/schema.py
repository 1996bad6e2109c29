"""The JSON Schemas of `schemas/` as checks: every deviation of a policy-side document, in words, at its field.

The schemas are package data: they are read and compiled once, when this module is imported, and never again.
Patterns run on a linear-time engine, so that no document can make a check slow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final
from urllib.parse import unquote

import jsonschema_rs
import orjson

from reconciler.fleet.finding import FieldPath, Finding, field_text, quoted
from reconciler.model.identity import group_of

_BASE: Final = "schema:///"
_RANKS: Final = {
    "enum": 1,
    "pattern": 1,
    "minLength": 2,
    "maxLength": 2,
    "minimum": 2,
    "maximum": 2,
    "format": 3,
}
_WORDS: Final = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


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
    found: list[Finding] = []
    # One word on a value is enough: its type, else its pattern, else its length, else whether such a moment exists.
    errors = sorted(validator.iter_errors(body), key=lambda error: _RANKS.get(error.kind.name, 0))
    judged: set[FieldPath] = set()
    for error in errors:
        for finding in _findings(error, str(body["kind"])):
            if finding.code in ("R202", "R204"):
                if finding.path in judged:
                    continue
                judged.add(finding.path)
            found.append(finding)
    return tuple(sorted(found, key=lambda finding: (_sortable(finding.path), finding.code, finding.message)))


def _findings(error: jsonschema_rs.ValidationError, kind: str) -> Iterator[Finding]:
    path: FieldPath = tuple(error.instance_path)
    if path[:1] == ("metadata",):
        return
    parent = _subschema(error.absolute_keyword_location or "")
    details = error.kind.as_dict()
    match error.kind.name:
        case "additionalProperties":
            for name in sorted(details["unexpected"]):
                yield Finding(
                    code="R201",
                    path=(*path, name),
                    message=f"unknown field {quoted(name)} in {field_text(path) if path else kind}",
                    remedy=_instead(name, parent),
                )
        case "type":
            expected = " or ".join(_WORDS[name] for name in details["types"])
            yield Finding(
                code="R202",
                path=path,
                message=f"{field_text(path)} must be {expected}, not {_WORDS[_type(error.instance)]}",
            )
        case "required" if path or details["property"] != "metadata":
            name = details["property"]
            yield Finding(
                code="R203",
                path=path,
                message=f"{field_text((*path, name))} is missing",
                evidence=_described(parent.get("properties", {}).get(name, {}), name),
            )
        case "required":
            return
        case keyword:
            rule = _rule(keyword, details, error.instance, parent)
            yield Finding(code="R204", path=path, message=f"{field_text(path)} {rule}")


def _rule(keyword: str, details: Mapping[str, Any], value: object, parent: Mapping[str, Any]) -> str:
    """What a value would have to be, for the keywords that `schemas/` uses."""
    limit = details.get("limit")
    match keyword:
        case "enum":
            return f"is {quoted(value)}; allowed: {', '.join(details['options'])}"
        case "pattern":
            return f"is {quoted(value)}; it must be {parent['title']}"
        case "minimum":
            return f"is {value}; the least is {limit}"
        case "maximum":
            return f"is {value}; the greatest is {limit}"
        case "minLength" | "minItems":
            return "must not be empty" if limit == 1 else f"is too short: at least {limit} characters"
        case "maxLength":
            return f"has more than {limit} characters"
        case "maxItems":
            return f"has more than {limit} entries"
        case "format":
            return "is a moment that does not exist"
        case _:
            return f"has none of the allowed forms ({keyword})"


def _subschema(location: str) -> Mapping[str, Any]:
    """The schema that holds the keyword at an absolute keyword location."""
    document, _, pointer = location.removeprefix(_BASE).partition("#")
    node: Any = SCHEMAS[document]
    for token in pointer.split("/")[1:-1]:
        step = unquote(token).replace("~1", "/").replace("~0", "~")
        node = node[int(step)] if isinstance(node, list) else node[step]
    return node if isinstance(node, dict) else {}


def _instead(name: str, parent: Mapping[str, Any]) -> str:
    """What the author may have meant by an unknown field."""
    fields = tuple(parent.get("properties", ()))
    same = [field for field in fields if field.lower() == name.lower()]
    below = () if same else _below(name, parent, ())
    if below:
        return f"`{name}` belongs into `{'.'.join(below)}`"
    close = same or get_close_matches(name, fields, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"remove it; known fields are {', '.join(sorted(fields))}" if fields else ""


def _below(name: str, schema: Mapping[str, Any], path: tuple[str, ...]) -> tuple[str, ...]:
    """The path of a mapping at most two levels below `schema` that has the field `name`."""
    children = {field: _resolved(child) for field, child in sorted(schema.get("properties", {}).items())}
    for field, child in children.items():
        if name in child.get("properties", {}):
            return (*path, field)
    if len(path) < 1:
        for field, child in children.items():
            if found := _below(name, child, (*path, field)):
                return found
    return ()


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """`schema`, or what its reference stands for: all shared parts are in `definitions.json`."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    definition: Mapping[str, Any] = SCHEMAS["definitions.json"]["$defs"][reference.rpartition("/")[2]]
    return definition


def _described(schema: Mapping[str, Any], name: str) -> tuple[str, ...]:
    words = schema.get("description") or _resolved(schema).get("description")
    return (f"{name}: {words}",) if words else ()


def _type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _sortable(path: FieldPath) -> tuple[tuple[int, str], ...]:
    return tuple((step, "") if isinstance(step, int) else (-1, step) for step in path)
