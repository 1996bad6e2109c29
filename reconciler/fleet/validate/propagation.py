"""PropagationPolicy and ClusterPropagationPolicy (spec scheduling 2.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.fleet import names
from reconciler.fleet.finding import FieldPath, Finding, quoted
from reconciler.fleet.validate import placement, selectors

Body = Mapping[str, Any]


def check(body: Body) -> Iterator[Finding]:
    """Everything of one policy but what depends on its namespace."""
    spec: Body = body["spec"]
    yield from selectors.resource_selectors(spec["resourceSelectors"], ("spec", "resourceSelectors"))
    if spec.get("placement") is not None:
        yield from placement.check(spec["placement"], ("spec", "placement"))
    yield from _preemption(spec)
    yield from _suspension(spec)
    yield from _failover(spec)


def _preemption(spec: Body) -> Iterator[Finding]:
    if spec.get("preemption") != "Always":
        return
    for index, selector in enumerate(spec["resourceSelectors"]):
        if not selector.get("name"):
            yield Finding(
                code="R226",
                path=("spec", "resourceSelectors", index),
                message="with preemption: Always, every resource selector needs a name",
            )


def _suspension(spec: Body) -> Iterator[Finding]:
    suspension = spec.get("suspension") or {}
    if suspension.get("dispatching") and (suspension.get("dispatchingOnClusters") or {}).get("clusterNames"):
        yield Finding(
            code="R227",
            path=("spec", "suspension", "dispatchingOnClusters"),
            message="dispatchingOnClusters stands beside dispatching: true",
        )


def _failover(spec: Body) -> Iterator[Finding]:
    failover = spec.get("failover") or {}
    path: FieldPath = ("spec", "failover")
    for side in ("application", "cluster"):
        rules = ((failover.get(side) or {}).get("statePreservation") or {}).get("rules") or ()
        for index, rule in enumerate(rules):
            if not names.is_label_key(rule["aliasLabelName"]):
                yield Finding(
                    code="R229",
                    path=(*path, side, "statePreservation", "rules", index, "aliasLabelName"),
                    message=f"{quoted(rule['aliasLabelName'])} is no label key; it must be {names.LABEL_KEY}",
                )
    application = failover.get("application")
    if application is None:
        return
    at = (*path, "application")
    if not spec.get("propagateDeps"):
        yield Finding(code="R228", path=at, message="application failover needs propagateDeps: true")
    if (application["decisionConditions"].get("tolerationSeconds") or 0) < 0:
        yield Finding(
            code="R229",
            path=(*at, "decisionConditions", "tolerationSeconds"),
            message="tolerationSeconds is negative",
        )
    grace = application.get("gracePeriodSeconds")
    if grace is None:
        return
    if grace <= 0:
        yield Finding(
            code="R229", path=(*at, "gracePeriodSeconds"), message="gracePeriodSeconds must be positive"
        )
    if (application.get("purgeMode") or "Gracefully") != "Gracefully":
        yield Finding(
            code="R229",
            path=(*at, "gracePeriodSeconds"),
            message=f"gracePeriodSeconds has no meaning with purgeMode {application['purgeMode']}",
        )
