"""APIEnablement: the cluster must serve the template's API (spec scheduling §1.3)."""

from __future__ import annotations

from collections.abc import Hashable

from reconciler.model.cluster import Cluster
from reconciler.scheduler.plugin import FITS, Context, Verdict

_REFUSED = Verdict(
    reason="cluster(s) did not have the API resource", cluster_field=("status", "apiEnablements")
)


def check(context: Context, cluster: Cluster) -> Verdict:
    """Refuses unless the API is known to be served. An assumed cluster is assumed to serve everything."""
    binding = context.binding
    if cluster.assumed or serves(cluster, binding.api_version, binding.resource.kind):
        return FITS
    return _REFUSED


def depends_on(context: Context) -> Hashable:
    """The template's version and kind."""
    return context.binding.api_version, context.binding.resource.kind


def serves(cluster: Cluster, api_version: str, kind: str) -> bool:
    """Whether the observation says that the cluster serves this kind at exactly this version."""
    enablements = cluster.status.api_enablements
    return any(api.group_version == api_version and kind in api.kinds for api in enablements)
