"""Coarse, steady facts: what a cluster reports is rounded before it is committed (DESIGN §3, promise 10).

A render reads capacity from the status branch, so every change there may move replicas. Sums of requests are
rounded up to steps of a fiftieth of what the cluster has, and keep their step until the true value has left it by
half a step: no pod that comes and goes makes a commit, and capacity is never overstated by more than half a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import Final

from reconciler.model.cluster import ClusterStatus, Condition, ResourceSummary
from reconciler.model.quantity import Quantity

STEPS: Final = 50
"""A resource's usage is told in fiftieths (2 %) of what is allocatable."""


def quantised(status: ClusterStatus, previous: ClusterStatus | None) -> ClusterStatus:
    """`status` with usage rounded to steps, conditions' times kept while the condition holds."""
    before = previous or ClusterStatus()
    return replace(
        status,
        conditions=tuple(
            _steady(condition, before.condition(condition.type)) for condition in status.conditions
        ),
        resource_summary=_summary(status.resource_summary, before.resource_summary),
    )


def _steady(condition: Condition, before: Condition | None) -> Condition:
    if before is not None and before.status == condition.status and before.reason == condition.reason:
        return replace(condition, last_transition_time=before.last_transition_time)
    return condition


def _summary(now: ResourceSummary | None, before: ResourceSummary | None) -> ResourceSummary | None:
    if now is None:
        return before
    old = before or ResourceSummary()
    return replace(
        now,
        allocated=_rounded(now.allocated, old.allocated, now.allocatable, old.allocatable),
        allocating=_rounded(now.allocating, old.allocating, now.allocatable, old.allocatable),
    )


def _rounded(
    usage: Mapping[str, Quantity],
    before: Mapping[str, Quantity],
    allocatable: Mapping[str, Quantity],
    allocatable_before: Mapping[str, Quantity],
) -> dict[str, Quantity]:
    result = {}
    for name in sorted(usage):
        total = allocatable.get(name)
        old = before.get(name)
        step = _step(name, total)
        amount = usage[name].amount
        rounded = Quantity(Fraction(ceil(amount / step)) * step, usage[name].format)
        same_capacity = total is not None and allocatable_before.get(name) == total
        # Hysteresis: the old step stands while the true value is within it, or half a step outside.
        if (
            old is not None
            and same_capacity
            and old.amount - Fraction(3, 2) * step <= amount <= old.amount + step / 2
        ):
            rounded = old
        result[name] = rounded
    return result


def _step(name: str, total: Quantity | None) -> Fraction:
    """A fiftieth of the total, never finer than one unit (a milli-unit for cpu)."""
    finest = Fraction(1, 1000) if name == "cpu" else Fraction(1)
    if total is None or total.amount <= 0:
        return finest
    steps = ceil(total.amount / STEPS / finest)
    return finest * max(1, steps)
