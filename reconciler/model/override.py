"""Override policies as values (spec rendering-and-status §1). What each does is in `reconciler.overrides`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from reconciler.model.manifest import Body, Manifest
from reconciler.model.selector import ClusterAffinity, ResourceSelector


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOverrider:
    """Edits one component of images; `predicate_path` None means the containers of well-known kinds."""

    component: str
    operator: str
    value: str = ""
    predicate_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandArgsOverrider:
    """Edits `command` or `args` of the containers of one name."""

    container_name: str
    operator: str
    value: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelAnnotationOverrider:
    """Edits `metadata.labels` or `metadata.annotations`."""

    operator: str
    value: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchOperation:
    """One operation on a path. `has_value` tells an omitted value from `null`."""

    path: str
    operator: str
    value: Any = None
    has_value: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOverrider:
    """Edits a string field that holds JSON or YAML."""

    field_path: str
    json: tuple[PatchOperation, ...] = ()
    yaml: tuple[PatchOperation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overriders:
    """All overriders of one rule; applied in the order of these fields. `body` is the JSON as written, for the record."""

    image: tuple[ImageOverrider, ...] = ()
    command: tuple[CommandArgsOverrider, ...] = ()
    args: tuple[CommandArgsOverrider, ...] = ()
    labels: tuple[LabelAnnotationOverrider, ...] = ()
    annotations: tuple[LabelAnnotationOverrider, ...] = ()
    field: tuple[FieldOverrider, ...] = ()
    plaintext: tuple[PatchOperation, ...] = ()
    body: Body = dataclasses.field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideRule:
    """Overriders for the clusters that match; None means every cluster."""

    target_cluster: ClusterAffinity | None = None
    overriders: Overriders
    index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OverridePolicy:
    """An OverridePolicy, or a ClusterOverridePolicy when `namespace` is empty."""

    name: str
    namespace: str = ""
    resource_selectors: tuple[ResourceSelector, ...] = ()
    rules: tuple[OverrideRule, ...] = ()
    deleting: bool = False
    manifest: Manifest | None = dataclasses.field(default=None, compare=False, repr=False)

    @property
    def kind(self) -> str:
        """The API kind."""
        return "OverridePolicy" if self.namespace else "ClusterOverridePolicy"
