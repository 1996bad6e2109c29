"""Delivery's findings as Problems, with the severity and the remedy that the catalogue gives their codes.

Pure. Names clusters, objects and fields; never a value.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.errors import (
    ClusterError,
    CredentialRefused,
    Forbidden,
    Outdated,
    Problem,
    Throttled,
    Unauthorized,
)
from reconciler.model.identity import ObjectId
from reconciler.model.plan import Change, Guard, Refusal
from reconciler.plan.guards import PROTECTED
from reconciler.problems import CATALOGUE

_NAMED = 10


def delivery_problem(
    code: str,
    cluster: str,
    message: str,
    *,
    evidence: Iterable[str] = (),
    subject: str = "",
    full: bool = False,
) -> Problem:
    """A Problem of the R5 family; at most ten lines of evidence, unless all of it must be read (`full`)."""
    row = CATALOGUE[code]
    lines = tuple(evidence)
    if len(lines) > _NAMED and not full:
        lines = (*lines[:_NAMED], f"and {len(lines) - _NAMED} more")
    return Problem(
        code=code,
        message=f"cluster {cluster}: {message}",
        evidence=lines,
        remedy=row.remedy,
        severity=row.severity,
        subject=subject or cluster,
    )


def cluster_problem(cluster: str, error: ClusterError) -> Problem:
    """Why a whole cluster could not be served."""
    match error:
        case CredentialRefused():
            code = error.code
        case Unauthorized():
            code = "R538"
        case Outdated():
            code = "R515"
        case Throttled():
            code = "R512"
        case Forbidden():
            code = "R509"
        case _:
            code = "R511"
    # A refused credential already names its cluster.
    return delivery_problem(code, cluster, str(error).removeprefix(f"cluster {cluster}: "))


def refusal_problem(cluster: str, id_: ObjectId, refusal: Refusal) -> Problem:
    """A server's refusal of one object."""
    return delivery_problem(refusal.code, cluster, refusal.message, evidence=refusal.fields, subject=str(id_))


def guard_problem(cluster: str, guard: Guard) -> Problem:
    """A tripped guard, with the objects that it names."""
    code = "R505" if guard.name == PROTECTED else "R504"
    message = f"{guard.message}; nothing was deleted"
    # An approval lists each of these by hand or not at all: none may hide behind "and 3 more".
    return delivery_problem(
        code, cluster, message, evidence=map(str, guard.objects), full=guard.name == PROTECTED
    )


def kept_problem(cluster: str, kept: Iterable[Change]) -> Problem:
    """Objects that are no longer desired and stay for now."""
    rows = tuple(f"{change.id}: {change.reason}" for change in kept)
    return delivery_problem(
        "R506", cluster, f"{len(rows)} objects that left the tree stay for now", evidence=rows
    )


def unreadable_problem(cluster: str, kinds: Iterable[str]) -> Problem:
    """Kinds that the cluster would not list."""
    return delivery_problem(
        "R507", cluster, f"{', '.join(sorted(kinds))} cannot be listed, so nothing of it is pruned"
    )
