"""helm.toolkit.fluxcd.io/v2beta1 HelmRelease: a chart that Flux installs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.bundled.flux import resources
from reconciler.interpreter.bundled.members import Items, has_condition, last, last_text, reflected, statuses
from reconciler.interpreter.bundled.templates import references
from reconciler.interpreter.reading import integer_at, objects_at, text_at, value_at
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.statuses import summed
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference

_TEXTS: Final = ("lastAttemptedRevision", "lastAppliedRevision", "lastAttemptedValuesChecksum", "helmChart")
_REVISION: Final = "lastReleaseRevision"
_FAILURES: Final = ("failures", "upgradeFailures", "installFailures")
_SECRETS: Final = (("chart", "spec", "verify", "secretRef"), ("kubeConfig", "secretRef"))
_VALUES: Final = ("Secret", "ConfigMap")


def health(body: Body) -> bool:
    """Ready, because it was reconciled."""
    return has_condition(body, "Ready", "ReconciliationSucceeded")


def reflect(body: Body) -> Any:
    """Revisions, failures, conditions and generations."""
    names = ("conditions", "observedGeneration", *_TEXTS, _REVISION, *_FAILURES)
    return reflected(body, names, with_generations=True)


def aggregate(body: Body, items: Items, now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The last revisions, the members' conditions; failures summed, if the template's status has a count to add to."""
    if items is None:
        return resources.idle(body, dict.fromkeys((*_TEXTS, _REVISION), "") | dict.fromkeys(_FAILURES, 0))
    reports = statuses(items)
    fields = {name: last_text(reports, name, value_at(body, "status", name)) for name in _TEXTS}
    fields[_REVISION] = last(reports, _REVISION, value_at(body, "status", _REVISION))
    # Karmada adds to the count of the time before, which grows with every aggregation.
    for name, count in summed(reports, _FAILURES).items():
        if value_at(body, "status", name) is not None:
            fields[name] = integer_at(body, "status", name) + count
    return resources.merged(body, items, fields)


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """The Secrets and ConfigMaps with values, the Secrets to verify and to reach the cluster with, the ServiceAccount."""
    values = [
        (text_at(source, "kind"), text_at(source, "name"))
        for source in objects_at(body, "spec", "valuesFrom")
    ]
    return references(
        body,
        [
            *((kind, name) for kind, name in values if kind in _VALUES),
            *resources.secret_names(body, *_SECRETS),
            ("ServiceAccount", text_at(body, "spec", "serviceAccountName")),
        ],
    )


RULES: Final = KindRules(
    health=health,
    reflect=reflect,
    aggregate=aggregate,
    retain=resources.retain,
    dependencies=dependencies,
)
