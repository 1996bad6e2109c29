"""FederatedResourceQuota (spec scheduling 6.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Final

from reconciler.fleet import names
from reconciler.fleet.finding import FieldPath, Finding, quoted
from reconciler.model.quantity import Format, Quantity, canonical, parse_quantity

_LONGEST_NAME: Final = 63
_AMOUNTS: Final = frozenset(
    f"{prefix}{name}"
    for prefix in ("", "requests.", "limits.")
    for name in ("cpu", "memory", "ephemeral-storage")
) | {"requests.storage"}
_COUNTS: Final = frozenset(
    [
        "pods",
        "services",
        "services.nodeports",
        "services.loadbalancers",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
    ]
)

Body = Mapping[str, Any]


def check(body: Body) -> Iterator[Finding]:
    """Everything of one quota."""
    spec: Body = body["spec"]
    name = (body.get("metadata") or {}).get("name")
    if isinstance(name, str) and len(name) > _LONGEST_NAME:
        yield _finding(("metadata", "name"), f"the name is longer than {_LONGEST_NAME} characters")
    overall: Body = spec["overall"]
    yield from _amounts(overall, ("spec", "overall"))
    totals: dict[str, Fraction] = {}
    for index, assignment in enumerate(spec.get("staticAssignments") or ()):
        at: FieldPath = ("spec", "staticAssignments", index)
        if not names.is_dns_label(assignment["clusterName"]):
            yield _finding(
                (*at, "clusterName"), f"{quoted(assignment['clusterName'])} is no name of a cluster"
            )
        yield from _amounts(assignment["hard"], (*at, "hard"))
        for resource, value in sorted(assignment["hard"].items()):
            totals[resource] = totals.get(resource, Fraction(0)) + parse_quantity(value).amount
            if resource not in overall:
                yield _finding((*at, "hard", resource), f"{quoted(resource)} is not in spec.overall")
    for resource, total in sorted(totals.items()):
        if resource in overall and total > parse_quantity(overall[resource]).amount:
            shown = canonical(Quantity(total, Format.DECIMAL_SI))
            yield _finding(
                ("spec", "overall", resource),
                f"the clusters together get {shown} of {quoted(resource)}, more than the whole",
            )


def _amounts(amounts: Body, path: FieldPath) -> Iterator[Finding]:
    for resource, value in sorted(amounts.items()):
        at = (*path, resource)
        known = names.is_label_key(resource) if "/" in resource else resource in _AMOUNTS | _COUNTS
        if not known:
            yield _finding(at, f"{quoted(resource)} is no resource that a quota knows")
        amount = parse_quantity(value).amount
        if amount < 0:
            yield _finding(at, f"the amount of {quoted(resource)} is negative")
        if (resource in _COUNTS or resource.startswith("count/")) and amount.denominator != 1:
            yield _finding(at, f"{quoted(resource)} is counted: the amount must be whole")


def _finding(path: FieldPath, message: str) -> Finding:
    return Finding(code="R263", path=path, message=message)
