"""multicluster.x-k8s.io/v1alpha1 ServiceImport."""

from __future__ import annotations

from typing import Final

from reconciler.interpreter.reading import text_at
from reconciler.interpreter.rules import InterpretationError, KindRules
from reconciler.model.manifest import Body
from reconciler.model.selector import LabelSelector, ObjectReference
from reconciler.selectors.labels import is_valid_selector


def dependencies(body: Body) -> tuple[ObjectReference, ...]:
    """The derived Service and its EndpointSlices."""
    namespace = text_at(body, "metadata", "namespace")
    derived = f"derived-{text_at(body, 'metadata', 'name')}"
    selector = LabelSelector(match_labels=(("kubernetes.io/service-name", derived),))
    if not is_valid_selector(selector):
        raise InterpretationError(f"{derived} cannot be the value of a label")
    return (
        ObjectReference(
            api_version="discovery.k8s.io/v1",
            kind="EndpointSlice",
            namespace=namespace,
            label_selector=selector,
        ),
        ObjectReference(api_version="v1", kind="Service", namespace=namespace, name=derived),
    )


RULES: Final = KindRules(dependencies=dependencies)
