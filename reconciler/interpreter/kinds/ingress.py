"""networking.k8s.io/v1 Ingress."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from reconciler.interpreter.loadbalancer import aggregated, has_address
from reconciler.interpreter.reading import objects_at, require_type, text_at
from reconciler.interpreter.rules import KindRules
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """The Secrets of `spec.tls`, in order; an entry without a name refers to nothing."""
    require_type(body, "Ingress")
    namespace = text_at(body, "metadata", "namespace")
    names = (text_at(entry, "secretName") for entry in objects_at(body, "spec", "tls"))
    return tuple(
        ObjectReference(api_version="v1", kind="Secret", namespace=namespace, name=name)
        for name in sorted(name for name in names if name)
    )


def aggregate(body: Body, items: Sequence[Body], now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The members' addresses."""
    return aggregated(body, items, by_mode=False)


RULES: Final = KindRules(aggregate=aggregate, health=has_address, dependencies=dependencies)
