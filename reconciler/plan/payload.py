"""What is sent for an object: the desired body made fit for server-side apply.

Pure. Adds our label, sends `stringData` as `data`, leaves to other managers the retained fields that they own, and to
the server what only the server writes. Must not change any other value.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Body
from reconciler.model.marks import PART_OF
from reconciler.plan.fields import Path, applied_paths, managed_paths, value_at, with_value, without

Retain = Callable[[Body, Body], Body]
"""`retain(desired, live)`: the desired body with what the member keeps (spec rendering 2.8). Never edits its arguments."""

_SERVER_METADATA: Final = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
# What tools write where a certificate is to be injected later; sending it would take the injected one away.
_PLACEHOLDERS: Final = ("", "Cg==", "\n")
_INJECTED: Final = frozenset(
    {
        "CustomResourceDefinition.apiextensions.k8s.io",
        "MutatingWebhookConfiguration.admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
        "APIService.apiregistration.k8s.io",
    }
)


def sendable(body: Body, part_of: str) -> Body:
    """`body` as it is sent to create it: with our label, without server fields, `stringData` folded into `data`."""
    metadata = {
        key: value for key, value in (body.get("metadata") or {}).items() if key not in _SERVER_METADATA
    }
    metadata["labels"] = {**(metadata.get("labels") or {}), PART_OF: part_of}
    made = {key: metadata if key == "metadata" else value for key, value in body.items() if key != "status"}
    if body.get("kind") == "Secret" and body.get("apiVersion") == "v1" and "stringData" in made:
        made = _without_string_data(made)
    if id_of_body(body).kind_group in _INJECTED:
        made = _without_placeholders(made)
    return made


def retained(desired: Body, live: Body, retain: Retain, manager: str) -> Body:
    """`desired` with the fields that the member keeps: with their live value, or left out where somebody else owns them.

    Leaving a field out that only we own would reset it (a Deployment's replicas fall back to 1). Leaving one out that
    another manager owns hands it over, so that our next write cannot race that manager's. Metadata needs no such rule:
    server-side apply leaves what others put there.
    """
    shared = tuple(
        path
        for path in managed_paths(live, skip_manager=manager)
        if path[0] != "metadata" and _is_leaf(value_at(desired, path))
    )
    # Where desired and live agree, only a changed question shows whether the rule keeps the member's value.
    probe = desired
    for path in shared:
        if value_at(desired, path) == value_at(live, path):
            probe = with_value(probe, path, _other_value(value_at(desired, path)))
    kept = retain(probe, live)
    made = {**retain(desired, live), "metadata": desired["metadata"]}
    for path in shared:
        if value_at(kept, path) == value_at(live, path) != value_at(probe, path):
            made = without(made, path)
    ours = applied_paths(live, manager)
    for path in tuple(_additions(desired, made, ())):
        # The member filled it in and it was never ours: sending it would only take it over.
        if not any(place[: len(path)] == path for place in ours):
            made = without(made, path)
    return made


def _additions(desired: Any, made: Any, path: Path) -> Iterator[Path]:
    if not (isinstance(desired, dict) and isinstance(made, dict)):
        return
    for key, value in made.items():
        if key not in desired:
            yield (*path, key)
        else:
            yield from _additions(desired[key], value, (*path, key))


def _other_value(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + "-"
        case _:
            return None


def _is_leaf(value: Any) -> bool:
    return isinstance(value, bool | int | float | str)


def _without_string_data(body: Body) -> Body:
    # The server merges stringData into data on write and forgets which keys came from it: keys removed from
    # stringData would stay for ever. As data, they are ours and go with the next apply.
    data = dict(body.get("data") or {})
    for key, value in (body["stringData"] or {}).items():
        data[key] = b64encode(str(value).encode()).decode()
    made = {key: value for key, value in body.items() if key != "stringData"}
    return {**made, "data": data}


def _without_placeholders(body: Body) -> Body:
    for path in list(_placeholders(body, ())):
        body = without(body, path)
    return body


def _placeholders(value: Any, path: Path) -> Iterator[Path]:
    # The schema of a large CRD is not searched: its certificate stands beside it.
    match value:
        case Mapping():
            for key, item in value.items():
                if key == "caBundle" and item in _PLACEHOLDERS:
                    yield (*path, key)
                elif key not in ("versions", "metadata"):
                    yield from _placeholders(item, (*path, key))
        case list():
            for index, item in enumerate(value):
                yield from _placeholders(item, (*path, index))
