"""apps/v1 StatefulSet."""

from __future__ import annotations

from typing import Final

from reconciler.interpreter import podtemplate
from reconciler.interpreter.kinds.deployment import health
from reconciler.interpreter.reading import object_at, objects_at, text_at
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.workloads import revise_replicas, template_replicas
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """What the pod template refers to, less the claims that the set makes itself."""
    templates = objects_at(body, "spec", "volumeClaimTemplates")
    own = frozenset(text_at(template, "metadata", "name") for template in templates)
    pod = object_at(body, "spec", "template", "spec")
    return podtemplate.dependencies(pod, text_at(body, "metadata", "namespace"), own)


RULES: Final = KindRules(
    replicas=template_replicas, revise=revise_replicas, health=health, dependencies=dependencies
)
