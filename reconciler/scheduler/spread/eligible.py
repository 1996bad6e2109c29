"""SpreadConstraint: a cluster must have the property to spread by (spec scheduling §4.4 #5)."""

from __future__ import annotations

from collections.abc import Hashable

from reconciler.model.cluster import Cluster
from reconciler.scheduler.plugin import FITS, Context, Verdict

_NO_PROVIDER = Verdict(reason="cluster(s) did not have provider property")
_NO_REGION = Verdict(reason="cluster(s) did not have region property")
_NO_ZONES = Verdict(reason="cluster(s) did not have zones property")


def check(context: Context, cluster: Cluster) -> Verdict:
    """Refuses a cluster that cannot be counted; also where the selection itself ignores the constraints."""
    for constraint in context.placement.spread_constraints:
        match constraint.spread_by_field:
            case "provider" if not cluster.provider:
                return _NO_PROVIDER
            case "region" if not cluster.region:
                return _NO_REGION
            case "zone" if not cluster.zones:
                return _NO_ZONES
    return FITS


def depends_on(context: Context) -> Hashable:
    """The properties to spread by."""
    return tuple(constraint.spread_by_field for constraint in context.placement.spread_constraints)
