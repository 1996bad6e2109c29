"""Where the kinds with a pod template keep their containers. Karmada looks at `kind` alone here (spec §1.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reconciler.model.manifest import Body
from reconciler.overrides.outcome import OverriderError

_TEMPLATE: Final = ("spec", "template", "spec", "containers")
CONTAINER_PATH: Final[Mapping[str, tuple[str, ...]]] = {
    "Pod": ("spec", "containers"),
    "ReplicaSet": _TEMPLATE,
    "Deployment": _TEMPLATE,
    "DaemonSet": _TEMPLATE,
    "StatefulSet": _TEMPLATE,
    "Job": _TEMPLATE,
}


def containers_of(body: Body, path: tuple[str, ...]) -> list[Any]:
    """The list at `path`, empty where a step is absent or null. Raises OverriderError where a step has the wrong type."""
    node: Any = body
    for step in path:
        if node is None:
            return []
        if not isinstance(node, dict):
            raise OverriderError(f"{'.'.join(path)} leads through a value that is no object")
        if step not in node:
            return []
        node = node[step]
    if not isinstance(node, list):
        raise OverriderError(f"{'.'.join(path)} is not a list")
    return node


def containers_of_type(body: Body, path: tuple[str, ...]) -> list[Any]:
    """The list at `path` of an object that is known to be of its kind's type, where null means absent."""
    node: Any = body
    for step in path:
        node = (node or {}).get(step)
    return node or []


def with_containers(body: Body, path: tuple[str, ...], containers: list[Any]) -> Body:
    """The body with that list at `path`, whose steps exist."""
    copy = dict(body)
    node = copy
    for step in path[:-1]:
        node[step] = dict(node[step])
        node = node[step]
    node[path[-1]] = containers
    return copy
