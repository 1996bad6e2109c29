"""What a render has to say to people, as problems: where, what, the evidence and one remedy.

Pure. Codes R30x are the scheduler's failures, R32x what no policy moves, R33x what is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reconciler.errors import Location, Problem
from reconciler.interpreter.rules import InterpretationError, RuleFailed
from reconciler.manifests.locate import locate
from reconciler.model.cluster import Cluster
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest
from reconciler.model.policy import PropagationPolicy
from reconciler.problems import CATALOGUE
from reconciler.scheduler.outcome import Failure, FailureKind

_NAMED: Final = 5
_FAILURES: Final = {
    FailureKind.FIT: ("R301", "no cluster fits"),
    FailureKind.UNSCHEDULABLE: ("R302", "not enough capacity for"),
    FailureKind.ERROR: ("R303", "clusters cannot be selected for"),
}


def unscheduled(template: Manifest, policy: PropagationPolicy | None, failure: Failure) -> Problem:
    """R301-R303: the scheduler found no result. Points at the policy's placement. R305: it could not ask a plugin."""
    if failure.plugin:
        return _problem(
            "R305",
            f"plugin {failure.plugin} fails, so that nothing is decided about {template.id}",
            template.origin.location,
            str(template.id),
            evidence=(failure.message,),
        )
    code, words = _FAILURES[failure.kind]
    if policy is not None and policy.manifest is not None:
        location = locate(policy.manifest.origin, ("spec", "placement"), key=True)
    else:
        location = template.origin.location
    return _problem(code, f"{words} {template.id}", location, str(template.id), evidence=(failure.message,))


def no_scheduler(template: Manifest, policy: PropagationPolicy | None, name: str) -> Problem:
    """R304: nobody schedules what names a scheduler that is not there."""
    if policy is not None and policy.manifest is not None:
        location = locate(policy.manifest.origin, ("spec", "schedulerName"))
    else:
        location = template.origin.location
    return _problem("R304", f"{template.id} waits for scheduler {name}", location, str(template.id))


def uninterpretable(template: Manifest, error: InterpretationError) -> Problem:
    """R410: the interpreter cannot make sense of a template. What the fleet declares says itself where and why."""
    if isinstance(error, RuleFailed):
        return error.problem
    return _problem(
        "R410",
        f"{template.id} cannot be interpreted",
        template.origin.location,
        str(template.id),
        evidence=(str(error),),
    )


def unclaimed(template: Manifest, hint: str = "") -> Problem:
    """R320: a template that goes nowhere. `hint`: why a Namespace does not go everywhere by itself."""
    evidence = (f"it does not go to every cluster by itself: {hint}",) if hint else ()
    return _problem(
        "R320",
        f"no policy claims {template.id}",
        template.origin.location,
        str(template.id),
        evidence=evidence,
    )


def policy_gone(template: Manifest, claim: str) -> Problem:
    """R321: a template that stays where its policy had put it."""
    words = (
        f"{claim}, which had placed {template.id}, is gone"
        if claim
        else f"the policy of {template.id} is gone"
    )
    return _problem("R321", f"{words}: it stays where it is", template.origin.location, str(template.id))


def never_propagated(template: Manifest, reason: str) -> Problem:
    """R322: a template that no policy could move."""
    return _problem(
        "R322",
        f"{template.id} is never propagated",
        template.origin.location,
        str(template.id),
        evidence=(reason,),
    )


def held(template: Manifest, reason: str, *, is_new: bool) -> Problem:
    """R330: a template that a fault elsewhere governs."""
    words = "is not placed yet" if is_new else "is held as it was"
    return _problem(
        "R330", f"{template.id} {words}", template.origin.location, str(template.id), evidence=(reason,)
    )


def absent_kept(ids: Sequence[ObjectId], unreadable: Sequence[str]) -> Problem:
    """R331: objects that no file has, while some file cannot be read."""
    shown = ", ".join(str(id_) for id_ in ids[:_NAMED])
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    where = Location(path=unreadable[0]) if unreadable else None
    return _problem(
        "R331",
        f"{len(ids)} objects that are in no file any more are kept",
        where,
        "",
        evidence=(
            f"{shown}{more}",
            "what moved cannot be told from what went while documents cannot be read",
        ),
    )


def everything_held(reason: str, path: str) -> Problem:
    """R332: nothing changes at all."""
    return _problem("R332", "everything is held as it was", Location(path=path), "", evidence=(reason,))


def unreported(cluster: Cluster) -> Problem:
    """R340: a cluster of which nothing was ever known."""
    location = cluster.origin.location if cluster.origin is not None else None
    return _problem("R340", f"cluster {cluster.name} has never reported", location, f"Cluster {cluster.name}")


def cluster_held(name: str, reason: str, location: Location | None) -> Problem:
    """R333: a cluster's whole directory stays as it was."""
    return _problem(
        "R333",
        f"everything on cluster {name} is held as it was",
        location,
        f"Cluster {name}",
        evidence=(reason,),
    )


def _problem(
    code: str, message: str, location: Location | None, subject: str, *, evidence: tuple[str, ...] = ()
) -> Problem:
    row = CATALOGUE[code]
    return Problem(
        code=code,
        message=message,
        location=location,
        evidence=evidence,
        remedy=row.remedy,
        severity=row.severity,
        subject=subject,
    )
