"""batch/v1 Job."""

from __future__ import annotations

from typing import Final

from reconciler.interpreter import podtemplate
from reconciler.interpreter.reading import integer_at, object_at, optional_integer_at, value_at, without
from reconciler.interpreter.rules import KindRules, Replicas
from reconciler.interpreter.workloads import set_count, template_dependencies
from reconciler.model.manifest import Body

_CONTROLLER_UID: Final = ("controller-uid", "batch.kubernetes.io/controller-uid")
_JOB_NAME: Final = ("job-name", "batch.kubernetes.io/job-name")


def replicas(body: Body) -> Replicas:
    """`parallelism`, at most `completions`."""
    count = integer_at(body, "spec", "parallelism")
    completions = optional_integer_at(body, "spec", "completions")
    count = count if completions is None else min(count, completions)
    return count, podtemplate.requirements(object_at(body, "spec", "template", "spec"))


def revise(body: Body, count: int) -> Body:
    """The body with `spec.parallelism` set, only where the template has it."""
    return set_count(body, "parallelism", count)


def prune(body: Body) -> Body:
    """Without the time to live, and without the selector and labels that the server generates.

    A Job that a member deleted by itself would be made anew, for ever.
    """
    body = without(body, "spec", "ttlSecondsAfterFinished")
    if value_at(body, "spec", "manualSelector") is True:
        return body
    for key in _CONTROLLER_UID:
        body = without(body, "spec", "selector", "matchLabels", key)
    for key in (*_CONTROLLER_UID, *_JOB_NAME):
        body = without(body, "spec", "template", "metadata", "labels", key)
    return body


RULES: Final = KindRules(replicas=replicas, revise=revise, dependencies=template_dependencies, prune=prune)
