"""apps.kruise.io/v1alpha1 CloneSet."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.bundled.kruise import workloads
from reconciler.interpreter.bundled.members import Items, reflected
from reconciler.interpreter.rules import KindRules
from reconciler.model.manifest import Body

_COUNTERS: Final = (
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "updatedReadyReplicas",
    "expectedUpdatedReplicas",
)
_TEXTS: Final = {"updateRevision": "", "currentRevision": "", "labelSelector": ""}


def reflect(body: Body) -> Any:
    """Counters, revisions and generations."""
    return reflected(body, (*_COUNTERS, *_TEXTS, "observedGeneration"), with_generations=True)


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """Counters summed, the last revisions."""
    return workloads.aggregated(body, items, _COUNTERS, _TEXTS)


RULES: Final = KindRules(
    replicas=workloads.replicas,
    revise=workloads.revise,
    health=workloads.is_rolled_out,
    reflect=reflect,
    aggregate=aggregate,
    dependencies=workloads.dependencies,
)
