"""What a cluster serves: kinds, their paths, and what discovery could not say.

Pure values; `discovery` fills them. A group whose server does not answer is *stale*: its kinds are unknown, not absent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

from reconciler.model.cluster import ApiResources
from reconciler.model.identity import ObjectId


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind of one version, as the server serves it."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()

    @property
    def api_version(self) -> str:
        """`group/version`, or the version alone for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def kind_group(self) -> str:
        """`Kind.group`, or `Kind` for the core group."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    def path(self, namespace: str = "", name: str = "") -> str:
        """The URL path of the collection, or of one object. Names are escaped: RBAC names hold `:`."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        if self.namespaced and namespace:
            root += f"/namespaces/{quote(namespace, safe='')}"
        return f"{root}/{self.plural}/{quote(name, safe='')}" if name else f"{root}/{self.plural}"


@dataclass(frozen=True, slots=True)
class Discovery:
    """All that one cluster serves at one moment. `stale` holds the group versions whose server did not answer."""

    resources: tuple[Resource, ...] = ()
    stale: tuple[str, ...] = ()
    _by_version: dict[tuple[str, str], Resource] = field(init=False, repr=False, compare=False)
    _by_kind: dict[tuple[str, str], Resource] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_version: dict[tuple[str, str], Resource] = {}
        by_kind: dict[tuple[str, str], Resource] = {}
        for resource in self.resources:
            by_version.setdefault((resource.api_version, resource.kind), resource)
            # The server lists its preferred version first.
            by_kind.setdefault((resource.group, resource.kind), resource)
        object.__setattr__(self, "_by_version", by_version)
        object.__setattr__(self, "_by_kind", by_kind)

    def find(self, api_version: str, kind: str) -> Resource | None:
        """The resource of exactly this version, or None."""
        return self._by_version.get((api_version, kind))

    def preferred(self, group: str, kind: str) -> Resource | None:
        """The resource in the version that the server prefers, or None."""
        return self._by_kind.get((group, kind))

    def of(self, id_: ObjectId) -> Resource | None:
        """The resource of an object whose version does not matter (to read or delete it), or None."""
        return self._by_kind.get((id_.group, id_.kind))

    def is_stale(self, group: str) -> bool:
        """Whether anything of this group could not be discovered."""
        return any(version.rpartition("/")[0] == group for version in self.stale)

    def listable(self) -> tuple[Resource, ...]:
        """One resource for every kind that can be listed and deleted: where something of ours may be."""
        return tuple(r for r in self._by_kind.values() if {"list", "delete"} <= r.verbs)

    def api_resources(self) -> tuple[ApiResources, ...]:
        """The same as a Cluster's `apiEnablements`: by group version, resources by name (spec rendering 6.7)."""
        by_version: dict[str, list[Resource]] = {}
        for resource in self.resources:
            by_version.setdefault(resource.api_version, []).append(resource)
        return tuple(_enablement(version, by_version[version]) for version in sorted(by_version))


def _enablement(version: str, resources: Iterable[Resource]) -> ApiResources:
    rows = sorted({(resource.plural, resource.kind) for resource in resources})
    return ApiResources(
        group_version=version, kinds=frozenset(kind for _, kind in rows), resources=tuple(rows)
    )
