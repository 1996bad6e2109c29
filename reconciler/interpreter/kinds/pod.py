"""v1 Pod."""

from __future__ import annotations

from typing import Final

from reconciler.interpreter import podtemplate
from reconciler.interpreter.reading import object_at, objects_at, text_at
from reconciler.interpreter.rules import KindRules, Replicas
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference


def replicas(body: Body) -> Replicas:
    """Always one."""
    return 1, podtemplate.requirements(object_at(body, "spec"))


def health(body: Body) -> bool:
    """Succeeded, or running and ready."""
    phase = text_at(body, "status", "phase")
    return phase == "Succeeded" or (phase == "Running" and _is_ready(body))


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """What the pod refers to."""
    return podtemplate.dependencies(object_at(body, "spec"), text_at(body, "metadata", "namespace"))


def _is_ready(body: Body) -> bool:
    conditions = objects_at(body, "status", "conditions")
    return any(
        text_at(condition, "type") == "Ready" and text_at(condition, "status") == "True"
        for condition in conditions
    )


RULES: Final = KindRules(replicas=replicas, health=health, dependencies=dependencies)
