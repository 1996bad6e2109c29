"""ClusterEviction: a cluster that the binding is leaving takes it back only when it is gone (spec scheduling §5.4)."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.cluster import Cluster
from reconciler.scheduler.plugin import FITS, Context, Verdict

_REFUSED = Verdict(reason="cluster(s) is in the process of eviction")


def check(context: Context, cluster: Cluster) -> Verdict:
    """Refuses while an eviction task of any purge mode exists."""
    return _REFUSED if cluster.name in concerns(context) else FITS


def concerns(context: Context) -> Iterable[str]:
    """The clusters that the binding is leaving."""
    return [task.from_cluster for task in context.binding.eviction_tasks]
