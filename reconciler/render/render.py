"""The decision, on one screen: template, claim, schedule, dependencies, works, tree.

Pure: reads no clock, network, disk, environment or random source, and never changes its input. Adds no rule of its own to
those of the packages that it composes, except what is held when something cannot be read (DESIGN §5, promise 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from reconciler.errors import Problem
from reconciler.interpreter.registry import NATIVE, Interpreters
from reconciler.manifests.emit import emit
from reconciler.model.binding import Binding
from reconciler.model.fleet import Fleet
from reconciler.model.identity import ObjectId, object_id_of_path
from reconciler.model.manifest import Manifest
from reconciler.model.observation import Observation
from reconciler.model.tree import PreviousRender, Rendered, RenderTree, Variant
from reconciler.overrides.prepare import prepare
from reconciler.policy.binding_spec import Surroundings, priority_classes
from reconciler.policy.precedence import index_policies
from reconciler.render import messages
from reconciler.render.bindings import encode_binding, settled
from reconciler.render.cluster_files import files_for
from reconciler.render.contents import Content, content, content_inputs, kept, kept_directories
from reconciler.render.facts import Facts, cluster_facts
from reconciler.render.hold import CONFIG_FILE, Faults, faults_of, refusal_of
from reconciler.render.memo import Memo
from reconciler.render.placing import Placement, Scheduling, place
from reconciler.render.standing import Rules, Standing, standing
from reconciler.render.tree import build_tree, tree_of_directories
from reconciler.render.works import Tools, ineffective_overrides, scaled_objects
from reconciler.scheduler.batch import PROFILES, Placed, placed_since
from reconciler.scheduler.registry import Profile
from reconciler.scheduler.state import Options


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
    faults = _faults(fleet, previous, memo)
    if faults.everything:
        return _all_held(previous, faults.everything)
    facts = _facts(fleet, observation, memo, assume_unreported=assume_unreported)
    rules = _rules(fleet, faults, interpreters, memo)
    standings = _standings(fleet, previous, rules, memo)
    scheduling = Scheduling(
        policies=rules.policies,
        profiles=plugins,
        options=Options(independent=fleet.config.independent_scheduling),
        placed=_unseen(facts, observation, previous),
    )
    placement = place(standings, facts.clusters, scheduling, now, memo)
    bindings = _bindings(standings, placement, previous, memo)
    pieces = _pieces(fleet, facts, standings, bindings, previous, interpreters, memo)
    absent = _absent(fleet, facts, previous)
    return Rendered(
        tree=_tree(fleet, facts, faults, pieces, absent, bindings, previous, memo),
        bindings={id_: each.binding for id_, each in bindings.items()} | dict(absent.bindings),
        problems=_problems(fleet, facts, faults, standings, placement, pieces, absent),
        complete=fleet.is_complete
        and not placement.kept
        and not any(each.held for each in standings)
        and not any(piece.failed for piece in pieces.contents.values()),
        assumed_clusters=tuple(sorted(facts.assumed)),
        unclaimed=tuple(each.template.id for each in standings if each.is_unclaimed),
    )


# ---- Facts and rules


def _faults(fleet: Fleet, previous: PreviousRender, memo: Memo) -> Faults:
    names = tuple(sorted(cluster.name for cluster in fleet.clusters))
    inputs = (fleet.refused, fleet.unreadable, names, tuple(previous.trees))
    return memo.remember("faults", (), inputs, lambda: faults_of(fleet, previous))


def _facts(fleet: Fleet, observation: Observation, memo: Memo, *, assume_unreported: bool) -> Facts:
    reports = tuple((name, report.status) for name, report in observation.clusters.items())
    origins = tuple(cluster.origin for cluster in fleet.clusters)
    inputs = (fleet.clusters, origins, reports, assume_unreported)
    return memo.remember(
        "facts", (), inputs, lambda: cluster_facts(fleet, observation, assume_unreported=assume_unreported)
    )


def _rules(fleet: Fleet, faults: Faults, interpreters: Interpreters, memo: Memo) -> Rules:
    overrides = frozenset(
        (policy.namespace, policy.name) for policy in fleet.override_policies if not policy.deleting
    )
    classes = tuple(sorted(priority_classes(fleet.templates).items()))
    skipped = fleet.config.skipped_namespaces
    return memo.remember(
        "rules",
        (),
        (fleet.propagation_policies, overrides, classes, faults, interpreters, skipped),
        lambda: Rules(
            policies=index_policies(fleet.propagation_policies),
            surroundings=Surroundings(overrides=overrides, priority_classes=dict(classes)),
            interpreters=interpreters,
            faults=faults,
            skipped_namespaces=skipped,
        ),
    )


def _unseen(facts: Facts, observation: Observation, previous: PreviousRender) -> tuple[Placed, ...]:
    """Replicas placed since a cluster's capacity was observed: its observation names the rendered commit that it saw."""
    seen = {
        name: previous.seen.get(name, previous.bindings)
        for name in observation.clusters
        if name in previous.trees
    }
    blind = {cluster.name for cluster in facts.clusters if seen.get(cluster.name) is not previous.bindings}
    if not blind:
        return ()
    concerned = {
        id_: binding
        for id_, binding in previous.bindings.items()
        if any(target.name in blind for target in binding.clusters)
    }
    return placed_since(concerned, seen)


# ---- Templates


def _standings(fleet: Fleet, previous: PreviousRender, rules: Rules, memo: Memo) -> tuple[Standing, ...]:
    found = []
    for template in sorted(fleet.templates, key=_by_id):
        old = previous.bindings.get(template.id)
        found.append(
            memo.remember(
                "standing",
                template.id,
                (template, old, rules),
                partial(standing, template, old, rules),
            )
        )
    return tuple(found)


def _by_id(template: Manifest) -> ObjectId:
    return template.id


@dataclass(frozen=True, slots=True, kw_only=True)
class _Committed:
    """A binding as it is committed, and its bytes."""

    binding: Binding
    document: bytes


def _bindings(
    standings: Sequence[Standing], placement: Placement, previous: PreviousRender, memo: Memo
) -> dict[ObjectId, _Committed]:
    """Every template's binding. A held one is the previous one, to the byte."""
    bindings = {}
    for each in standings:
        id_ = each.template.id
        binding = placement.bindings.get(id_)
        if binding is None:
            continue
        old = previous.bindings.get(id_)
        if each.held:
            bindings[id_] = _Committed(binding=binding, document=_kept_document(binding, previous))
            continue
        renewed = id_ in placement.renewed
        bindings[id_] = memo.remember(
            "binding",
            id_,
            (binding, old, renewed),
            partial(_committed, binding, old, is_scheduled=renewed),
        )
    return bindings


def _committed(binding: Binding, previous: Binding | None, *, is_scheduled: bool) -> _Committed:
    binding = settled(binding, previous, is_scheduled=is_scheduled)
    return _Committed(binding=binding, document=emit(encode_binding(binding)))


def _kept_document(binding: Binding, previous: PreviousRender) -> bytes:
    return previous.binding_files.get(binding.resource.tree_path) or emit(encode_binding(binding))


# ---- Contents


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pieces:
    """What every template comes to: `contents` of those rendered now, `variants` of all, in the order of the templates."""

    contents: Mapping[ObjectId, Content]
    variants: tuple[tuple[Variant, ...], ...]
    ineffective: tuple[Problem, ...]


def _pieces(
    fleet: Fleet,
    facts: Facts,
    standings: Sequence[Standing],
    bindings: Mapping[ObjectId, _Committed],
    previous: PreviousRender,
    interpreters: Interpreters,
    memo: Memo,
) -> _Pieces:
    names = tuple(cluster.name for cluster in facts.clusters)
    overrides = tuple(policy for policy in fleet.override_policies if not policy.deleting)
    tools = memo.remember(
        "tools",
        (),
        (overrides, facts.clusters, interpreters),
        lambda: Tools(overrides=prepare(overrides, facts.clusters), interpreters=interpreters),
    )
    scaled = scaled_objects(fleet.templates)
    contents: dict[ObjectId, Content] = {}
    variants: list[tuple[Variant, ...]] = []
    for each in standings:
        id_ = each.template.id
        if each.held:
            variants.append(kept(previous, id_, names))
            continue
        committed = bindings.get(id_)
        binding = committed.binding if committed is not None else None
        everywhere = _everywhere(each, facts, previous) if each.everywhere else ()
        if binding is None and not everywhere:
            continue
        retain = id_ in scaled
        # `tools` were made for exactly these clusters, so they stand for them.
        inputs = (each.template, *content_inputs(binding), everywhere, tools, retain)
        compute = partial(content, each.template, binding, names, everywhere, tools, retain_replicas=retain)
        contents[id_] = made = memo.remember("content", id_, inputs, compute)
        variants.append(made.variants)
        if made.failed:
            variants.append(kept(previous, id_, made.failed))
    works = (
        (each.template, work)
        for each in standings
        if each.template.id in contents
        for work in contents[each.template.id].works
    )
    return _Pieces(contents=contents, variants=tuple(variants), ineffective=ineffective_overrides(works))


def _everywhere(each: Standing, facts: Facts, previous: PreviousRender) -> tuple[str, ...]:
    """Every cluster; one that never reported only if it has the Namespace already."""
    path = each.template.id.tree_path
    return tuple(
        cluster.name
        for cluster in facts.clusters
        if cluster.name not in facts.unreported or path in previous.trees.get(cluster.name, {})
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Absent:
    """What no file of an incomplete fleet holds and the previous render does."""

    bindings: Mapping[ObjectId, Binding] = field(default_factory=dict)
    variants: tuple[Variant, ...] = ()
    ids: tuple[ObjectId, ...] = ()


def _absent(fleet: Fleet, facts: Facts, previous: PreviousRender) -> _Absent:
    """Absence in a fleet that cannot be read whole says nothing: what was there stays."""
    if fleet.is_complete:
        return _Absent()
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
    return _Absent(bindings=bindings, variants=tuple(variants), ids=tuple(sorted(ids)))


# ---- The tree


def _tree(
    fleet: Fleet,
    facts: Facts,
    faults: Faults,
    pieces: _Pieces,
    absent: _Absent,
    bindings: Mapping[ObjectId, _Committed],
    previous: PreviousRender,
    memo: Memo,
) -> RenderTree:
    held = tuple(name for name in faults.clusters if name in previous.trees)
    files = _files(fleet, facts, bindings, memo)
    documents = {id_.tree_path: committed.document for id_, committed in bindings.items()}
    documents |= {
        id_.tree_path: _kept_document(binding, previous) for id_, binding in absent.bindings.items()
    }
    names = (*(cluster.name for cluster in facts.clusters), *held)
    directories = kept_directories(previous.trees, held)
    return memo.remember(
        "tree",
        (),
        (names, pieces.variants, absent.variants, files, directories, tuple(documents.items())),
        lambda: build_tree(
            names,
            [
                *(variant for piece in pieces.variants for variant in piece),
                *absent.variants,
                *files,
                *directories,
            ],
            documents,
        ),
    )


def _files(
    fleet: Fleet, facts: Facts, bindings: Mapping[ObjectId, _Committed], memo: Memo
) -> tuple[Variant, ...]:
    suspended: dict[str, list[str]] = {}
    for id_, committed in bindings.items():
        suspension = committed.binding.suspension
        for name in committed.binding.target_names if suspension is not None else ():
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


# ---- Problems


def _problems(
    fleet: Fleet,
    facts: Facts,
    faults: Faults,
    standings: Iterable[Standing],
    placement: Placement,
    pieces: _Pieces,
    absent: _Absent,
) -> tuple[Problem, ...]:
    found = [problem for each in standings for problem in each.problems]
    found += placement.problems
    found += (problem for made in pieces.contents.values() for problem in made.problems)
    found += pieces.ineffective
    found += (messages.unreported(cluster) for cluster in facts.clusters if cluster.name in facts.unreported)
    found += (
        messages.cluster_held(name, reason, faults.places.get(name))
        for name, reason in sorted(faults.clusters.items())
    )
    refused = [faults.templates[id_] for id_ in absent.ids if id_ in faults.templates]
    found += (messages.held(each, refusal_of(each), is_new=False) for each in refused)
    gone = [id_ for id_ in absent.ids if id_ not in faults.templates]
    if gone:
        found.append(messages.absent_kept(gone, fleet.unreadable))
    # The same words about several objects are said once.
    said = {(problem.location, str(problem)): problem for problem in reversed(found)}
    return tuple(sorted(said.values(), key=lambda problem: (problem.sort_key(), problem.subject)))


def _all_held(previous: PreviousRender, reason: str) -> Rendered:
    return Rendered(
        tree=tree_of_directories(previous.trees, previous.binding_files),
        bindings=dict(previous.bindings),
        problems=(messages.everything_held(reason, CONFIG_FILE),),
        complete=False,
    )
