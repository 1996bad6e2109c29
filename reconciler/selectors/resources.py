"""Resource selectors: whether, and how specifically, a policy means an object (spec scheduling §2.4).

Propagation and override policies share this scale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum

from reconciler.model.identity import ObjectId, id_of_body, metadata_of
from reconciler.model.manifest import Body, Manifest
from reconciler.model.selector import ResourceSelector
from reconciler.selectors.labels import label_test


class Level(IntEnum):
    """How specifically a selector means an object. Higher is more specific."""

    NONE = 0
    ALL = 1
    LABELS = 2
    NAME = 3


def selector_level(manifest: Manifest, selector: ResourceSelector) -> Level:
    """The level at which the selector means the manifest; a name makes its label selector moot."""
    return _level(selector, manifest.id, manifest.api_version, manifest.labels)


def body_level(body: Body, selector: ResourceSelector) -> Level:
    """The same for an object's own fields, where no manifest says what its namespace defaults to."""
    labels = metadata_of(body).get("labels") or {}
    return _level(selector, id_of_body(body), str(body.get("apiVersion") or ""), labels)


def best_level(manifest: Manifest, selectors: Iterable[ResourceSelector]) -> Level:
    """The highest level among the selectors; NONE without any."""
    return max((selector_level(manifest, selector) for selector in selectors), default=Level.NONE)


def _level(selector: ResourceSelector, id_: ObjectId, api_version: str, labels: Mapping[str, str]) -> Level:
    if selector.kind != id_.kind or selector.api_version != api_version:
        return Level.NONE
    if selector.namespace and selector.namespace != id_.namespace:
        return Level.NONE
    if selector.name:
        return Level.NAME if selector.name == id_.name else Level.NONE
    if selector.label_selector is None:
        return Level.ALL
    # A present but empty label selector matches everything, and counts as a match by labels.
    return Level.LABELS if label_test(selector.label_selector)(labels) else Level.NONE
