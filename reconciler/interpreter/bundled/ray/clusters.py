"""What Ray's kinds have in common: a head and groups of workers, each with a pod template."""

from __future__ import annotations

from reconciler.interpreter.bundled.members import Items
from reconciler.interpreter.bundled.templates import component
from reconciler.interpreter.reading import integer_at, object_at, objects_at, text_at, value_at
from reconciler.model.binding import Component
from reconciler.model.manifest import Body


def components(cluster: Body) -> tuple[Component, ...]:
    """The head, and one component for each group of workers; nameless ones by their number from 1."""
    head = value_at(cluster, "headGroupSpec", "template")
    found = [] if head is None else [component("ray-head", 1, head)]
    for number, group in enumerate(workers(cluster), start=1):
        name = text_at(group, "groupName") or f"worker-{number}"
        found.append(component(name, integer_at(group, "replicas"), value_at(group, "template")))
    return tuple(found)


def workers(cluster: Body) -> list[Body]:
    """The groups of workers."""
    return objects_at(cluster, "workerGroupSpecs")


def templates(cluster: Body) -> list[Body]:
    """Every pod template."""
    return [object_at(cluster, "headGroupSpec", "template")] + [
        object_at(group, "template") for group in workers(cluster)
    ]


def only_status(body: Body) -> Body:
    """The object without its spec, as Karmada gives it back."""
    return {key: value for key, value in body.items() if key != "spec"}


def single(items: Items) -> bool:
    """Whether there is exactly one member: its status is taken as it is."""
    return items is not None and len(items) == 1
