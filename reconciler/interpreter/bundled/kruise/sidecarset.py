"""apps.kruise.io/v1alpha1 SidecarSet: containers that are put into other workloads' pods. Cluster-scoped; no workload itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.bundled.members import Items, statuses, with_status
from reconciler.interpreter.bundled.templates import references
from reconciler.interpreter.reading import integer_at, object_at, objects_at, text_at, value_at
from reconciler.interpreter.rules import KindRules, Replicas
from reconciler.interpreter.statuses import summed
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference

_COUNTERS: Final = ("matchedPods", "updatedPods", "readyPods")


def replicas(body: Body) -> Replicas:  # noqa: ARG001 - every kind's signature
    """None of its own."""
    return 0, None


def health(body: Body) -> bool:
    """Every matched pod carries the newest sidecars."""
    if value_at(body, "status") is None:
        return False
    matched = integer_at(body, "status", "matchedPods")
    return matched in (0, integer_at(body, "status", "updatedPods"))


def reflect(body: Body) -> Any:
    """The counters, zeros included."""
    if value_at(body, "status") is None:
        return {}
    return {name: integer_at(body, "status", name) for name in _COUNTERS}


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The counters summed. Karmada gives no spec back."""
    kept: Body = {key: body[key] for key in ("apiVersion", "kind", "metadata") if key in body}
    return with_status(kept, summed(statuses(items), _COUNTERS))


def retain(desired: Body, live: Body) -> Body:  # noqa: ARG001 - every kind's signature
    """Nothing is the member's."""
    return desired


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """ConfigMaps and Secrets of the sidecars' environment and volumes."""
    return references(body, _names(object_at(body, "spec")))


def _names(spec: Body) -> Iterator[tuple[str, str]]:
    for container in objects_at(spec, "containers"):
        for variable in objects_at(container, "env"):
            yield "ConfigMap", text_at(variable, "valueFrom", "configMapKeyRef", "name")
            yield "Secret", text_at(variable, "valueFrom", "secretKeyRef", "name")
        for source in objects_at(container, "envFrom"):
            yield "ConfigMap", text_at(source, "configMapRef", "name")
            yield "Secret", text_at(source, "secretRef", "name")
    for volume in objects_at(spec, "volumes"):
        yield "ConfigMap", text_at(volume, "configMap", "name")
        yield "Secret", text_at(volume, "secret", "secretName")
        for source in objects_at(volume, "projected", "sources"):
            yield "ConfigMap", text_at(source, "configMap", "name")
            yield "Secret", text_at(source, "secret", "name")


RULES: Final = KindRules(
    replicas=replicas,
    health=health,
    reflect=reflect,
    aggregate=aggregate,
    retain=retain,
    dependencies=dependencies,
)
