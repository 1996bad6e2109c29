"""How many replicas really go to a cluster, where an override sets another number than the scheduler gave.

Pure. Read from the objects of a tree, so that it can be said of a render of long ago too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from reconciler.interpreter.defaults import with_defaults
from reconciler.interpreter.registry import Interpreters
from reconciler.interpreter.rules import InterpretationError
from reconciler.manifests.load import load
from reconciler.model.binding import Binding
from reconciler.model.identity import ObjectId
from reconciler.model.tree import Rendered, RenderTree, Variant


def delivered_replicas(
    tree: RenderTree,
    bindings: Mapping[ObjectId, Binding],
    interpreters: Interpreters,
    only: Collection[ObjectId] | None = None,
) -> dict[ObjectId, dict[str, int]]:
    """Object to cluster to replicas, where that is not the scheduler's number; of the objects in `only`, if given.

    Nothing is said of a kind whose replicas only a webhook can count.
    """
    wanted = {
        id_.tree_path: binding
        for id_, binding in bindings.items()
        if binding.overrides and binding.is_workload and (only is None or id_ in only)
    }
    found: dict[ObjectId, dict[str, int]] = {}
    for variant in tree.variants:
        binding = wanted.get(variant.path)
        if binding is not None:
            counts = _counts(variant, binding, interpreters)
            if counts:
                found.setdefault(binding.resource, {}).update(counts)
    return found


@dataclass(slots=True, kw_only=True)
class DeliveredMemo:
    """The same of one render after another: only what is new is read. Deleting it changes nothing but time."""

    known: dict[ObjectId, tuple[object, dict[str, int]]] = field(default_factory=dict)

    def replicas(
        self, rendered: Rendered, interpreters: Interpreters, digests: Mapping[ObjectId, str]
    ) -> dict[ObjectId, dict[str, int]]:
        """`delivered_replicas`; `digests` tell what the tree holds of each object, over all clusters."""
        keys = {
            id_: (binding, digests.get(id_), interpreters.digest)
            for id_, binding in rendered.bindings.items()
            if binding.overrides
        }
        new = {id_ for id_, key in keys.items() if id_ not in self.known or self.known[id_][0] != key}
        found = delivered_replicas(rendered.tree, rendered.bindings, interpreters, new)
        self.known = {
            id_: (key, found.get(id_, {})) if id_ in new else self.known[id_] for id_, key in keys.items()
        }
        return {id_: counts for id_, (_, counts) in self.known.items() if counts}


def _counts(variant: Variant, binding: Binding, interpreters: Interpreters) -> dict[str, int]:
    scheduled = {t.name: t.replicas for t in binding.clusters if t.name in variant.clusters}
    documents = load(variant.data, variant.path).documents
    if not scheduled or len(documents) != 1:
        return {}
    body = with_defaults(documents[0].body)
    try:
        count, _ = interpreters.replicas(body)
        # A Job of few completions asks for less than its number, which nobody has overridden.
        changed = {n for n in set(scheduled.values()) if n != count and interpreters.revise(body, n) != body}
    except InterpretationError:
        return {}
    return {name: count for name, number in scheduled.items() if number in changed}
