"""Selectors as values. What "matches" means is in `reconciler.selectors`."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.identity import ObjectId


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One `matchExpressions` entry. `operator` is kept as written: an unknown one makes the selector invalid."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSelector:
    """A Kubernetes label selector. `match_labels` is sorted by key; both parts empty matches everything."""

    match_labels: tuple[tuple[str, str], ...] = ()
    match_expressions: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSelector:
    """`resourceSelectors[]` of a policy (spec scheduling §2.1). Empty `namespace` or `name` means any."""

    api_version: str
    kind: str
    namespace: str = ""
    name: str = ""
    label_selector: LabelSelector | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterAffinity:
    """Which clusters (spec scheduling §3.2). None where a part is absent: absent and empty differ."""

    label_selector: LabelSelector | None = None
    field_selector: tuple[Requirement, ...] | None = None
    cluster_names: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectReference:
    """A reference from one object to others: by name, or by label selector."""

    api_version: str
    kind: str
    namespace: str = ""
    name: str = ""
    label_selector: LabelSelector | None = None

    @property
    def id(self) -> ObjectId:
        """The identity of the one object that a reference by name means."""
        group = self.api_version.rpartition("/")[0]
        return ObjectId(group=group, kind=self.kind, namespace=self.namespace, name=self.name)
