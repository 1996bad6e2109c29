"""commandOverrider and argsOverrider: containers of one name in the kinds with a pod template (spec §1.6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.model.manifest import Body
from reconciler.model.override import CommandArgsOverrider
from reconciler.overrides.containers import CONTAINER_PATH, containers_of, with_containers
from reconciler.overrides.outcome import Ineffective, OverriderError, Place


def override_command_args(
    body: Body, overriders: Sequence[CommandArgsOverrider], notes: list[Ineffective], field: str
) -> Body:
    """The body with `command` or `args` (`field`) edited; a name that no container has is noted."""
    for index, overrider in enumerate(overriders):
        place: Place = (f"{field}Overrider", index)
        path = CONTAINER_PATH.get(str(body.get("kind")))
        if path is None:
            notes.append(Ineffective(place=place, reason=f"kind {body.get('kind')} has no containers"))
            continue
        try:
            containers = containers_of(body, path)
            edited = [_edited(container, overrider, field) for container in containers]
        except OverriderError as error:
            raise OverriderError(str(error), place) from None
        if all(new is old for new, old in zip(edited, containers, strict=True)):
            notes.append(
                Ineffective(
                    place=(*place, "containerName"),
                    reason=f"no container is named {overrider.container_name}",
                )
            )
            continue
        if edited == containers:
            notes.append(Ineffective(place=(*place, "value"), reason=_why_unchanged(overrider, field)))
            continue
        body = with_containers(body, path, edited)
    return body


def _why_unchanged(overrider: CommandArgsOverrider, field: str) -> str:
    if overrider.operator == "remove":
        return f"no item of {field} of container {overrider.container_name} equals one of them"
    return f"it adds nothing to {field} of container {overrider.container_name}"


def _edited(container: Any, overrider: CommandArgsOverrider, field: str) -> Any:
    if not isinstance(container, dict):
        raise OverriderError("a container is not an object")
    if container.get("name") != overrider.container_name:
        return container
    present = container.get(field)
    if present is None:
        # Karmada: removing from an absent list creates an empty one.
        return {**container, field: list(overrider.value) if overrider.operator == "add" else []}
    if not isinstance(present, list):
        raise OverriderError(f"{field} of container {overrider.container_name} is not a list")
    if not all(isinstance(item, str) for item in present):
        # Karmada writes Go's rendering of the item (`map[a:b]`), which no container can mean.
        raise OverriderError(
            f"{field} of container {overrider.container_name} holds an item that is not a string"
        )
    match overrider.operator:
        case "add":
            return {**container, field: [*present, *overrider.value]}
        case "remove":
            return {**container, field: [item for item in present if item not in overrider.value]}
        case _:
            return {**container}
