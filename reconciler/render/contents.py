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
from reconciler.manifests.load import load
from reconciler.model.binding import Binding
from reconciler.model.fleet import Fleet
from reconciler.model.identity import ObjectId, object_id_of_path
from reconciler.model.manifest import Manifest
from reconciler.model.tree import PreviousRender, Variant
from reconciler.model.webhook import WebhookQuestion
from reconciler.overrides.prepare import prepare
from reconciler.render.facts import Facts
from reconciler.render.hold import override_key
from reconciler.render.memo import Memo
from reconciler.render.standing import Track
from reconciler.render.tree import build_tree
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
    """One template as all its clusters get it: variants of one path, equal contents joined, sorted by clusters.

    `failed`: clusters for which there is no content, which keep theirs. `works` tell which overrides applied, and which of
    their items did nothing (`has_no_ops`); their bodies are gone.
    """

    variants: tuple[Variant, ...] = ()
    failed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    works: tuple[Work, ...] = ()
    has_no_ops: bool = False
    overrides: tuple[str, ...] = ()
    """The override policies that had a say somewhere, as a binding names them."""
    asked: tuple[WebhookQuestion, ...] = ()
    is_transient: bool = False
    """Some of it failed for a reason that may be gone at the next attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What all templates come to: the variants of each path, one group a path. `failed`: some cluster keeps or lacks what could not be rendered."""

    variants: tuple[tuple[Variant, ...], ...] = ()
    failed: bool = False
    problems: tuple[Problem, ...] = ()
    asked: tuple[WebhookQuestion, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """What no file of an incomplete fleet holds and the previous render does."""

    bindings: Mapping[ObjectId, Binding] = field(default_factory=dict)
    variants: tuple[Variant, ...] = ()
    ids: tuple[ObjectId, ...] = ()
    autoscalers: tuple[Manifest, ...] = ()
    """Those among them that scale other objects: they still do."""


def contents(
    fleet: Fleet,
    facts: Facts,
    tracks: Sequence[Track],
    gone: Absent,
    previous: PreviousRender,
    interpreters: Interpreters,
    memo: Memo,
) -> Contents:
    """Every template on every cluster; the work is that of the distinct contents that are new.

    Says on each track which override policies applied.
    """
    names = tuple(cluster.name for cluster in facts.clusters)
    overrides = tuple(policy for policy in fleet.override_policies if not policy.deleting)
    tools = memo.fleet.remember(
        "tools",
        (overrides, facts.clusters, interpreters),
        lambda: Tools(overrides=prepare(overrides, facts.clusters), interpreters=interpreters),
    )
    scaled = memo.fleet.remember("scaled", (fleet.templates,), lambda: scaled_objects(fleet.templates))
    scaled |= scaled_objects(gone.autoscalers)
    made: list[tuple[Manifest, Content]] = []
    variants: list[tuple[Variant, ...]] = []
    for track in tracks:
        if track.standing.held:
            variants.append(build_tree((), kept(previous, track.id, names), {}).variants)
            continue
        binding = track.binding
        everywhere = _everywhere(track, facts, previous) if track.standing.everywhere else ()
        keeping: tuple[Variant, ...] = ()
        if binding is None and fleet.unreadable:
            # No binding tells which overrides there were: where the Namespace is, it stays as it is.
            keeping = kept(previous, track.id, everywhere)
            having = {name for variant in keeping for name in variant.clusters}
            everywhere = tuple(name for name in everywhere if name not in having)
        if binding is None and not everywhere:
            variants.append(build_tree((), keeping, {}).variants)
            continue
        found = _content(track, binding, names, everywhere, tools, retain_replicas=track.id in scaled)
        made.append((track.standing.template, found))
        track.overrides = found.overrides
        if found.failed:
            keeping += kept(previous, track.id, found.failed)
            before = track.previous.overrides if track.previous is not None else ()
            track.overrides = tuple(sorted({*found.overrides, *before}))
        variants.append(
            build_tree((), (*found.variants, *keeping), {}).variants if keeping else found.variants
        )
    problems = [problem for _, found in made for problem in found.problems]
    if any(found.has_no_ops for _, found in made):
        works = ((template, work) for template, found in made for work in found.works)
        problems += ineffective_overrides(works)
    return Contents(
        variants=tuple(variants),
        failed=any(found.failed for _, found in made),
        problems=tuple(problems),
        asked=tuple(question for _, found in made for question in found.asked),
    )


def _content(
    track: Track,
    binding: Binding | None,
    names: tuple[str, ...],
    everywhere: tuple[str, ...],
    tools: Tools,
    *,
    retain_replicas: bool,
) -> Content:
    """`content`, remembered: by its binding, and where that is new, by what of it matters here."""
    template = track.standing.template
    # `tools` were made for exactly these clusters, so they stand for them.
    around = (template, everywhere, tools, retain_replicas, track.answers)
    known = track.lane.recall("content", (binding, *around))
    if known is not None:
        found: Content = known[0]
        return found
    knowing = tools.knowing(track.answers)
    compute = partial(content, template, binding, names, everywhere, knowing, retain_replicas=retain_replicas)
    causes = (*_causes(binding), *around)
    found = track.lane.remember("content by its causes", causes, compute, lasts=_lasts)
    return track.lane.keep("content", (binding, *around), found) if _lasts(found) else found


def _lasts(found: Content) -> bool:
    return not found.is_transient


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
    variants = (
        Variant(path=path, data=emit(work.body), clusters=work.clusters)
        for work in works
        if work.body is not None
    )
    return Content(
        variants=build_tree((), variants, {}).variants,
        failed=tuple(name for work in works if work.body is None for name in work.clusters),
        problems=tuple(problem for work in works for problem in work.problems),
        works=tuple(dataclasses.replace(work, body=None) for work in works if work.applied or work.no_ops),
        has_no_ops=any(work.no_ops for work in works),
        overrides=_overrides(works),
        asked=tuple(dict.fromkeys(question for work in works for question in work.asked)),
        is_transient=any(work.is_transient for work in works),
    )


def _overrides(works: Iterable[Work]) -> tuple[str, ...]:
    """The override policies that had a say, also those that failed: without them the object would look otherwise."""
    policies = [rule.policy for work in works for rule in work.applied]
    policies += [work.failed for work in works if work.failed is not None]
    return tuple(sorted({override_key(policy) for policy in policies}))


def absent(fleet: Fleet, facts: Facts, previous: PreviousRender) -> Absent:
    """Absence in a fleet that cannot be read whole says nothing: what was there stays."""
    if fleet.is_complete:
        return Absent()
    present = {template.id for template in fleet.templates}
    bindings = {id_: binding for id_, binding in sorted(previous.bindings.items()) if id_ not in present}
    variants, ids = [], set(bindings)
    autoscalers: dict[ObjectId, bytes] = {}
    for cluster in facts.clusters:
        directory = previous.trees.get(cluster.name, {})
        for path in directory:
            id_ = object_id_of_path(path)
            if id_ is not None and id_ not in present:
                ids.add(id_)
                variants.append(Variant(path=path, data=directory[path], clusters=(cluster.name,)))
                if id_.kind == "HorizontalPodAutoscaler":
                    autoscalers.setdefault(id_, directory[path])
    return Absent(
        bindings=bindings,
        variants=tuple(variants),
        ids=tuple(sorted(ids)),
        autoscalers=tuple(
            Manifest(id=id_, body=document.body, origin=document.origin)
            for id_, data in autoscalers.items()
            for document in load(data, id_.tree_path).documents
        ),
    )


def kept(previous: PreviousRender, id_: ObjectId, clusters: Iterable[str]) -> tuple[Variant, ...]:
    """What `clusters` had of an object in the previous render, byte by byte."""
    path = id_.tree_path
    found = ((name, previous.trees[name].get(path)) for name in clusters if name in previous.trees)
    return tuple(Variant(path=path, data=data, clusters=(name,)) for name, data in found if data is not None)


def _causes(binding: Binding | None) -> tuple[Any, ...]:
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


def _everywhere(track: Track, facts: Facts, previous: PreviousRender) -> tuple[str, ...]:
    """Every cluster; one that never reported only if it has the Namespace already."""
    path = track.id.tree_path
    return tuple(
        cluster.name
        for cluster in facts.clusters
        if cluster.name not in facts.unreported or path in previous.trees.get(cluster.name, {})
    )
