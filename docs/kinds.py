"""Policy-side kinds as tables of fields, from the JSON Schemas and from what is not supported yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DEPTH = 9

Field = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One page: `fields` are (path, type, meaning)."""

    path: str
    title: str
    description: str
    version: str
    scope: str
    state: str
    note: str
    fields: tuple[Field, ...]

    @property
    def name(self) -> str:
        """The page's name."""
        return self.path.removesuffix(".json").replace("/", "-")


def kind_pages() -> list[Kind]:
    """Every kind, sorted by its schema's path."""
    from reconciler.fleet.schema import SCHEMAS
    from reconciler.fleet.unsupported import KINDS

    found = []
    for path, schema in SCHEMAS.items():
        if "/" not in path:
            continue
        group, title = path.split("/")[0], schema["title"]
        row = KINDS.get((group, title))
        found.append(
            Kind(
                path=path,
                title=title,
                description=schema["description"],
                version=schema["properties"]["apiVersion"]["const"],
                scope="in a namespace" if schema["x-scope"] == "Namespaced" else "without a namespace",
                state="supported" if row is None else "not yet",
                note=""
                if row is None
                else f"\n**Not supported yet**: a document of this kind is checked, and refused with [R206](../problems/R206.md); {row.effect}.\n",
                fields=fields_of(path.removesuffix(".json")),
            )
        )
    return found


def fields_of(kind: str, below: str = "") -> tuple[Field, ...]:
    """The fields of `group/Kind`, less what is the same for every kind; `below` cuts to a prefix and removes it."""
    from reconciler.fleet.schema import SCHEMAS
    from reconciler.fleet.unsupported import FIELDS, WITHOUT_EFFECT

    group, _, title = kind.partition("/")
    path = f"{kind}.json"
    refused = {_name(steps): effect for steps, effect in FIELDS.get((group, title), ())}
    idle = {_name(steps) for steps in WITHOUT_EFFECT.get((group, title), ())}
    rows = []
    for name, type_, meaning in _walk(SCHEMAS[path], path, "", 0):
        if name in {"apiVersion", "kind"} or name.startswith("metadata") or not name.startswith(below):
            continue
        text = meaning
        if name in refused:
            text += f" **Not supported yet** ([R207](../problems/R207.md)): {refused[name]}."
        if name in idle:
            text += " Without effect ([R208](../problems/R208.md))."
        rows.append((f"`{name.removeprefix(below)}`", type_, text))
    return tuple(rows)


def _name(steps: tuple[str, ...]) -> str:
    return ".".join(steps).replace(".[]", "[]")


def _walk(schema: Mapping[str, Any], document: str, prefix: str, depth: int) -> Iterator[Field]:
    schema, document = _resolved(schema, document)
    for name, raw in schema.get("properties", {}).items():
        field, home = _resolved(raw, document)
        here = f"{prefix}{name}"
        yield here, _type(field, home), _meaning(raw, field, name in schema.get("required", ()))
        if depth < DEPTH:
            yield from _inside(field, home, here, depth)


def _inside(field: Mapping[str, Any], document: str, here: str, depth: int) -> Iterator[Field]:
    if field.get("properties"):
        yield from _walk(field, document, f"{here}.", depth + 1)
    for key, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(field.get(key), dict):
            inner, home = _resolved(field[key], document)
            yield from _walk(inner, home, f"{here}{mark}.", depth + 1)


def _type(field: Mapping[str, Any], document: str) -> str:
    kind = field.get("type", "")
    kind = " or ".join(kind) if isinstance(kind, list) else kind
    if kind == "array" and isinstance(field.get("items"), dict):
        return f"list of {_type(*_resolved(field['items'], document))}"
    return {"object": "mapping", "array": "list", "string": "text", "boolean": "true or false"}.get(
        kind, kind or "any"
    )


def _meaning(raw: Mapping[str, Any], field: Mapping[str, Any], required: bool) -> str:
    words = [str(raw.get("description") or field.get("description", ""))]
    if "enum" in field:
        words.append("One of: " + ", ".join(f"`{value}`" for value in field["enum"]) + ".")
    if "const" in field:
        words.append(f"Always `{field['const']}`.")
    if "default" in field:
        words.append(
            f"Default: `{str(field['default']).lower() if isinstance(field['default'], bool) else field['default']}`."
        )
    if required:
        words.append("Required.")
    return " ".join(word for word in words if word)


def _resolved(schema: Mapping[str, Any], document: str) -> tuple[Mapping[str, Any], str]:
    """A schema with its reference followed, and the document in which it stands."""
    from reconciler.fleet.schema import SCHEMAS

    reference = schema.get("$ref", "")
    if not reference:
        return schema, document
    place, _, pointer = reference.partition("#")
    home = place.rsplit("/", 1)[-1] if place else document
    target: Any = SCHEMAS[home]
    for step in pointer.strip("/").split("/"):
        target = target[step]
    own = {key: value for key, value in schema.items() if key != "$ref"}
    resolved, home = _resolved(target, home)
    return {**resolved, **own}, home
