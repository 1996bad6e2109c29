"""The render tree of one pass: all contents, what is kept, the binding files, and what delivery needs beside the objects.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.fleet import Fleet
from reconciler.model.identity import ObjectId
from reconciler.model.tree import PreviousRender, RenderTree, Variant
from reconciler.render.cluster_files import files_for
from reconciler.render.committing import Committed, kept_document
from reconciler.render.contents import Absent, Contents
from reconciler.render.facts import Facts
from reconciler.render.hold import Faults
from reconciler.render.memo import Memo
from reconciler.render.tree import build_tree


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
    directories = _whole_directories(previous, held)
    files = _files(fleet, facts, bindings, memo)
    documents = {id_.tree_path: each.document for id_, each in bindings.items()}
    documents |= {id_.tree_path: kept_document(each, previous) for id_, each in absent.bindings.items()}
    names = (*(cluster.name for cluster in facts.clusters), *held)
    variants = (*contents.variants, absent.variants, files, directories)
    return memo.remember(
        "tree",
        (),
        (names, variants, tuple(documents.items())),
        lambda: build_tree(names, (variant for group in variants for variant in group), documents),
    )


def _whole_directories(previous: PreviousRender, clusters: tuple[str, ...]) -> tuple[Variant, ...]:
    """Clusters that are held keep everything, our own files included."""
    return tuple(
        Variant(path=path, data=previous.trees[name][path], clusters=(name,))
        for name in clusters
        for path in previous.trees[name]
    )


def _files(
    fleet: Fleet, facts: Facts, bindings: Mapping[ObjectId, Committed], memo: Memo
) -> tuple[Variant, ...]:
    """`.fleet-reconciler/` of every cluster."""
    suspended: dict[str, list[str]] = {}
    for id_, each in bindings.items():
        suspension = each.binding.suspension
        for name in each.binding.target_names if suspension is not None else ():
            if suspension is not None and suspension.dispatch_to(name):
                suspended.setdefault(name, []).append(id_.tree_path)
    paths = tuple((name, tuple(found)) for name, found in sorted(suspended.items()))
    return memo.remember(
        "files",
        (),
        (facts.clusters, fleet.config, fleet.approvals, fleet.customizations, paths),
        lambda: tuple(
            Variant(path=path, data=data, clusters=(cluster.name,))
            for cluster in facts.clusters
            for path, data in files_for(fleet, cluster, tuple(suspended.get(cluster.name, ()))).items()
        ),
    )
