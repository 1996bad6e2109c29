"""fieldOverrider: edits a string field that holds JSON or YAML text (spec §1.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.model.manifest import Body
from reconciler.model.override import FieldOverrider, PatchOperation
from reconciler.overrides import embedded, yaml_style
from reconciler.overrides.outcome import OverriderError, Place
from reconciler.overrides.patch import apply_operation, apply_patch, parse_index


def override_field(body: Body, overriders: Sequence[FieldOverrider]) -> Body:
    """The body with each field's text edited. Raises OverriderError."""
    for index, overrider in enumerate(overriders):
        place: Place = ("fieldOverrider", index)
        text = _string_at(body, overrider.field_path, (*place, "fieldPath"))
        try:
            if overrider.yaml:
                document = embedded.parse_yaml(text)
                _require_document(document)
                edited = yaml_style.yaml_text(apply_patch(document, overrider.yaml, (*place, "yaml")))
            elif overrider.json:
                edited = _edited_json(text, overrider, place)
            else:
                # Karmada: without operations the field becomes empty; only the legacy form gets past validation.
                edited = ""
        except OverriderError as error:
            raise OverriderError(str(error), error.place or place) from None
        operation = PatchOperation(
            path=overrider.field_path, operator="replace", value=edited, has_value=True
        )
        body = apply_operation(body, operation)
    return body


def _edited_json(text: str, overrider: FieldOverrider, place: Place) -> str:
    if not text:
        return ""
    document = embedded.parse_json(text)
    _require_document(document)
    return embedded.json_text(apply_patch(document, overrider.json, (*place, "json")))


def _require_document(document: Any) -> None:
    if document is not None and not isinstance(document, dict | list):
        raise OverriderError("the field's text is neither an object nor a list")


def _string_at(body: Body, path: str, place: Place) -> str:
    if not path.startswith("/"):
        raise OverriderError(f"{path!r} is not a JSON pointer: it starts with '/'", place)
    node: Any = body
    for raw in path.split("/")[1:]:
        token = raw.replace("~1", "/").replace("~0", "~")
        match node:
            case dict() if token in node:
                node = node[token]
            case list() if (index := parse_index(token)) is not None and 0 <= index < len(node):
                node = node[index]
            case _:
                raise OverriderError(f"the path {path} is missing at {token!r}", place)
    if not isinstance(node, str):
        raise OverriderError(f"the value at {path} is not a string", place)
    return node
