"""labelsOverrider and annotationsOverrider: the object's own metadata, never its pod template's (spec §1.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

from reconciler.model.manifest import Body
from reconciler.model.override import LabelAnnotationOverrider
from reconciler.overrides.outcome import Ineffective


def override_labels(
    body: Body,
    overriders: Sequence[LabelAnnotationOverrider],
    notes: list[Ineffective],
    field: str = "labels",
) -> Body:
    """The body with `metadata.<field>` edited; notes get every key that was not there to replace or remove."""
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, dict):
        # Karmada: what is no object gets no labels, without an error.
        notes.append(Ineffective(place=(f"{field}Overrider",), reason="the object's metadata is no object"))
        return body
    present = metadata.get(field)
    values: dict[str, Any] | None = dict(present) if _is_readable(present) else None
    for index, overrider in enumerate(overriders):
        for key, value in overrider.value:
            if overrider.operator == "add":
                values = {} if values is None else values
                values[key] = value
            elif values is None or key not in values:
                notes.append(
                    Ineffective(
                        place=(f"{field}Overrider", index, "value", key),
                        reason=f"{overrider.operator}: the object has no {field[:-1]} {key}",
                    )
                )
            elif overrider.operator == "replace":
                values[key] = value
            else:
                del values[key]
    if values is None or values == present:
        return body
    return {**body, "metadata": {**metadata, field: values}}


def _is_readable(values: Any) -> TypeGuard[dict[str, str]]:
    # Kubernetes' accessor gives nothing at all where one value is no string; `add` then starts from nothing.
    return isinstance(values, dict) and all(isinstance(value, str) for value in values.values())
