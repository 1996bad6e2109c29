"""SpreadConstraint: a cluster must have the property to spread by (spec scheduling §4.4 #5)."""

from __future__ import annotations

from collections.abc import Hashable

from reconciler.model.cluster import Cluster
from reconciler.scheduler.plugin import FITS, Context, Verdict

_REASON = "cluster(s) did not have {} property"


def check(context: Context, cluster: Cluster) -> Verdict:
    """Refuses a cluster that cannot be counted; also where the selection itself ignores the constraints."""
    for index, constraint in enumerate(context.placement.spread_constraints):
        match constraint.spread_by_field:
            case "provider" if not cluster.provider:
                return _refused("provider", index)
            case "region" if not cluster.region:
                return _refused("region", index)
            case "zone" if not cluster.zones:
                return _refused("zones", index)
    return FITS


def _refused(missing: str, index: int) -> Verdict:
    field = ("spec", "placement", "spreadConstraints", index)
    return Verdict(reason=_REASON.format(missing), policy_field=field)


def depends_on(context: Context) -> Hashable:
    """The properties to spread by."""
    return tuple(constraint.spread_by_field for constraint in context.placement.spread_constraints)
