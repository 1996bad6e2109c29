"""ClusterAffinity: a cluster either matches or does not; no match is better than another (spec scheduling §4.5)."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.cluster import Cluster
from reconciler.scheduler.plugin import Context


def grade(_context: Context, _cluster: Cluster) -> int:
    """Nothing, for every cluster; the plugin keeps its place in the table, as in Karmada."""
    return 0


def concerns(_context: Context) -> Iterable[str]:
    """No cluster."""
    return ()
