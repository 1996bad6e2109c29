"""What never leaves the control plane or comes back from a member: fields that only a server writes (spec §2.2)."""

from __future__ import annotations

from typing import Final

from reconciler.interpreter.reading import object_at, with_value
from reconciler.model.manifest import Body

SERVER_METADATA: Final = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generation",
        "managedFields",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)


def prune_server_fields(body: Body) -> Body:
    """The body without `status` and without server metadata; the same body where it has neither."""
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and not SERVER_METADATA.isdisjoint(metadata):
        metadata = {key: value for key, value in metadata.items() if key not in SERVER_METADATA}
        body = {**body, "metadata": metadata}
    return {key: value for key, value in body.items() if key != "status"} if "status" in body else body


def without_annotations(body: Body, *keys: str) -> Body:
    """The body without these annotations. The map stays, possibly empty."""
    annotations = object_at(body, "metadata", "annotations")
    if not any(key in annotations for key in keys):
        return body
    kept = {key: value for key, value in annotations.items() if key not in keys}
    return with_value(body, ("metadata", "annotations"), kept)
