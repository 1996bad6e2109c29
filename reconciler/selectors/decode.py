"""Selectors from JSON. Expects what the schemas accept; applies no defaults, validates nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.manifest import Body
from reconciler.model.selector import ClusterAffinity, LabelSelector, Requirement, ResourceSelector


def decode_label_selector(body: Body | None) -> LabelSelector | None:
    """The label selector, or None where there is none: absent and empty differ."""
    if body is None:
        return None
    labels: Mapping[str, Any] = body.get("matchLabels") or {}
    return LabelSelector(
        match_labels=tuple(sorted((str(key), str(value)) for key, value in labels.items())),
        match_expressions=decode_requirements(body.get("matchExpressions")),
    )


def decode_requirements(expressions: Iterable[Body] | None) -> tuple[Requirement, ...]:
    """The entries of `matchExpressions`, operators as written."""
    return tuple(
        Requirement(
            key=str(expression.get("key") or ""),
            operator=str(expression.get("operator") or ""),
            values=tuple(str(value) for value in expression.get("values") or ()),
        )
        for expression in expressions or ()
    )


def decode_cluster_affinity(body: Body) -> ClusterAffinity:
    """The cluster affinity; also reads one written inline, as in `clusterAffinities[]`."""
    fields = body.get("fieldSelector")
    return ClusterAffinity(
        label_selector=decode_label_selector(body.get("labelSelector")),
        field_selector=None if fields is None else decode_requirements(fields.get("matchExpressions")),
        cluster_names=tuple(str(name) for name in body.get("clusterNames") or ()),
        exclude=tuple(str(name) for name in body.get("exclude") or ()),
    )


def decode_resource_selector(body: Body, namespace: str = "") -> ResourceSelector:
    """The resource selector; an absent namespace becomes `namespace` (a namespaced policy's own)."""
    return ResourceSelector(
        api_version=str(body.get("apiVersion") or ""),
        kind=str(body.get("kind") or ""),
        namespace=str(body.get("namespace") or namespace),
        name=str(body.get("name") or ""),
        label_selector=decode_label_selector(body.get("labelSelector")),
    )
