"""The decision, on one screen: template, claim, schedule, dependencies, works, tree.

Pure: reads no clock, network, disk, environment or random source, and never changes its input. Adds no rule of its own to
those of the packages that it composes, except what is held when something cannot be read (DESIGN §5, promise 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from reconciler.errors import Problem
from reconciler.interpreter.registry import NATIVE, Interpreters
from reconciler.manifests.emit import emit
from reconciler.model.binding import Binding
from reconciler.model.fleet import Fleet
from reconciler.model.identity import ObjectId, object_id_of_path
from reconciler.model.observation import Observation
from reconciler.model.tree import PreviousRender, Rendered, RenderTree, Variant
from reconciler.overrides.prepare import prepare
from reconciler.render import messages
from reconciler.render.bindings import encode_binding, settled
from reconciler.render.cluster_files import files_for
from reconciler.render.contents import Content, content, kept, kept_directories
from reconciler.render.facts import Facts, cluster_facts
from reconciler.render.hold import Faults, faults_of
from reconciler.render.memo import Memo
from reconciler.render.placing import Placed, place
from reconciler.render.standing import Standing, rules_of, standing
from reconciler.render.tree import build_tree, tree_of_directories
from reconciler.render.works import Tools, ineffective_overrides, scaled_objects
from reconciler.scheduler.registry import DEFAULT_SCHEDULER, Profile

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType({DEFAULT_SCHEDULER: Profile()})
"""The schedulers that bindings may name; third-party ones are loaded by the composition root and passed down."""


def render(
    fleet: Fleet,
    observation: Observation,
    previous: PreviousRender,
    now: datetime,
    *,
    interpreters: Interpreters = NATIVE,
    plugins: Mapping[str, Profile] = PROFILES,
    assume_unreported: bool = False,
    memo: Memo | None = None,
) -> Rendered:
    """What every cluster is to hold, and why (DESIGN §3).

    `problems` are this function's own; those of the files are in `fleet`. Rendering again with one's own bindings as
    `previous` changes nothing. `assume_unreported`: clusters of which nothing is known count as ready (offline verbs).
    """
    memo = memo if memo is not None else Memo()
    memo.begin()
    faults = faults_of(fleet, previous)
    if faults.everything:
        return _all_held(previous, faults.everything)
    facts = cluster_facts(fleet, observation, assume_unreported=assume_unreported)
    rules = rules_of(fleet, faults, interpreters)
    standings = tuple(
        standing(template, previous.bindings.get(template.id), rules) for template in fleet.templates
    )
    placed = place(standings, facts.clusters, rules.policies, plugins, now)
    bindings = _bindings(standings, placed, previous)
    pieces = _pieces(fleet, facts, standings, bindings, previous, interpreters)
    absent = _absent(fleet, facts, previous)
    tree = _tree(fleet, facts, faults, pieces, absent, bindings, previous)
    unclaimed = tuple(
        each.template.id for each in standings if each.is_unclaimed and each.template.id not in bindings
    )
    return Rendered(
        tree=tree,
        bindings={**bindings, **absent.bindings},
        problems=_problems(fleet, facts, faults, standings, placed, pieces, absent, bindings),
        complete=fleet.is_complete
        and not placed.kept
        and not any(each.held for each in standings)
        and not any(piece.failed for piece in pieces.contents.values()),
        assumed_clusters=tuple(sorted(facts.assumed)),
        unclaimed=unclaimed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pieces:
    """What every template comes to: `contents` of those rendered now, `variants` of all, in the order of the templates."""

    contents: Mapping[ObjectId, Content]
    variants: tuple[Variant, ...]
    ineffective: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Absent:
    """What no file of an incomplete fleet holds and the previous render does."""

    bindings: Mapping[ObjectId, Binding] = field(default_factory=dict)
    variants: tuple[Variant, ...] = ()
    ids: tuple[ObjectId, ...] = ()


def _bindings(
    standings: Sequence[Standing], placed: Placed, previous: PreviousRender
) -> dict[ObjectId, Binding]:
    """Every template's binding as it is committed. A held one is the previous one, to the byte."""
    bindings = {}
    for each in standings:
        id_ = each.template.id
        binding = placed.bindings.get(id_)
        if binding is None:
            continue
        old = previous.bindings.get(id_)
        bindings[id_] = binding if each.held else settled(binding, old, is_scheduled=id_ in placed.renewed)
    return bindings


def _pieces(
    fleet: Fleet,
    facts: Facts,
    standings: Sequence[Standing],
    bindings: Mapping[ObjectId, Binding],
    previous: PreviousRender,
    interpreters: Interpreters,
) -> _Pieces:
    names = [cluster.name for cluster in facts.clusters]
    known = frozenset(names)
    tools = Tools(
        overrides=prepare((p for p in fleet.override_policies if not p.deleting), facts.clusters),
        interpreters=interpreters,
    )
    scaled = scaled_objects(fleet.templates)
    contents: dict[ObjectId, Content] = {}
    variants: list[Variant] = []
    for each in standings:
        id_ = each.template.id
        if each.held:
            variants += kept(previous, id_, names)
            continue
        binding = bindings.get(id_)
        targets = tuple(name for name in binding.target_names if name in known) if binding is not None else ()
        everywhere = _everywhere(each, facts, previous) if each.everywhere else ()
        if not targets and not everywhere:
            continue
        made = content(each.template, binding, targets, everywhere, tools, retain_replicas=id_ in scaled)
        contents[id_] = made
        variants += made.variants
        variants += kept(previous, id_, made.failed)
    works = [
        (each.template, work)
        for each in standings
        if each.template.id in contents
        for work in contents[each.template.id].works
    ]
    return _Pieces(contents=contents, variants=tuple(variants), ineffective=ineffective_overrides(works))


def _everywhere(each: Standing, facts: Facts, previous: PreviousRender) -> tuple[str, ...]:
    """Every cluster; one that never reported only if it has the Namespace already."""
    path = each.template.id.tree_path
    return tuple(
        cluster.name
        for cluster in facts.clusters
        if cluster.name not in facts.unreported or path in previous.trees.get(cluster.name, {})
    )


def _absent(fleet: Fleet, facts: Facts, previous: PreviousRender) -> _Absent:
    """Absence in a fleet that cannot be read whole says nothing: what was there stays."""
    if fleet.is_complete:
        return _Absent()
    present = {template.id for template in fleet.templates}
    bindings = {id_: binding for id_, binding in sorted(previous.bindings.items()) if id_ not in present}
    variants, ids = [], set(bindings)
    for cluster in facts.clusters:
        for path, data in previous.trees.get(cluster.name, {}).items():
            id_ = object_id_of_path(path)
            if id_ is not None and id_ not in present:
                ids.add(id_)
                variants.append(Variant(path=path, data=data, clusters=(cluster.name,)))
    return _Absent(bindings=bindings, variants=tuple(variants), ids=tuple(sorted(ids)))


def _tree(
    fleet: Fleet,
    facts: Facts,
    faults: Faults,
    pieces: _Pieces,
    absent: _Absent,
    bindings: Mapping[ObjectId, Binding],
    previous: PreviousRender,
) -> RenderTree:
    held = [name for name in faults.clusters if name in previous.trees]
    variants = [*pieces.variants, *absent.variants, *kept_directories(previous.trees, held)]
    suspended = _suspended(bindings)
    for cluster in facts.clusters:
        files = files_for(fleet, cluster, tuple(suspended.get(cluster.name, ())))
        variants += (Variant(path=path, data=data, clusters=(cluster.name,)) for path, data in files.items())
    documents = {
        id_.tree_path: _document(binding, previous)
        for id_, binding in {**bindings, **absent.bindings}.items()
    }
    return build_tree([*(cluster.name for cluster in facts.clusters), *held], variants, documents)


def _document(binding: Binding, previous: PreviousRender) -> bytes:
    path = binding.resource.tree_path
    if binding is previous.bindings.get(binding.resource) and path in previous.binding_files:
        return previous.binding_files[path]
    return emit(encode_binding(binding))


def _suspended(bindings: Mapping[ObjectId, Binding]) -> dict[str, list[str]]:
    """Cluster to the tree paths whose dispatch is suspended there (spec scheduling §2.8)."""
    paths: dict[str, list[str]] = {}
    for id_, binding in bindings.items():
        for name in binding.target_names if binding.suspension is not None else ():
            if binding.suspension is not None and binding.suspension.dispatch_to(name):
                paths.setdefault(name, []).append(id_.tree_path)
    return paths


def _problems(
    fleet: Fleet,
    facts: Facts,
    faults: Faults,
    standings: Iterable[Standing],
    placed: Placed,
    pieces: _Pieces,
    absent: _Absent,
    bindings: Mapping[ObjectId, Binding],
) -> tuple[Problem, ...]:
    found = [
        problem
        for each in standings
        if not (each.is_unclaimed and each.template.id in bindings)
        for problem in each.problems
    ]
    found += placed.problems
    found += (problem for made in pieces.contents.values() for problem in made.problems)
    found += pieces.ineffective
    found += (messages.unreported(cluster) for cluster in facts.clusters if cluster.name in facts.unreported)
    found += (messages.cluster_held(name, reason) for name, reason in sorted(faults.clusters.items()))
    if absent.ids:
        found.append(messages.absent_kept(absent.ids, fleet.unreadable))
    return tuple(sorted(dict.fromkeys(found), key=Problem.sort_key))


def _all_held(previous: PreviousRender, reason: str) -> Rendered:
    return Rendered(
        tree=tree_of_directories(previous.trees, previous.binding_files),
        bindings=dict(previous.bindings),
        problems=(messages.everything_held(reason),),
        complete=False,
    )
