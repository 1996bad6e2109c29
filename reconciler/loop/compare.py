"""What a change does: base rendered, head rendered upon it with the same facts and the same `now`, and their difference.

The guards are those that the head's release would trip. Reads Git, writes nothing, asks no cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler import __version__
from reconciler.diff.difference import Difference, Provenance, difference
from reconciler.diff.placement import Delivered
from reconciler.git.repository import Repository
from reconciler.interpreter.registry import Interpreters
from reconciler.loop.decide import Decision, Memory, decide
from reconciler.loop.publish import limits_of, objects_by_cluster
from reconciler.model.fleet import Source
from reconciler.model.observation import Observation
from reconciler.model.plan import Guard
from reconciler.model.tree import PreviousRender, Rendered, RenderTree, Variant
from reconciler.plan.release import ReleaseVerdict, release_verdict
from reconciler.render.delivered import delivered_replicas
from reconciler.render.tree import previous_of, tree_of_directories
from reconciler.scheduler.batch import PROFILES
from reconciler.scheduler.registry import Profile
from reconciler.settings import GuardLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The difference, the head that it was computed for, and what the guards say of it."""

    difference: Difference
    head: Decision
    verdict: ReleaseVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is compared: `base` None stands for what is rendered now. `previous` is the last rendered commit."""

    base: Source | None
    head: Source
    observation: Observation
    previous: PreviousRender
    now: datetime
    limits: GuardLimits
    command: str = ""
    profiles: Mapping[str, Profile] = field(default_factory=lambda: PROFILES)
    clock: datetime | None = None
    """This machine's: a side that is dated after it is told of."""


def compare(repository: Repository | None, question: Question, memory: Memory | None = None) -> Comparison:
    """Render both sides and compare them. `repository` None: there is none, and nothing was rendered before."""
    memory = memory or Memory()
    if question.base is None:
        before = rendered_of(question.previous)
        upon = question.previous
        base_name = question.previous.commit or "nothing rendered yet"
    else:
        base = _decided(question, question.base, question.previous, memory)
        before = replace(base.rendered, problems=base.problems)
        upon = replace(
            previous_of(base.rendered), evaluated_at=question.now, source_commit=question.base.commit
        )
        base_name = question.base.commit or "work tree"
    head = _decided(question, question.head, upon, memory)
    approvals = head.fleet.approvals
    limits = (
        limits_of(repository, upon, question.limits, source=question.head.commit)
        if repository
        else question.limits
    )
    verdict = release_verdict(
        objects_by_cluster(before.tree),
        objects_by_cluster(head.rendered.tree),
        limits=limits,
        approvals=approvals,
        now=question.now,
    )
    guards: dict[str, tuple[Guard, ...]] = dict(verdict.by_cluster)
    if verdict.fleet:
        guards["the fleet"] = verdict.fleet
    found = difference(
        before,
        replace(head.rendered, problems=head.problems),
        provenance=Provenance(
            base=base_name,
            head=question.head.commit or "work tree",
            facts=question.observation.commit,
            engine=__version__,
            command=question.command,
        ),
        guards=guards,
        delivered=delivered_of(before, head.rendered, head.interpreters),
    )
    return Comparison(difference=found, head=head, verdict=verdict)


def rendered_of(previous: PreviousRender) -> Rendered:
    """The last rendered commit as an answer of `render`, without the problems that it had then."""
    return Rendered(
        tree=tree_of_directories(previous.trees, previous.binding_files),
        bindings=previous.bindings,
        complete=previous.complete,
    )


def delivered_of(
    before: Rendered, after: Rendered, interpreters: Interpreters
) -> tuple[Delivered, Delivered]:
    """Where overrides set replicas on either side, of the workloads that differ in anything."""
    old, new = (_by_path(each.tree) for each in (before, after))
    touched = {
        id_
        for id_ in before.bindings.keys() | after.bindings.keys()
        if before.bindings.get(id_) != after.bindings.get(id_)
        or old.get(id_.tree_path) != new.get(id_.tree_path)
    }
    return (
        delivered_replicas(before.tree, before.bindings, interpreters, touched),
        delivered_replicas(after.tree, after.bindings, interpreters, touched),
    )


def _by_path(tree: RenderTree) -> dict[str, list[Variant]]:
    found: dict[str, list[Variant]] = {}
    for variant in tree.variants:
        found.setdefault(variant.path, []).append(variant)
    return found


def _decided(question: Question, source: Source, upon: PreviousRender, memory: Memory) -> Decision:
    return decide(
        source,
        question.observation,
        upon,
        now=question.now,
        assume_unreported=True,
        memory=memory,
        profiles=question.profiles,
        clock=question.clock,
    )
