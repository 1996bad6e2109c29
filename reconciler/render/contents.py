"""From works to the bytes of a tree: what each cluster gets of one template, and what it keeps where that failed.

Pure. Everything at one path is a Piece: the variants and the clusters that have the object.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.errors import Problem
from reconciler.manifests.emit import emit
from reconciler.model.binding import Binding
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest
from reconciler.model.tree import PreviousRender, Variant
from reconciler.render.works import Tools, Work, namespace_works, works_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One template as all its clusters get it. `failed`: clusters for which there is no content, which keep theirs.

    `works` tell which overrides applied; their bodies are gone.
    """

    variants: tuple[Variant, ...] = ()
    failed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    works: tuple[Work, ...] = ()


def content(
    template: Manifest,
    binding: Binding | None,
    known: Sequence[str],
    everywhere: Sequence[str],
    tools: Tools,
    *,
    retain_replicas: bool = False,
) -> Content:
    """The template on the clusters of its binding that are `known`, and on `everywhere` as a Namespace that needs no binding.

    Spec rendering §2.1, §2.7.
    """
    existing = frozenset(known)
    clusters = tuple(name for name in binding.target_names if name in existing) if binding is not None else ()
    works: tuple[Work, ...] = ()
    if binding is not None and clusters:
        works = works_for(template, binding, clusters, tools, retain_replicas=retain_replicas)
    rest = tuple(name for name in everywhere if name not in clusters)
    if rest:
        works += namespace_works(template, rest, tools)
    path = template.id.tree_path
    return Content(
        variants=tuple(
            Variant(path=path, data=emit(work.body), clusters=work.clusters)
            for work in works
            if work.body is not None
        ),
        failed=tuple(name for work in works if work.body is None for name in work.clusters),
        problems=tuple(problem for work in works for problem in work.problems),
        works=tuple(dataclasses.replace(work, body=None) for work in works if work.applied or work.no_ops),
    )


def content_inputs(binding: Binding | None) -> tuple[Any, ...]:
    """Everything of a binding that the content of its template depends on: not when, why or by whom it was placed."""
    if binding is None:
        return (None,)
    return (
        binding.clusters,
        binding.required_by,
        binding.replicas,
        binding.is_workload,
        binding.uid,
        binding.conflict_resolution,
        binding.preserve_resources_on_deletion,
        binding.placement.replica_scheduling if binding.placement is not None else None,
    )


def kept(previous: PreviousRender, id_: ObjectId, clusters: Iterable[str]) -> tuple[Variant, ...]:
    """What `clusters` had of an object in the previous render, byte by byte."""
    path = id_.tree_path
    found = ((name, previous.trees[name].get(path)) for name in clusters if name in previous.trees)
    return tuple(Variant(path=path, data=data, clusters=(name,)) for name, data in found if data is not None)


def kept_directories(
    trees: Mapping[str, Mapping[str, bytes]], clusters: Iterable[str]
) -> tuple[Variant, ...]:
    """Whole directories of the previous render."""
    return tuple(
        Variant(path=path, data=data, clusters=(name,))
        for name in clusters
        if name in trees
        for path, data in trees[name].items()
    )
