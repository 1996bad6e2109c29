"""What is ours in a cluster: the ApplySet convention, and the commits applied since the last complete prune.

Pure. The inventory is the union of those commits' trees, cut with the live objects that carry our label: no size limit,
and what could not be deleted is not forgotten. Where a tree cannot be had it is the labelled objects that our field
manager applied; never "nothing".
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any, Final

from reconciler.model.identity import ObjectId, id_of_body
from reconciler.model.manifest import Body
from reconciler.model.marks import (
    APPLY_SET_ID,
    APPLY_SET_KINDS,
    APPLY_SET_NAMESPACES,
    APPLY_SET_TOOLING,
    PART_OF,
)
from reconciler.model.plan import AppliedCommit, Desired, LiveObject, Parent
from reconciler.plan.fields import apply_entry

PARENT_NAME: Final = "fleet-reconciler"
PARENT_KIND: Final = "ConfigMap"
MAX_COMMITS: Final = 1000
"""More applied commits than this without one complete prune, and the label alone says what is ours."""
_TOOLING: Final = "fleet-reconciler/v1"
_OVERFLOWED: Final = "overflowed"


@cache
def apply_set_id(namespace: str) -> str:
    """The ApplySet's id: the same on every cluster, because it is made of the parent's name and namespace alone."""
    digest = sha256(f"{PARENT_NAME}.{namespace}.{PARENT_KIND}.".encode()).digest()
    return f"applyset-{urlsafe_b64encode(digest).decode().rstrip('=')}-v1"


def live_object(body: Body, *, part_of: str, manager: str, complete: bool = True) -> LiveObject:
    """What a server's answer says of one object. Not `complete`: the body is metadata only, and is not kept."""
    metadata: Mapping[str, Any] = body.get("metadata") or {}
    labels = metadata.get("labels") or {}
    return LiveObject(
        id=id_of_body(body),
        api_version=str(body.get("apiVersion") or ""),
        uid=str(metadata.get("uid") or ""),
        resource_version=str(metadata.get("resourceVersion") or ""),
        generation=int(metadata.get("generation") or 0),
        owned=labels.get(PART_OF) == part_of,
        applied=apply_entry(body, manager) is not None,
        controlled=any(owner.get("controller") for owner in metadata.get("ownerReferences") or ()),
        deleting=bool(metadata.get("deletionTimestamp")),
        labels=labels,
        annotations=metadata.get("annotations") or {},
        body=body if complete else None,
    )


def inventory(
    live: Iterable[LiveObject], parent: Parent, trees: Mapping[str, frozenset[ObjectId] | None]
) -> dict[ObjectId, LiveObject]:
    """What is ours of the `live` objects. `trees` maps each commit of `parent` to its objects, None where it is unknown."""
    owned = {object_.id: object_ for object_ in live if object_.owned}
    known = [trees.get(applied.commit) for applied in parent.commits]
    if parent.overflowed or not known or any(tree is None for tree in known):
        # Controllers copy labels to what they make (EndpointSlices, Pods): those we never applied.
        return {id_: object_ for id_, object_ in owned.items() if object_.applied and not object_.controlled}
    ours = frozenset[ObjectId]().union(*(tree for tree in known if tree is not None))
    return {id_: object_ for id_, object_ in owned.items() if id_ in ours}


def kinds_to_read(
    desired: Desired, parent: Parent, trees: Mapping[str, frozenset[ObjectId] | None]
) -> tuple[str, ...]:
    """The kinds (`Kind.group`) of which something may be ours, sorted."""
    kinds = _kinds(desired) | set(parent.kinds)
    for tree in trees.values():
        kinds |= {id_.kind_group for id_ in tree or ()}
    return tuple(sorted(kinds))


def parent_before(
    parent: Parent, desired: Desired, now: datetime, *, deletes: bool, same_objects: bool = False
) -> Parent:
    """The parent as it must stand before the first write of `desired`.

    With nothing to delete the new tree covers all that is ours, so that earlier commits may be forgotten at once.
    `same_objects`: the tree holds the very objects that `parent` speaks of.
    """
    resumed = parent.commit == desired.commit
    mine = parent.commits[-1] if resumed else AppliedCommit(commit=desired.commit, started=now)
    if not deletes and same_objects:
        return replace(parent, commits=(mine,), tree=desired.tree)
    if not deletes:
        return parent_after(parent, desired, mine)
    commits = (*(applied for applied in parent.commits if applied.commit != desired.commit), mine)
    overflowed = parent.overflowed or len(commits) > MAX_COMMITS
    return Parent(
        resource_version=parent.resource_version,
        uid=parent.uid,
        commits=(mine,) if overflowed else commits,
        tree=desired.tree,
        kinds=tuple(sorted({*_kinds(desired), *parent.kinds})),
        namespaces=tuple(sorted({*_namespaces(desired), *parent.namespaces})),
        overflowed=overflowed,
    )


def parent_after(parent: Parent, desired: Desired, mine: AppliedCommit) -> Parent:
    """The parent when nothing of an earlier commit is left: `desired` is all that is ours."""
    return Parent(
        resource_version=parent.resource_version,
        uid=parent.uid,
        commits=(mine,),
        tree=desired.tree,
        kinds=tuple(sorted(_kinds(desired))),
        namespaces=tuple(sorted(_namespaces(desired))),
    )


def same_record(one: Parent, other: Parent) -> bool:
    """Whether two parents say the same, whatever their versions; when they do there is nothing to write."""
    return _record(one) == _record(other)


def encode_parent(parent: Parent, namespace: str) -> Body:
    """The parent object's body."""
    metadata: dict[str, Any] = {
        "name": PARENT_NAME,
        "namespace": namespace,
        "labels": {APPLY_SET_ID: apply_set_id(namespace)},
        "annotations": {
            APPLY_SET_TOOLING: _TOOLING,
            APPLY_SET_KINDS: ",".join(parent.kinds),
            APPLY_SET_NAMESPACES: ",".join(name for name in parent.namespaces if name != namespace),
        },
    }
    if parent.resource_version:
        metadata |= {"resourceVersion": parent.resource_version, "uid": parent.uid}
    commits = "".join(
        f"{item.commit} {item.started.astimezone(UTC).isoformat()}\n" for item in parent.commits
    )
    data = {"commit": parent.commit, "commits": commits, "tree": parent.tree}
    if parent.overflowed:
        data[_OVERFLOWED] = "true"
    return {"apiVersion": "v1", "kind": PARENT_KIND, "metadata": metadata, "data": data}


def decode_parent(body: Body) -> Parent:
    """The parent that a live object says. What cannot be read makes it overflowed, never empty: somebody edited it."""
    metadata: Mapping[str, Any] = body.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    data = body.get("data") or {}
    commits = []
    damaged = _OVERFLOWED in data or not data.get("commits")
    for line in (data.get("commits") or "").splitlines():
        commit, _, started = line.partition(" ")
        try:
            commits.append(AppliedCommit(commit=commit, started=datetime.fromisoformat(started)))
        except ValueError:
            damaged = True
    return Parent(
        resource_version=str(metadata.get("resourceVersion") or ""),
        uid=str(metadata.get("uid") or ""),
        commits=tuple(commits),
        tree=str(data.get("tree") or ""),
        kinds=_words(annotations.get(APPLY_SET_KINDS)),
        namespaces=_words(annotations.get(APPLY_SET_NAMESPACES)),
        overflowed=damaged,
    )


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word for word in (text or "").split(",") if word)


def _record(parent: Parent) -> tuple[object, ...]:
    commits = tuple(applied.commit for applied in parent.commits)
    return commits, parent.tree, parent.kinds, frozenset(parent.namespaces), parent.overflowed


def _kinds(desired: Desired) -> set[str]:
    pairs = {(id_.group, id_.kind) for id_ in desired.objects}
    return {f"{kind}.{group}" if group else kind for group, kind in pairs}


def _namespaces(desired: Desired) -> set[str]:
    return {id_.namespace for id_ in desired.objects} - {""}
