"""What a validator found, in words: every deviation from a schema at its field, one word a value.

Only schemas of this program are spoken about here, and only the keywords that they use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

import jsonschema_rs

from reconciler.fleet.finding import FieldPath, Finding, field_text, quoted

Subschema = Callable[[jsonschema_rs.ValidationError], Mapping[str, Any]]

# One word on a value is enough: its type, else its pattern, else its length, else whether such a moment exists.
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


def deviations(
    validator: jsonschema_rs.Draft202012Validator, body: Mapping[str, Any], subschema: Subschema
) -> tuple[Finding, ...]:
    """R201-R204 for every deviation, sorted by path. `subschema` gives the schema that holds an error's keyword."""
    found: list[Finding] = []
    judged: set[FieldPath] = set()
    for error in sorted(validator.iter_errors(body), key=lambda each: _RANKS.get(each.kind.name, 0)):
        for finding in _findings(error, subschema(error), str(body.get("kind"))):
            if finding.code in ("R202", "R204"):
                if finding.path in judged:
                    continue
                judged.add(finding.path)
            found.append(finding)
    return tuple(sorted(found, key=lambda finding: (_sortable(finding.path), finding.code, finding.message)))


def _findings(
    error: jsonschema_rs.ValidationError, parent: Mapping[str, Any], kind: str
) -> Iterator[Finding]:
    path: FieldPath = tuple(error.instance_path)
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
            expected = _expected(details["types"], parent)
            found = _WORDS[_type(error.instance)]
            yield Finding(
                code="R202", path=path, message=f"{field_text(path)} must be {expected}, not {found}"
            )
        case "required":
            name = details["property"]
            words = parent.get("properties", {}).get(name, {}).get("description")
            yield Finding(
                code="R203",
                path=path,
                message=f"{field_text((*path, name))} is missing",
                evidence=(f"{name}: {words}",) if words else (),
            )
        case keyword:
            rule = _rule(keyword, details, error.instance, parent)
            yield Finding(code="R204", path=path, message=f"{field_text(path)} {rule}")


def _expected(types: list[str], parent: Mapping[str, Any]) -> str:
    # Null stands for an absent field; nobody is told to write it.
    named = [_WORDS[name] for name in types if name != "null" or len(types) == 1]
    return str(parent["title"]) if len(named) > 1 else named[0]


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
    children = dict(sorted(schema.get("properties", {}).items()))
    for field, child in children.items():
        if name in child.get("properties", {}):
            return (*path, field)
    if len(path) < 1:
        for field, child in children.items():
            if found := _below(name, child, (*path, field)):
                return found
    return ()


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
