"""What a reviewer must not overlook in a difference: rules over object changes, each with a sentence.

Pure. A danger stops nothing by itself; guards do (DESIGN §5, promise 2). Rules speak of what is lost or opened, not of
taste.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from reconciler.diff.objects import FieldAction, FieldChange
from reconciler.diff.placement import PlacementChange
from reconciler.diff.trees import ObjectAction, ObjectChange, TreeDifference
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body
from reconciler.model.quantity import parse_quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Danger:
    """One finding: the rule's name, the object (None: the cluster itself), where, and what it means."""

    rule: str
    message: str
    id: ObjectId | None = None
    clusters: tuple[str, ...] = ()


def dangers(difference: TreeDifference, placements: Sequence[PlacementChange]) -> tuple[Danger, ...]:
    """Every danger in a difference, the worst rules first, then by object."""
    found = list(_of_clusters(difference))
    for change in difference.changes:
        found += _of_change(change)
    found += _of_placements(placements)
    order = {rule: position for position, rule in enumerate(RULES)}
    return tuple(sorted(found, key=lambda d: (order[d.rule], str(d.id or ""), d.clusters, d.message)))


# The worst first. Every rule has its place here.
RULES: Final = (
    "cluster-emptied",
    "cluster-left",
    "removed-crd",
    "removed-namespace",
    "removed-pvc",
    "removed-statefulset",
    "placed-nowhere",
    "replicas-zero",
    "pvc-shrink",
    "privileged",
    "host-access",
    "rbac-widened",
    "immutable-field",
    "removed-networkpolicy",
    "removed-pdb",
    "webhook-added",
)

_REMOVAL: Final = {
    ("apiextensions.k8s.io", "CustomResourceDefinition"): (
        "removed-crd",
        "every custom resource of this kind is deleted with it",
    ),
    ("", "Namespace"): ("removed-namespace", "everything in the namespace is deleted with it"),
    ("", "PersistentVolumeClaim"): ("removed-pvc", "the data may be deleted with it"),
    ("apps", "StatefulSet"): (
        "removed-statefulset",
        "its pods stop; what they stored is left without an owner",
    ),
    ("networking.k8s.io", "NetworkPolicy"): (
        "removed-networkpolicy",
        "traffic that it stopped is let through",
    ),
    ("policy", "PodDisruptionBudget"): ("removed-pdb", "all its pods may be evicted at once"),
}

# What the API server refuses to change; the object must be deleted and made anew.
_IMMUTABLE: Final = {
    ("apps", "Deployment"): ("spec.selector",),
    ("apps", "ReplicaSet"): ("spec.selector",),
    ("apps", "DaemonSet"): ("spec.selector",),
    ("apps", "StatefulSet"): (
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
        "spec.podManagementPolicy",
    ),
    ("batch", "Job"): ("spec.selector", "spec.template", "spec.completionMode"),
    ("", "PersistentVolumeClaim"): ("spec.accessModes", "spec.storageClassName", "spec.volumeMode"),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("provisioner", "parameters", "reclaimPolicy"),
}


# Rules multiply: verbs x groups x resources. No honest role comes near this.
_GRANTS_READ: Final = 20_000


def _of_clusters(difference: TreeDifference) -> Iterator[Danger]:
    for name in difference.clusters_removed:
        yield Danger(
            rule="cluster-left",
            message=f"{name} leaves the fleet: its {difference.objects_before.get(name, 0)} objects stay there, "
            "and nobody looks after them",
            clusters=(name,),
        )
    for name, before in difference.objects_before.items():
        if before and name not in difference.clusters_removed and not difference.objects_after.get(name, 0):
            yield Danger(
                rule="cluster-emptied",
                message=f"all {before} objects of {name} are removed",
                clusters=(name,),
            )


def _of_change(change: ObjectChange) -> Iterator[Danger]:
    gone = change.renamed_from if change.action is ObjectAction.RENAMED else change.id
    if change.action in (ObjectAction.REMOVED, ObjectAction.RENAMED) and gone is not None:
        rule = _REMOVAL.get((gone.group, gone.kind))
        if rule is not None:
            yield Danger(rule=rule[0], message=rule[1], id=gone, clusters=change.clusters)
    if change.action is ObjectAction.REMOVED or change.after is None:
        return
    for name, message in _of_content(change):
        yield Danger(rule=name, message=message, id=change.id, clusters=change.clusters)


def _of_content(change: ObjectChange) -> Iterator[tuple[str, str]]:
    before, after = change.before or {}, change.after or {}
    group_kind = (change.id.group, change.id.kind)
    for rule, question in (("privileged", _privileged), ("host-access", _host_access)):
        opened = sorted(question(after) - question(before))
        if opened:
            yield rule, ", ".join(opened)
    if group_kind[0] == "rbac.authorization.k8s.io":
        wider = sorted(_grants(after) - _grants(before))
        # A new role says what it grants in its own diff; here only what opens nearly everything.
        if wider and (change.before is not None or any("*" in grant for grant in wider)):
            yield "rbac-widened", "now also: " + _some(wider)
    if change.action is ObjectAction.ADDED and group_kind[0] == "admissionregistration.k8s.io":
        yield "webhook-added", "it can refuse or change every request that it matches"
    if change.action is not ObjectAction.CHANGED:
        return
    fixed = _IMMUTABLE.get(group_kind, ())
    touched = sorted({name for field in change.fields for name in fixed if _below(field, name)})
    if touched:
        yield "immutable-field", f"{', '.join(touched)} cannot be changed in place: the server will refuse it"
    if group_kind == ("", "PersistentVolumeClaim"):
        yield from _shrunk(change)


def _shrunk(change: ObjectChange) -> Iterator[tuple[str, str]]:
    path = ("spec", "resources", "requests", "storage")
    for field in change.fields:
        if field.path == path and field.action is FieldAction.CHANGED:
            try:
                smaller = parse_quantity(field.after).amount < parse_quantity(field.before).amount
            except (ValueError, TypeError):
                continue  # not quantities: the server will say so
            if smaller:
                yield "pvc-shrink", f"storage {field.before}→{field.after}: a volume cannot shrink"


def _of_placements(placements: Sequence[PlacementChange]) -> Iterator[Danger]:
    for change in placements:
        # A removed template is a removed object, and counted as one.
        if change.is_removed or change.clusters_after or not change.clusters_before:
            continue
        clusters = tuple(share.cluster for share in change.shares)
        if change.total_before:
            words = f"from {change.total_before} replicas to none: {change.reason}"
            yield Danger(rule="replicas-zero", message=words, id=change.id, clusters=clusters)
        else:
            yield Danger(rule="placed-nowhere", message=change.reason, id=change.id, clusters=clusters)


def _below(field: FieldChange, name: str) -> bool:
    return field.where == name or field.where.startswith((f"{name}.", f"{name}["))


def _some(words: Sequence[str], limit: int = 5) -> str:
    shown = ", ".join(words[:limit])
    return f"{shown} and {len(words) - limit} more" if len(words) > limit else shown


def _pod_spec(body: Body) -> Body:
    """The pod spec inside a workload, wherever its kind keeps it; empty where there is none."""
    spec = _mapping(body.get("spec"))
    if body.get("kind") == "Pod":
        return spec
    if body.get("kind") == "CronJob":
        spec = _mapping(_mapping(spec.get("jobTemplate")).get("spec"))
    return _mapping(_mapping(spec.get("template")).get("spec"))


def _containers(pod: Body) -> Iterator[tuple[str, Body]]:
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in _list(pod.get(kind)):
            if isinstance(container, dict):
                yield str(container.get("name", "")), container


def _privileged(body: Body) -> set[str]:
    found = set()
    for name, container in _containers(_pod_spec(body)):
        context = _mapping(container.get("securityContext"))
        if context.get("privileged") is True:
            found.add(f"container {name} is privileged")
        if context.get("allowPrivilegeEscalation") is True:
            found.add(f"container {name} may gain privileges")
        for capability in _list(_mapping(context.get("capabilities")).get("add")):
            found.add(f"container {name} has capability {capability}")
    return found


def _host_access(body: Body) -> set[str]:
    pod = _pod_spec(body)
    found = {
        f"uses {field} of the node"
        for field in ("hostNetwork", "hostPID", "hostIPC")
        if pod.get(field) is True
    }
    for volume in _list(pod.get("volumes")):
        host = _mapping(volume).get("hostPath")
        if isinstance(host, dict):
            found.add(f"mounts {host.get('path', '?')} of the node")
    return found


def _grants(body: Body) -> set[str]:
    """Every single permission (verb resource.group), or subject, that an RBAC object gives; at most `_GRANTS_READ`."""
    return set(islice(_all_grants(body), _GRANTS_READ))


def _all_grants(body: Body) -> Iterator[str]:
    for rule in map(_mapping, _list(body.get("rules"))):
        verbs = _list(rule.get("verbs"))
        for group in _list(rule.get("apiGroups")) or [""]:
            suffix = f".{group}" if group else ""
            for resource in _list(rule.get("resources")):
                yield from (f"{verb} {resource}{suffix}" for verb in verbs)
        for url in _list(rule.get("nonResourceURLs")):
            yield from (f"{verb} {url}" for verb in verbs)
    role = _mapping(body.get("roleRef")).get("name", "")
    for subject in map(_mapping, _list(body.get("subjects"))):
        where = f"{subject['namespace']}/" if subject.get("namespace") else ""
        yield f"{role} to {subject.get('kind', '')} {where}{subject.get('name', '')}"


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
