"""From works to the bytes of a tree: what each cluster gets of each template, and what it keeps where that failed.

Pure. Clusters that get the same bytes share one variant.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from reconciler.errors import Problem
from reconciler.interpreter.registry import Interpreters
from reconciler.manifests.emit import emit
from reconciler.model.binding import Binding
from reconciler.model.fleet import Fleet
from reconciler.model.identity import ObjectId, object_id_of_path
from reconciler.model.manifest import Manifest
from reconciler.model.tree import PreviousRender, Variant
from reconciler.overrides.prepare import prepare
from reconciler.render.committing import Committed
from reconciler.render.facts import Facts
from reconciler.render.memo import Memo
from reconciler.render.standing import Standing
from reconciler.render.works import (
    Tools,
    Work,
    ineffective_overrides,
    namespace_works,
    scaled_objects,
    works_for,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One template as all its clusters get it. `failed`: clusters for which there is no content, which keep theirs.

    `works` tell which overrides applied; their bodies are gone.
    """

    variants: tuple[Variant, ...] = ()
    failed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    works: tuple[Work, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What all templates come to. `failed`: some cluster lacks, or keeps, an object that could not be rendered."""

    variants: tuple[tuple[Variant, ...], ...] = ()
    failed: bool = False
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """What no file of an incomplete fleet holds and the previous render does."""

    bindings: Mapping[ObjectId, Binding] = field(default_factory=dict)
    variants: tuple[Variant, ...] = ()
    ids: tuple[ObjectId, ...] = ()


def contents(
    fleet: Fleet,
    facts: Facts,
    standings: Sequence[Standing],
    bindings: Mapping[ObjectId, Committed],
    previous: PreviousRender,
    interpreters: Interpreters,
    memo: Memo,
) -> Contents:
    """Every template on every cluster; the work is that of the distinct contents that are new."""
    names = tuple(cluster.name for cluster in facts.clusters)
    overrides = tuple(policy for policy in fleet.override_policies if not policy.deleting)
    tools = memo.remember(
        "tools",
        (),
        (overrides, facts.clusters, interpreters),
        lambda: Tools(overrides=prepare(overrides, facts.clusters), interpreters=interpreters),
    )
    scaled = scaled_objects(fleet.templates)
    made: list[tuple[Manifest, Content]] = []
    variants: list[tuple[Variant, ...]] = []
    for each in standings:
        id_ = each.template.id
        if each.held:
            variants.append(kept(previous, id_, names))
            continue
        binding = bindings[id_].binding if id_ in bindings else None
        everywhere = _everywhere(each, facts, previous) if each.everywhere else ()
        if binding is None and not everywhere:
            continue
        retain = id_ in scaled
        # `tools` were made for exactly these clusters, so they stand for them.
        inputs = (each.template, *_inputs(binding), everywhere, tools, retain)
        compute = partial(content, each.template, binding, names, everywhere, tools, retain_replicas=retain)
        found = memo.remember("content", id_, inputs, compute)
        made.append((each.template, found))
        variants.append(found.variants)
        if found.failed:
            variants.append(kept(previous, id_, found.failed))
    works = ((template, work) for template, found in made for work in found.works)
    return Contents(
        variants=tuple(variants),
        failed=any(found.failed for _, found in made),
        problems=(
            *(problem for _, found in made for problem in found.problems),
            *ineffective_overrides(works),
        ),
    )


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


def absent(fleet: Fleet, facts: Facts, previous: PreviousRender) -> Absent:
    """Absence in a fleet that cannot be read whole says nothing: what was there stays."""
    if fleet.is_complete:
        return Absent()
    present = {template.id for template in fleet.templates}
    bindings = {id_: binding for id_, binding in sorted(previous.bindings.items()) if id_ not in present}
    variants, ids = [], set(bindings)
    for cluster in facts.clusters:
        directory = previous.trees.get(cluster.name, {})
        for path in directory:
            id_ = object_id_of_path(path)
            if id_ is not None and id_ not in present:
                ids.add(id_)
                variants.append(Variant(path=path, data=directory[path], clusters=(cluster.name,)))
    return Absent(bindings=bindings, variants=tuple(variants), ids=tuple(sorted(ids)))


def kept(previous: PreviousRender, id_: ObjectId, clusters: Iterable[str]) -> tuple[Variant, ...]:
    """What `clusters` had of an object in the previous render, byte by byte."""
    path = id_.tree_path
    found = ((name, previous.trees[name].get(path)) for name in clusters if name in previous.trees)
    return tuple(Variant(path=path, data=data, clusters=(name,)) for name, data in found if data is not None)


def _inputs(binding: Binding | None) -> tuple[Any, ...]:
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


def _everywhere(each: Standing, facts: Facts, previous: PreviousRender) -> tuple[str, ...]:
    """Every cluster; one that never reported only if it has the Namespace already."""
    path = each.template.id.tree_path
    return tuple(
        cluster.name
        for cluster in facts.clusters
        if cluster.name not in facts.unreported or path in previous.trees.get(cluster.name, {})
    )
