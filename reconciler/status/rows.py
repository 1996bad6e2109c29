"""What people read of a workload or cluster document in a few words: shared by `STATUS.md` and the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from reconciler.events import Reason
from reconciler.model.manifest import Body
from reconciler.model.observation import Health, Readiness
from reconciler.status.settled import state_of

_NAMED: Final = 3
_GONE: Final = {"health": Health.UNKNOWN.value, "readiness": Readiness.UNKNOWN.value}


def workload_name(row: Mapping[str, Any]) -> str:
    """`Deployment shop/web`."""
    resource = row["resource"]
    where = f"{resource['namespace']}/" if resource.get("namespace") else ""
    return f"{resource['kind']} {where}{resource['name']}"


def is_fine(row: Mapping[str, Any]) -> bool:
    """Whether a workload, or an entry of one, is as it should be."""
    return row.get("health") == Health.HEALTHY.value and row.get("readiness") == Readiness.CURRENT.value


def is_well(cluster: Mapping[str, Any]) -> bool:
    """Whether a cluster is ready and stands at the newest render. Whether its workloads are healthy is their own matter."""
    silent = cluster["mode"] == "External" and "sync" not in cluster
    delivered = cluster.get("current") and cluster.get("sync") in (None, Reason.SYNCED.value)
    return bool(cluster["ready"] == "True" and delivered) or silent


def placed_on(row: Mapping[str, Any]) -> list[str]:
    """The clusters of a workload."""
    return [target["name"] for target in row.get("clusters") or []]


def applied_text(row: Mapping[str, Any]) -> str:
    """On how many of its clusters the workload is as it is rendered now: `2/3`."""
    commit = (row.get("rendered") or {}).get("commit")
    applied = sum(
        1
        for item in row.get("aggregatedStatus") or []
        if item.get("applied") and item.get("appliedCommit") == commit
    )
    return f"{applied}/{len(placed_on(row))}"


def ready_text(row: Mapping[str, Any], status: Any = None) -> str:
    """How many replicas are ready of those that are wanted, for kinds that say so: `5/6`."""
    status = row.get("status") if status is None else status
    if not isinstance(status, Mapping):
        return ""
    if "desiredNumberScheduled" in status:
        return f"{status.get('numberReady', 0)}/{status['desiredNumberScheduled']}"
    if "readyReplicas" not in status and "replicas" not in status:
        return ""
    wanted = sum(target.get("delivered", target.get("replicas", 0)) for target in row.get("clusters") or [])
    return f"{status.get('readyReplicas', 0)}/{wanted or status.get('replicas', 0)}"


def replicas_text(target: Mapping[str, Any]) -> str:
    """How many replicas one cluster is to run; with a star where an override sets it."""
    return f"{target['delivered']}*" if "delivered" in target else str(target.get("replicas", ""))


def item_state(item: Mapping[str, Any]) -> str:
    """What an object says of itself in one cluster: its phase or state, else its standard condition."""
    status = item.get("status")
    state = state_of(status)
    if state:
        return state
    conditions = status.get("conditions") if isinstance(status, Mapping) else None
    for condition in conditions if isinstance(conditions, list) else []:
        if isinstance(condition, Mapping) and condition.get("type") in ("Ready", "Complete", "Failed"):
            return f"{condition['type']}={condition.get('status', '')}"
    return ""


def state_text(row: Mapping[str, Any]) -> str:
    """The states of all clusters; by cluster where they differ: `Completed`, or `Completed: paris, rome; Failed: oslo`."""
    by_state: dict[str, list[str]] = {}
    for item in row.get("aggregatedStatus") or []:
        state = item_state(item)
        if state:
            by_state.setdefault(state, []).append(item["clusterName"])
    if len(by_state) == 1 and len(next(iter(by_state.values()))) == len(placed_on(row)):
        return next(iter(by_state))
    return "; ".join(f"{state}: {named(names)}" for state, names in sorted(by_state.items()))


def trouble_text(row: Mapping[str, Any]) -> str:
    """Where and why a workload is not as it should be: clusters with the same words together."""
    items = {item["clusterName"]: item for item in row.get("aggregatedStatus") or []}
    by_words: dict[str, list[str]] = {}
    for name in placed_on(row):
        item = items.get(name, _GONE)
        if not is_fine(item) or not item.get("applied"):
            words = item.get("appliedMessage") or item.get("message") or _word(item)
            by_words.setdefault(words, []).append(name)
    if by_words:
        return "; ".join(f"{named(names)}: {words}" for words, names in by_words.items())
    conditions = {each.get("type"): each for each in row.get("conditions") or []}
    scheduled = conditions.get("Scheduled", {})
    if scheduled.get("status") == "False":
        return str(scheduled.get("message") or scheduled.get("reason") or "")
    return "" if placed_on(row) else "placed on no cluster"


def _word(item: Mapping[str, Any]) -> str:
    """The word that is not as it should be."""
    is_current = item.get("readiness") == Readiness.CURRENT.value
    return str(item.get("health") if is_current else item.get("readiness"))


def named(names: Sequence[str]) -> str:
    """A few names, and how many more."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def row_on(row: Body, clusters: frozenset[str]) -> Body:
    """A workload as it is on some of its clusters: what speaks of all of them is left out."""
    targets = [target for target in row.get("clusters") or [] if target["name"] in clusters]
    items = [item for item in row.get("aggregatedStatus") or [] if item["clusterName"] in clusters]
    silent = [_GONE] * (len(targets) - len(items))
    kept = {key: value for key, value in row.items() if key not in ("status", "conditions")}
    return {
        **kept,
        "clusters": targets,
        "aggregatedStatus": items,
        "health": _worst(_HEALTHS, [each.get("health") for each in (*items, *silent)]),
        "readiness": _worst(_READINESSES, [each.get("readiness") for each in (*items, *silent)]),
    }


_HEALTHS: Final = (Health.UNHEALTHY.value, Health.UNKNOWN.value, Health.HEALTHY.value)
_READINESSES: Final = ("Failed", "Terminating", "NotFound", "Unknown", "InProgress", "Current")


def _worst(order: Sequence[str], present: Sequence[object]) -> str:
    return next((word for word in order if word in present), "Unknown")
