"""What comes of scheduling, as values: results, failures in Karmada's words, and the steps that led there (§4.9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from reconciler.model.binding import Binding, TargetCluster

SUCCESS_MESSAGE: Final = "Binding has been scheduled successfully."
_MOST_REASONS: Final = 8


class FailureKind(StrEnum):
    """What went wrong; the words are Karmada's condition reasons."""

    FIT = "NoClusterFit"
    UNSCHEDULABLE = "Unschedulable"
    ERROR = "SchedulerError"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an attempt gave no result. `plugin`: the name of one of others that failed, so that nothing could be decided."""

    kind: FailureKind
    message: str
    plugin: str = ""

    def within(self, step: str) -> Failure:
        """The same failure, told by the step that met it."""
        return replace(self, message=f"{step}: {self.message}")


class Mode(StrEnum):
    """Which rule of division applied (§4.6)."""

    DUPLICATED = "duplicated"
    STATIC = "static weight"
    FRESH = "fresh scale"
    SCALE_DOWN = "scale down"
    SCALE_UP = "scale up"
    STEADY = "steady"


Replicas = Mapping[int, int]
"""Position in the pass's table to replicas; the order is part of a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """One division: `seats` given out by `votes`, on top of `base`. With overflow groups there is one a tier (§4.7)."""

    mode: Mode
    seats: int
    result: Replicas
    votes: Replicas = field(default_factory=dict)
    base: Replicas = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One run of the four steps, for one affinity group (empty without groups).

    `total` counts all clusters, `refused` those that do not fit by the first reason against them, `fitting` the others.
    """

    affinity_name: str = ""
    clusters: tuple[TargetCluster, ...] = ()
    failure: Failure | None = None
    total: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    fitting: int = 0
    selected: Sequence[int] = ()
    shares: tuple[Shares, ...] = ()


class Trigger(StrEnum):
    """Why a binding is scheduled (§4.2)."""

    PLACEMENT_CHANGED = "its placement changed"
    REPLICAS_CHANGED = "its replicas changed"
    RESCHEDULE_REQUIRED = "a reschedule was asked for"
    ALWAYS = "it is not divided, so it is scheduled on every pass"
    CLUSTER_GONE = "a cluster of its result is gone or going"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a pass did to one binding. `trigger` is None when nothing called for scheduling.

    `binding` is the binding afterwards, `failure` the first failure of a pass that failed as a whole. `is_renewed`: the
    schedule was confirmed or changed now.
    """

    binding: Binding
    trigger: Trigger | None = None
    attempts: tuple[Attempt, ...] = ()
    failure: Failure | None = None
    is_renewed: bool = False


def fit_failure(total: int, refused: Mapping[str, int]) -> Failure:
    """Karmada's FitError: many refusals in one sentence. `total` counts all clusters, also those being deleted."""
    if not total or not refused:
        return Failure(kind=FailureKind.FIT, message="no cluster exists")
    reasons = sorted(f"{count} {reason}" for reason, count in refused.items())
    return Failure(kind=FailureKind.FIT, message=f"0/{total} clusters are available: {', '.join(reasons)}.")


def folded(reasons: Iterable[str]) -> dict[str, int]:
    """Reasons to how often they occur."""
    return dict(sorted(Counter(reasons).items()))


def summary(attempt: Attempt) -> str:
    """The short form of an attempt's reasons, for the binding: `2 of 5 clusters fit; 3 cluster(s) had ...`.

    Empty where no filter was asked (a scheduler of its own).
    """
    if not attempt.fitting and not attempt.refused:
        return ""
    reasons = sorted(attempt.refused.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{count} {reason}" for reason, count in reasons[:_MOST_REASONS]]
    if len(reasons) > _MOST_REASONS:
        told.append(f"{sum(count for _, count in reasons[_MOST_REASONS:])} for other reasons")
    fit = f"{attempt.fitting} of {attempt.total} clusters fit"
    return f"{fit}; {', '.join(told)}" if told else fit
