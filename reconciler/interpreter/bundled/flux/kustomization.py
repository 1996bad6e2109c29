"""kustomize.toolkit.fluxcd.io/v1 Kustomization: what Flux applies from a source."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.bundled.flux import resources
from reconciler.interpreter.bundled.members import Items, has_condition, last_text, reflected, statuses
from reconciler.interpreter.bundled.templates import references
from reconciler.interpreter.reading import text_at, value_at
from reconciler.interpreter.rules import KindRules
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference

_REVISIONS: Final = ("lastAttemptedRevision", "lastAppliedRevision")


def health(body: Body) -> bool:
    """Ready, because it was reconciled."""
    return has_condition(body, "Ready", "ReconciliationSucceeded")


def reflect(body: Body) -> Any:
    """Revisions, conditions and generations."""
    return reflected(body, ("conditions", *_REVISIONS, "observedGeneration"), with_generations=True)


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The last revisions, the members' conditions."""
    if items is None:
        return resources.idle(body, dict.fromkeys(_REVISIONS, ""))
    reports = statuses(items)
    fields = {name: last_text(reports, name, value_at(body, "status", name)) for name in _REVISIONS}
    return resources.merged(body, items, fields)


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """The Secrets to decrypt and to reach the cluster with, and the ServiceAccount."""
    names = resources.secret_names(body, ("decryption", "secretRef"), ("kubeConfig", "secretRef"))
    return references(body, [*names, ("ServiceAccount", text_at(body, "spec", "serviceAccountName"))])


RULES: Final = KindRules(
    health=health,
    reflect=reflect,
    aggregate=aggregate,
    retain=resources.retain,
    dependencies=dependencies,
)
