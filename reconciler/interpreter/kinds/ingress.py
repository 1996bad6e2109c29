"""networking.k8s.io/v1 Ingress."""

from __future__ import annotations

from typing import Final

from reconciler.interpreter.loadbalancer import has_address
from reconciler.interpreter.reading import objects_at, text_at
from reconciler.interpreter.rules import KindRules
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """The Secrets of `spec.tls`, in order; an entry without a name refers to nothing."""
    namespace = text_at(body, "metadata", "namespace")
    names = (text_at(entry, "secretName") for entry in objects_at(body, "spec", "tls"))
    return tuple(
        ObjectReference(api_version="v1", kind="Secret", namespace=namespace, name=name)
        for name in sorted(name for name in names if name)
    )


RULES: Final = KindRules(health=has_address, dependencies=dependencies)
