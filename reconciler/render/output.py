"""The render tree of one pass: all contents, what is kept, the binding files, and what delivery needs beside the objects.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.fleet import Fleet
from reconciler.model.identity import ObjectId
from reconciler.model.tree import PreviousRender, RenderTree, Variant
from reconciler.render.cluster_files import RULES, files_for
from reconciler.render.committing import Committed, kept
from reconciler.render.contents import Absent, Contents
from reconciler.render.facts import Facts
from reconciler.render.hold import Faults
from reconciler.render.memo import Memo
from reconciler.render.tree import build_tree

HeldFiles = tuple[tuple[str, str, bytes], ...]
"""(cluster, path, bytes)"""


def output_tree(
    fleet: Fleet,
    facts: Facts,
    faults: Faults,
    contents: Contents,
    absent: Absent,
    bindings: Mapping[ObjectId, Committed],
    previous: PreviousRender,
    memo: Memo,
) -> RenderTree:
    """The tree; the same object as in the last pass where nothing in it differs."""
    held = tuple(name for name in faults.clusters if name in previous.trees)
    kept_whole = _whole_directories(previous, held)
    files = _files(fleet, facts, bindings, _held_files(facts, faults, previous), memo)
    documents = [*bindings.values(), *(kept(each, previous) for each in absent.bindings.values())]
    names = (*(cluster.name for cluster in facts.clusters), *held)
    groups = (*contents.variants, files)
    inputs = (names, groups, absent.variants, kept_whole, tuple(each.document for each in documents))

    def build() -> RenderTree:
        files_by_path = {each.path: each.document for each in documents}
        if absent.variants or kept_whole:
            variants = (variant for group in (*groups, absent.variants, kept_whole) for variant in group)
            return build_tree(names, variants, files_by_path)
        # One group has all there is at its paths, so that no group needs to look at another.
        ordered = sorted((group for group in groups if group), key=lambda group: group[0].path)
        return RenderTree(
            clusters=tuple(sorted(names)),
            variants=tuple(variant for group in ordered for variant in group),
            bindings={path: files_by_path[path] for path in sorted(files_by_path)},
        )

    return memo.fleet.remember("tree", inputs, build)


def _whole_directories(previous: PreviousRender, clusters: tuple[str, ...]) -> tuple[Variant, ...]:
    """Clusters that are held keep everything, our own files included."""
    return tuple(
        Variant(path=path, data=previous.trees[name][path], clusters=(name,))
        for name in clusters
        for path in previous.trees[name]
    )


def _held_files(facts: Facts, faults: Faults, previous: PreviousRender) -> HeldFiles:
    """The rules that members have already, while a document with rules is refused or cannot be read: they stay as the objects do."""
    if not faults.customizations and not faults.lost_rules:
        return ()
    return tuple(
        (cluster.name, path, data)
        for cluster in facts.clusters
        for path in RULES
        if (data := previous.trees.get(cluster.name, {}).get(path)) is not None
    )


def _files(
    fleet: Fleet,
    facts: Facts,
    bindings: Mapping[ObjectId, Committed],
    held: HeldFiles,
    memo: Memo,
) -> tuple[Variant, ...]:
    """`.fleet-reconciler/` of every cluster."""
    held_by_cluster: dict[str, dict[str, bytes]] = {}
    for name, path, data in held:
        held_by_cluster.setdefault(name, {})[path] = data
    suspended: dict[str, list[str]] = {}
    for id_, each in bindings.items():
        suspension = each.binding.suspension
        for name in each.binding.target_names if suspension is not None else ():
            if suspension is not None and suspension.dispatch_to(name):
                suspended.setdefault(name, []).append(id_.tree_path)
    paths = tuple((name, tuple(found)) for name, found in sorted(suspended.items()))
    return memo.fleet.remember(
        "files",
        (facts.clusters, fleet.config, fleet.approvals, fleet.customizations, fleet.webhooks, paths, held),
        lambda: (
            build_tree(
                (),
                (
                    Variant(path=path, data=data, clusters=(cluster.name,))
                    for cluster in facts.clusters
                    for path, data in {
                        **files_for(fleet, cluster, tuple(suspended.get(cluster.name, ()))),
                        **held_by_cluster.get(cluster.name, {}),
                    }.items()
                ),
                {},
            ).variants
        ),
    )
