"""What Deployment, ReplicaSet, StatefulSet, DaemonSet and Job have in common: a pod template and a replica count."""

from __future__ import annotations

from reconciler.interpreter import podtemplate
from reconciler.interpreter.reading import integer_at, object_at, require_type, text_at
from reconciler.interpreter.rules import Replicas
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference


def template_replicas(body: Body) -> Replicas:
    """`spec.replicas`, 0 where absent, and what one replica needs."""
    require_type(body, str(body["kind"]))
    return integer_at(body, "spec", "replicas"), podtemplate.requirements(
        object_at(body, "spec", "template", "spec")
    )


def revise_replicas(body: Body, replicas: int) -> Body:
    """The body with `spec.replicas` set, only where the template has it."""
    return set_count(body, "replicas", replicas)


def set_count(body: Body, field: str, count: int) -> Body:
    """The body with `spec.<field>` set to `count`, only where it exists (null counts as existing)."""
    spec = object_at(body, "spec")
    return {**body, "spec": {**spec, field: count}} if field in spec else body


def template_dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """What `spec.template` refers to, in the object's own namespace."""
    require_type(body, str(body["kind"]))
    return podtemplate.dependencies(
        object_at(body, "spec", "template", "spec"), text_at(body, "metadata", "namespace")
    )


def is_observed(body: Body) -> bool:
    """Whether the controller has seen the newest generation."""
    return integer_at(body, "status", "observedGeneration") == integer_at(body, "metadata", "generation")
