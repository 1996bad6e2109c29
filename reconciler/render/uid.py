"""The UID of a template, which settles ties in division (DESIGN §3).

Pure. In Git nothing has a UID unless somebody wrote one.
"""

from __future__ import annotations

import uuid

from reconciler.model.binding import Binding
from reconciler.model.manifest import Manifest

ANNOTATION = "resourcetemplate.karmada.io/uid"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "templates.fleet-reconciler")


def template_uid(template: Manifest, previous: Binding | None) -> str:
    """What the file states, else what the (possibly imported) binding holds, else a UUIDv5 of the identity."""
    metadata = template.body.get("metadata") or {}
    stated = metadata.get("uid") or (metadata.get("annotations") or {}).get(ANNOTATION)
    if stated:
        return str(stated)
    if previous is not None and previous.uid:
        return previous.uid
    id_ = template.id
    # So that the remainders of many divisions do not all fall on the first cluster.
    return str(uuid.uuid5(_NAMESPACE, f"{id_.group}/{id_.kind}/{id_.namespace}/{id_.name}"))
