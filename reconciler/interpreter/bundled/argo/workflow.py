"""argoproj.io/v1alpha1 Workflow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.interpreter import podtemplate
from reconciler.interpreter.bundled.templates import keep_spec, needs_of, ordered, references, set_spec
from reconciler.interpreter.reading import object_at, objects_at, optional_integer_at, text_at
from reconciler.interpreter.rules import KindRules, Replicas
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference

_PLACING: Final = ("affinity", "nodeSelector", "tolerations")
_POD_FIELDS: Final = ("volumes", "imagePullSecrets", "serviceAccountName")
_UNHEALTHY: Final = ("", "Error", "Failed")


def replicas(body: Body) -> Replicas:
    """`spec.parallelism`, 1 where absent, and where its pods may run; what they request stands in their templates."""
    parallelism = optional_integer_at(body, "spec", "parallelism")
    spec = object_at(body, "spec")
    pod = {name: spec[name] for name in _PLACING if spec.get(name) is not None}
    return 1 if parallelism is None else parallelism, needs_of({"spec": pod})


def revise(body: Body, count: int) -> Body:
    """`spec.parallelism` set."""
    return set_spec(body, "parallelism", count)


def health(body: Body) -> bool:
    """It has a phase, and has neither failed nor met an error."""
    return text_at(body, "status", "phase") not in _UNHEALTHY


def retain(desired: Body, live: Body) -> Body:
    """Suspension is said in the member; and the status, without which a running Workflow would start again."""
    kept = keep_spec(desired, live, "suspend")
    return kept if live.get("status") is None else {**kept, "status": live["status"]}


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """What the fields refer to that all its pods share. Karmada passes over `secretName` of Secret volumes."""
    spec = object_at(body, "spec")
    pod = {name: spec[name] for name in _POD_FIELDS if spec.get(name) is not None}
    shared = podtemplate.dependencies(pod, text_at(body, "metadata", "namespace"))
    return ordered((*shared, *references(body, _names(spec))))


def _names(spec: Body) -> Iterator[tuple[str, str]]:
    yield "ServiceAccount", text_at(spec, "executor", "serviceAccountName")
    for claim in objects_at(spec, "volumeClaimTemplates"):
        yield "PersistentVolumeClaim", text_at(claim, "metadata", "name")
    for volume in objects_at(spec, "volumes"):
        yield "Secret", text_at(volume, "secret", "name")


RULES: Final = KindRules(
    replicas=replicas, revise=revise, health=health, retain=retain, dependencies=dependencies
)
