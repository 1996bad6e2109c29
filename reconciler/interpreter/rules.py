"""What can be known about a kind: eight questions, each answered by a pure function or not at all (spec §3.1, §4).

A rule takes the object as open JSON and raises `InterpretationError` where its fields are not what the kind defines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from reconciler.errors import Problem, ReconcilerError
from reconciler.model.binding import Component, ReplicaRequirements
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference

Replicas = tuple[int, ReplicaRequirements | None]
GroupVersionKind = tuple[str, str]
"""(apiVersion, kind)"""


class InterpretationError(ReconcilerError):
    """An object cannot be interpreted: a field has the wrong type, or a rule of the fleet failed."""


class RuleFailed(InterpretationError):  # noqa: N818 - named for what happened
    """A rule that the fleet declares has no answer; `problem` says where and why.

    `is_transient`: it may succeed at the next attempt. Until then what there was stays.
    """

    def __init__(self, problem: Problem, *, is_transient: bool = False) -> None:
        super().__init__(": ".join((problem.message, *problem.evidence[:1])))
        self.problem = problem
        self.is_transient = is_transient


def is_transient(error: InterpretationError) -> bool:
    """Whether the same question may have an answer at the next attempt: then nothing that came of the failure may be remembered."""
    return isinstance(error, RuleFailed) and error.is_transient


class ScriptFailed(RuleFailed):
    """A script failed, ran out of its limits or of time (transient), or returned something else."""


class WebhookFailed(RuleFailed):
    """A webhook has not answered, cannot be asked, or gave an answer that is of no use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRules:
    """The rules of one kind; None leaves the operation to the next layer.

    `aggregate` gets the template, the members' items (JSON) and the moment to write where a status needs one; `retain` the
    desired and the live object.
    """

    replicas: Callable[[Body], Replicas] | None = None
    components: Callable[[Body], tuple[Component, ...]] | None = None
    revise: Callable[[Body, int], Body] | None = None
    health: Callable[[Body], bool] | None = None
    reflect: Callable[[Body], Any] | None = None
    aggregate: Callable[[Body, Sequence[Body], datetime | None], Body] | None = None
    retain: Callable[[Body, Body], Body] | None = None
    dependencies: Callable[[Body], tuple[ObjectReference, ...]] | None = None
    prune: Callable[[Body], Body] | None = None


class Layer(Protocol):
    """One kind of rules: a table, or webhooks with their patterns."""

    def get(self, kind: GroupVersionKind, /) -> KindRules | None:
        """A kind's rules; None where there are none."""
        ...
