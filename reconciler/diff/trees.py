"""Two render trees: which objects came, went and changed, on which clusters.

Pure. The work is proportional to what differs: equal contents are skipped by comparing bytes. Equal changes are folded
over clusters, also where the contents around them differ (an override elsewhere in the object), and an object that was
renamed is recognised.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.diff.mask import masked_pair
from reconciler.diff.objects import FieldChange, field_changes
from reconciler.manifests.load import load
from reconciler.model.identity import ObjectId, object_id_of_path
from reconciler.model.manifest import Body
from reconciler.model.tree import RenderTree, Variant


class ObjectAction(StrEnum):
    """What happens to one object on the clusters of a change."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """One change of one object, and every cluster on which it is the same. Bodies are masked already.

    `fields` is empty for objects that came or went. `renamed_from` is set for RENAMED alone: to the clusters that is
    a deletion and a creation.
    """

    id: ObjectId
    action: ObjectAction
    clusters: tuple[str, ...]
    fields: tuple[FieldChange, ...] = ()
    renamed_from: ObjectId | None = None
    before: Body | None = field(default=None, repr=False)
    after: Body | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """A file of `.fleet-reconciler/` that differs, and the clusters on which it does."""

    path: str
    action: ObjectAction
    clusters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeDifference:
    """All differences of two trees. `objects_before` counts each cluster's objects, for percentages."""

    changes: tuple[ObjectChange, ...] = ()
    files: tuple[FileChange, ...] = ()
    clusters_added: tuple[str, ...] = ()
    clusters_removed: tuple[str, ...] = ()
    objects_before: Mapping[str, int] = field(default_factory=dict)
    objects_after: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether the trees are equal."""
        return not (self.changes or self.files or self.clusters_added or self.clusters_removed)

    def counts(self, cluster: str) -> dict[ObjectAction, int]:
        """How many objects of each action one cluster sees; a rename counts as itself."""
        counts = dict.fromkeys(ObjectAction, 0)
        for change in self.changes:
            if cluster in change.clusters:
                counts[change.action] += 1
        return counts

    @property
    def clusters_touched(self) -> tuple[str, ...]:
        """Clusters that get at least one change, sorted."""
        return tuple(sorted({name for change in self.changes for name in change.clusters}))


def changes_of(difference: TreeDifference, is_meant: Callable[[ObjectId], bool]) -> list[ObjectChange]:
    """The changes of the objects that are meant, by their names now or before."""
    return [
        change
        for change in difference.changes
        if is_meant(change.id) or (change.renamed_from is not None and is_meant(change.renamed_from))
    ]


def tree_difference(before: RenderTree, after: RenderTree) -> TreeDifference:
    """What `after` does to every cluster that `before` described.

    A cluster that is in one tree only counts with its objects: its directory went or came, and nothing is deleted from
    a cluster that left (DESIGN §4), so the objects of one that left are not listed as removed. Raises ValueError for a
    file that no render wrote.
    """
    left = frozenset(before.clusters) - frozenset(after.clusters)
    changes: list[ObjectChange] = []
    files: list[FileChange] = []
    old_by_path, new_by_path = _by_path(before.variants), _by_path(after.variants)
    for path in sorted(old_by_path.keys() | new_by_path.keys()):
        old, new = old_by_path.get(path, ()), new_by_path.get(path, ())
        if old == new:
            continue
        pairs = _differing(old, new, left)
        id_ = object_id_of_path(path)
        if id_ is None:
            files += [
                FileChange(path=path, action=_action(*pair), clusters=names) for pair, names in pairs.items()
            ]
        else:
            changes += _folded(id_, pairs)
    return TreeDifference(
        changes=_with_renames(changes),
        files=tuple(files),
        clusters_added=tuple(sorted(set(after.clusters) - set(before.clusters))),
        clusters_removed=tuple(sorted(left)),
        objects_before=_object_counts(before),
        objects_after=_object_counts(after),
    )


_Pair = tuple[bytes | None, bytes | None]


def _by_path(variants: Iterable[Variant]) -> dict[str, tuple[Variant, ...]]:
    grouped: dict[str, list[Variant]] = {}
    for variant in variants:
        grouped.setdefault(variant.path, []).append(variant)
    return {path: tuple(group) for path, group in grouped.items()}


def _differing(
    old: tuple[Variant, ...], new: tuple[Variant, ...], left: frozenset[str]
) -> dict[_Pair, tuple[str, ...]]:
    """(bytes before, bytes after) to the clusters where they differ in that way, in the order of the first cluster."""
    before = {name: variant.data for variant in old for name in variant.clusters}
    after = {name: variant.data for variant in new for name in variant.clusters}
    pairs: dict[_Pair, list[str]] = {}
    for name in sorted(before.keys() | after.keys()):
        pair = before.get(name), after.get(name)
        if pair[0] != pair[1] and not (pair[1] is None and name in left):
            pairs.setdefault(pair, []).append(name)
    return {pair: tuple(names) for pair, names in pairs.items()}


def _action(before: bytes | None, after: bytes | None) -> ObjectAction:
    if before is None:
        return ObjectAction.ADDED
    return ObjectAction.REMOVED if after is None else ObjectAction.CHANGED


def _folded(id_: ObjectId, pairs: Mapping[_Pair, tuple[str, ...]]) -> list[ObjectChange]:
    """One change for every distinct way in which the object differs."""
    folded: dict[str, ObjectChange] = {}
    for (old, new), names in pairs.items():
        before = _body(old, id_) if old is not None else None
        after = _body(new, id_) if new is not None else None
        # The fields are compared before masking: a changed value of a Secret is a change.
        fields = field_changes(before, after) if before is not None and after is not None else ()
        masked_before, masked_after = masked_pair(before, after)
        # What is added or removed folds when it is the same object; what changed, when the change is the same.
        key = repr(fields) if fields else repr((old, new))
        known = folded.get(key)
        if known is not None:
            folded[key] = _joined(known, names)
            continue
        if fields and (masked_before is not before or masked_after is not after):
            fields = field_changes(masked_before, masked_after)
        folded[key] = ObjectChange(
            id=id_,
            action=_action(old, new),
            clusters=names,
            fields=fields,
            before=masked_before,
            after=masked_after,
        )
    return list(folded.values())


def _body(data: bytes, id_: ObjectId) -> Body:
    documents = load(data, id_.tree_path).documents
    if len(documents) != 1:
        raise ValueError(f"{id_.tree_path} in a render tree is not one readable object")
    return documents[0].body


def _joined(change: ObjectChange, names: tuple[str, ...]) -> ObjectChange:
    return ObjectChange(
        id=change.id,
        action=change.action,
        clusters=tuple(sorted({*change.clusters, *names})),
        fields=change.fields,
        renamed_from=change.renamed_from,
        before=change.before,
        after=change.after,
    )


def _with_renames(changes: list[ObjectChange]) -> tuple[ObjectChange, ...]:
    """Pairs each removal with the addition that is the same object under another name, on the same clusters."""
    added: dict[tuple[str, ...], list[ObjectChange]] = {}
    for change in changes:
        if change.action is ObjectAction.ADDED:
            added.setdefault((change.id.kind_group, *change.clusters), []).append(change)
    result: list[ObjectChange] = []
    taken: dict[ObjectId, list[tuple[str, ...]]] = {}
    for change in changes:
        if change.action is not ObjectAction.REMOVED:
            continue
        candidates = added.get((change.id.kind_group, *change.clusters), [])
        match = next((new for new in candidates if _is_same_thing(change, new)), None)
        if match is None:
            continue
        candidates.remove(match)
        taken.setdefault(change.id, []).append(change.clusters)
        taken.setdefault(match.id, []).append(match.clusters)
        result.append(
            ObjectChange(
                id=match.id,
                action=ObjectAction.RENAMED,
                clusters=match.clusters,
                fields=field_changes(change.before, match.after),
                renamed_from=change.id,
                before=change.before,
                after=match.after,
            )
        )
    result += [change for change in changes if change.clusters not in taken.get(change.id, ())]
    return tuple(sorted(result, key=lambda change: (change.id, change.action.value, change.clusters)))


# `app-config-5f7c9d8b6` and its like: tools append a hash of the content.
_HASH_SUFFIX = re.compile(r"-(?=[a-z0-9]*[0-9])[a-z0-9]{5,10}\Z")


# Two of these may hold the same fields and still not be one thing under two names: what they stand for is elsewhere.
_NEVER_RENAMED = frozenset(
    {"Namespace", "Secret", "PersistentVolumeClaim", "PersistentVolume", "StatefulSet"}
)


def _is_same_thing(old: ObjectChange, new: ObjectChange) -> bool:
    if new.id.kind in _NEVER_RENAMED:
        return False
    if (
        old.id.namespace == new.id.namespace
        and _HASH_SUFFIX.search(old.id.name)
        and _HASH_SUFFIX.search(new.id.name)
    ):
        return _HASH_SUFFIX.sub("", old.id.name) == _HASH_SUFFIX.sub("", new.id.name)
    return _nameless(old.before) == _nameless(new.after)


def _nameless(body: Body | None) -> Body:
    body = body or {}
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        return body
    return body | {"metadata": {k: v for k, v in metadata.items() if k not in ("name", "namespace")}}


def _object_counts(tree: RenderTree) -> dict[str, int]:
    counts = dict.fromkeys(tree.clusters, 0)
    for variant in tree.variants:
        if object_id_of_path(variant.path) is not None:
            for name in variant.clusters:
                counts[name] = counts.get(name, 0) + 1
    return counts
