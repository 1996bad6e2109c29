"""source.toolkit.fluxcd.io/v1beta2 HelmRepository."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.bundled.flux import resources
from reconciler.interpreter.bundled.members import Items, has_condition, reflected
from reconciler.interpreter.rules import KindRules
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference

_REFLECTED: Final = ("artifact", "conditions", "observedGeneration", "url")


def health(body: Body) -> bool:
    """Ready, because an artifact was made."""
    return has_condition(body, "Ready", "Succeeded")


def reflect(body: Body) -> Any:
    """Artifact, conditions and what was observed."""
    return reflected(body, _REFLECTED, with_generations=True)


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The last artifact, the members' conditions."""
    return resources.aggregated_source(body, items, ("url",))


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """The Secret to fetch with."""
    return resources.secrets(body, ("secretRef",))


RULES: Final = KindRules(
    health=health,
    reflect=reflect,
    aggregate=aggregate,
    retain=resources.retain,
    dependencies=dependencies,
)
