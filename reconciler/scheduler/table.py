"""The clusters of one pass as columns, by name: everything else in the scheduler speaks of positions in this table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.model.cluster import Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterTable:
    """Clusters in the order of their names. `living` are the positions of those not being deleted."""

    clusters: tuple[Cluster, ...]
    names: tuple[str, ...]
    position_by_name: Mapping[str, int]
    living: tuple[int, ...]
    regions: tuple[str, ...]

    def positions(self, names: Iterable[str]) -> list[int]:
        """The positions of those names that are in the table, in the order given."""
        known = self.position_by_name
        return [known[name] for name in names if name in known]


def table_of(clusters: Iterable[Cluster]) -> ClusterTable:
    """The table of a fleet's clusters, in whatever order they come."""
    ordered = tuple(sorted(clusters, key=lambda cluster: cluster.name))
    return ClusterTable(
        clusters=ordered,
        names=tuple(cluster.name for cluster in ordered),
        position_by_name={cluster.name: position for position, cluster in enumerate(ordered)},
        living=tuple(i for i, cluster in enumerate(ordered) if cluster.deletion_timestamp is None),
        regions=tuple(cluster.region for cluster in ordered),
    )
