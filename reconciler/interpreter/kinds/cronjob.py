"""batch/v1 CronJob."""

from __future__ import annotations

from typing import Final

from reconciler.interpreter import podtemplate
from reconciler.interpreter.reading import object_at, text_at
from reconciler.interpreter.rules import KindRules
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """What the job's pod template refers to."""
    pod = object_at(body, "spec", "jobTemplate", "spec", "template", "spec")
    return podtemplate.dependencies(pod, text_at(body, "metadata", "namespace"))


RULES: Final = KindRules(dependencies=dependencies)
