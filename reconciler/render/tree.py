"""The render tree as a value: built from variants or from whole directories, and its digest.

Pure. One variant per path and distinct content, so that equal trees are equal values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from reconciler.model.binding import Binding
from reconciler.model.identity import ObjectId
from reconciler.model.tree import PreviousRender, Rendered, RenderTree, Variant


def build_tree(
    clusters: Iterable[str], variants: Iterable[Variant], bindings: Mapping[str, bytes]
) -> RenderTree:
    """A tree in its one canonical form: equal contents at one path joined, everything sorted."""
    clusters_by_content: dict[tuple[str, bytes], tuple[str, ...]] = {}
    for variant in variants:
        key = (variant.path, variant.data)
        known = clusters_by_content.get(key)
        clusters_by_content[key] = variant.clusters if known is None else known + variant.clusters
    joined = [
        Variant(path=path, data=data, clusters=tuple(sorted(frozenset(names))))
        for (path, data), names in clusters_by_content.items()
        if names
    ]
    joined.sort(key=lambda variant: (variant.path, variant.clusters))
    return RenderTree(
        clusters=tuple(sorted(clusters)),
        variants=tuple(joined),
        bindings={path: bindings[path] for path in sorted(bindings)},
    )


def tree_of_directories(
    trees: Mapping[str, Mapping[str, bytes]], bindings: Mapping[str, bytes]
) -> RenderTree:
    """The tree that a rendered commit holds: cluster to path to bytes, and the binding files."""
    variants = (
        Variant(path=path, data=data, clusters=(cluster,))
        for cluster, directory in trees.items()
        for path, data in directory.items()
    )
    return build_tree(trees, variants, bindings)


def directories(tree: RenderTree) -> dict[str, dict[str, bytes]]:
    """Every cluster's directory: cluster to path to bytes."""
    result: dict[str, dict[str, bytes]] = {name: {} for name in tree.clusters}
    for variant in tree.variants:
        for name in variant.clusters:
            result[name][variant.path] = variant.data
    return result


def previous_of(rendered: Rendered) -> PreviousRender:
    """A render as the next one finds it, without a commit in between (`diff` renders the head upon its base)."""
    bindings: dict[ObjectId, Binding] = dict(rendered.bindings)
    return PreviousRender(
        complete=rendered.complete,
        bindings=bindings,
        binding_files=rendered.tree.bindings,
        trees=directories(rendered.tree),
    )


def tree_digest(tree: RenderTree) -> str:
    """SHA-256 in hex over everything the tree holds: to compare renders where there is no Git.

    (The trailer `Tree-Digest` of a rendered commit is Git's own SHA-256 id of the written tree.) Each part is preceded by its length, so that no two trees write the same bytes.
    """
    digest = hashlib.sha256()

    def add(*parts: bytes) -> None:
        for part in parts:
            digest.update(b"%d:" % len(part))
            digest.update(part)

    add(b"clusters", *(name.encode() for name in tree.clusters))
    for variant in tree.variants:
        names = [name.encode() for name in variant.clusters]
        add(
            b"variant",
            variant.path.encode(),
            b"%d" % len(names),
            *names,
            hashlib.sha256(variant.data).digest(),
        )
    for path in sorted(tree.bindings):
        add(b"binding", path.encode(), hashlib.sha256(tree.bindings[path]).digest())
    return digest.hexdigest()
