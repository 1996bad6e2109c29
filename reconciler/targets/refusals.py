"""From a server's exception to a Refusal of one object, and to what an object of the same plan will cure."""

from __future__ import annotations

from typing import Final

from reconciler.errors import (
    ClusterError,
    FieldConflict,
    Forbidden,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)
from reconciler.kube.resources import Discovery, Resource
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body
from reconciler.model.plan import Refusal

_RBAC: Final = "rbac.authorization.k8s.io"
_SERVICE_ACCOUNT: Final = "error looking up service account"


def concerns_all(error: ClusterError) -> bool:
    """Whether the error is the cluster's, so that going on with other objects is in vain."""
    return isinstance(error, Unreachable | Unauthorized) or not isinstance(
        error, Rejected | Forbidden | FieldConflict | Throttled
    )


def refusal_of(id_: ObjectId, error: ClusterError) -> Refusal:
    """What the server's no means for one object."""
    said = f"{id_}: {error}"
    match error:
        case Rejected(immutable=True):
            return Refusal(code="R503", message=said, status=error.status, fields=error.fields)
        case Rejected(status=404, missing=(_, _, "")):
            return Refusal(code="R508", message=f"{id_}: the cluster does not serve this kind", status=404)
        case Rejected():
            return Refusal(
                code="R502",
                message=said,
                status=error.status,
                fields=error.fields,
                transient=error.status >= 500,
            )
        case Forbidden():
            return Refusal(code="R509", message=said, status=403)
        case Throttled():
            return Refusal(code="R512", message=said, status=429, transient=True)
        case _:
            return Refusal(code="R510", message=said, status=409, transient=True)


def missing_object(
    error: ClusterError, payload: Body, namespace: str, discovery: Discovery
) -> ObjectId | None:
    """The object whose absence the server complains of when it refuses `payload`, where it says which."""
    if isinstance(error, Forbidden) and _SERVICE_ACCOUNT in str(error):
        # `error looking up service account NAMESPACE/NAME: serviceaccount "NAME" not found`
        where = str(error).partition(f"{_SERVICE_ACCOUNT} ")[2].partition(":")[0]
        space, _, name = where.partition("/")
        return ObjectId(group="", kind="ServiceAccount", namespace=space, name=name)
    if not isinstance(error, Rejected) or error.status != 404 or not error.missing[2]:
        return None
    group, plural, name = error.missing
    role = payload.get("roleRef") or {}
    if group == _RBAC and name == role.get("name"):
        # The server names the role, and calls it by the binding's own resource.
        kind = str(role.get("kind"))
        return ObjectId(group=_RBAC, kind=kind, namespace=namespace if kind == "Role" else "", name=name)
    found = _served_as(group, plural, discovery)
    if found is None:
        return None
    return ObjectId(group=group, kind=found.kind, namespace=namespace if found.namespaced else "", name=name)


def _served_as(group: str, plural: str, discovery: Discovery) -> Resource | None:
    # Servers put the resource name into `kind`, some the kind itself.
    return next(
        (r for r in discovery.resources if r.group == group and plural in (r.plural, r.kind)),
        None,
    )
