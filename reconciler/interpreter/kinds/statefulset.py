"""apps/v1 StatefulSet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from reconciler.interpreter import podtemplate
from reconciler.interpreter.kinds.deployment import health
from reconciler.interpreter.reading import object_at, objects_at, require_type, text_at
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.statuses import Counters, aggregated_workload, reflected_workload
from reconciler.interpreter.workloads import revise_replicas, template_replicas
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference

_COUNTERS: Final = Counters(
    summed=("replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"),
    always=("replicas", "availableReplicas"),
)


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """What the pod template refers to, less the claims that the set makes itself."""
    require_type(body, "StatefulSet")
    templates = objects_at(body, "spec", "volumeClaimTemplates")
    own = frozenset(text_at(template, "metadata", "name") for template in templates)
    pod = object_at(body, "spec", "template", "spec")
    return podtemplate.dependencies(pod, text_at(body, "metadata", "namespace"), own)


def reflect(body: Body) -> Any:
    """The counters and generations that a member reports."""
    return reflected_workload(body, _COUNTERS, observed=False)


def aggregate(body: Body, items: Sequence[Body], now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The members' counters, summed."""
    return aggregated_workload(body, items, _COUNTERS, by_member_generation=True)


RULES: Final = KindRules(
    reflect=reflect,
    aggregate=aggregate,
    replicas=template_replicas,
    revise=revise_replicas,
    health=health,
    dependencies=dependencies,
)
