"""ClusterLocality: prefer the clusters that hold the template already (spec scheduling §4.5)."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.cluster import Cluster
from reconciler.scheduler.plugin import MAX_SCORE, Context


def grade(context: Context, cluster: Cluster) -> int:
    """Everything for a cluster of the previous result, nothing for others."""
    return MAX_SCORE if cluster.name in context.previous else 0


def concerns(context: Context) -> Iterable[str]:
    """The clusters of the previous result."""
    return context.previous
