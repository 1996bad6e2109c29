"""From a decision to commits: the rendered commit, the guards' verdict in its trailers, the cluster branches' commits.

Writes objects into the local repository and moves no reference: `git.references` or `git.remote` do that, as one
compare-and-swap. The same decision gives the same commit ids everywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from reconciler import __version__
from reconciler.errors import Problem
from reconciler.fleet.assemble import settings_of
from reconciler.git.branches import Projection, Release, project_clusters
from reconciler.git.commits import Signer, read_commit
from reconciler.git.objects import Kind
from reconciler.git.reader import format_time, read_previous
from reconciler.git.references import RefUpdate, full_name
from reconciler.git.repository import Repository, raw
from reconciler.git.trailers import (
    ACCEPTED_HISTORY,
    COMPLETE,
    ENGINE,
    EVALUATED_AT,
    PRUNE,
    PRUNE_BASE,
    SOURCE_COMMIT,
    STATUS_COMMIT,
)
from reconciler.git.trees import TreeWriter
from reconciler.git.writer import CommitFacts, Written, write_render
from reconciler.loop.decide import Decision
from reconciler.model.cluster import DeliveryMode
from reconciler.model.config import Approval, FleetConfig
from reconciler.model.fleet import SourceFile
from reconciler.model.identity import ObjectId, object_id_of_path
from reconciler.model.plan import Guard
from reconciler.model.tree import PreviousRender, RenderTree
from reconciler.plan.guards import TOO_MANY, TOO_MANY_IN_FLEET, tightened
from reconciler.plan.release import ReleaseVerdict, release_verdict
from reconciler.problems import CATALOGUE
from reconciler.settings import BranchNames, GuardLimits

ALLOWED: Final = "allowed"
HELD: Final = "held"
SETTINGS_FILE: Final = "reconciler.yaml"
_NAMED: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Tips:
    """Where the machine branches are (ids; empty: no branch): the rendered one, and each cluster's by name.

    `only`: the clusters whose branches lie where they can be moved with the rendered one; None: all.
    """

    rendered: str = ""
    clusters: Mapping[str, str] = field(default_factory=dict)
    only: Collection[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What was written: the rendered commit (unchanged: the previous one), the verdict, the references to move.

    `updates` moves the rendered branch first, then the cluster branches. `prune_allowed` is what delivery goes by.
    """

    written: Written
    verdict: ReleaseVerdict
    prune_allowed: bool
    updates: tuple[RefUpdate, ...]
    projection: Projection
    branches: BranchNames = field(default_factory=BranchNames)
    problems: tuple[Problem, ...] = ()

    @property
    def commit(self) -> str:
        """The rendered commit that is the truth now."""
        return self.written.commit


def publish(
    repository: Repository,
    decision: Decision,
    *,
    branches: BranchNames,
    limits: GuardLimits,
    tips: Tips,
    writer: TreeWriter | None = None,
    signer: Signer | None = None,
    accepted_history: str = "",
) -> Published:
    """Write what `decision` comes to, on top of where the branches are."""
    verdict, base = judge(repository, decision, limits)
    complete = decision.rendered.complete
    prune_allowed = complete and verdict.allowed
    trailers = {
        SOURCE_COMMIT: decision.source.commit,
        STATUS_COMMIT: decision.observation.commit,
        EVALUATED_AT: format_time(decision.now),
        ENGINE: __version__,
        COMPLETE: "true" if complete else "false",
        PRUNE: ALLOWED if prune_allowed else HELD,
    }
    if not prune_allowed:
        trailers[PRUNE_BASE] = base
    if accepted_history:
        trailers[ACCEPTED_HISTORY] = accepted_history
    written = write_render(
        repository,
        decision.rendered.tree,
        previous=tips.rendered,
        facts=CommitFacts(
            message=f"render {decision.source.commit[:12]}",
            author_time=decision.source.time,
            committer_time=decision.now,
            trailers=trailers,
            signer=signer,
        ),
        writer=writer,
    )
    released = releases(decision, prune_allowed=prune_allowed)
    projection = project_clusters(
        repository,
        written.commit,
        releases={name: released[name] for name in released if tips.only is None or name in tips.only},
        tips=tips.clusters,
        branches=branches,
        signer=signer,
    )
    moved: tuple[RefUpdate, ...] = ()
    if written.commit != tips.rendered:
        moved = (RefUpdate(name=full_name(branches.rendered), old=tips.rendered, new=written.commit),)
    return Published(
        written=written,
        verdict=verdict,
        prune_allowed=prune_allowed,
        updates=(*moved, *projection.updates),
        projection=projection,
        branches=branches,
        problems=(*written.problems, *guard_problems(verdict)),
    )


def judge(repository: Repository, decision: Decision, limits: GuardLimits) -> tuple[ReleaseVerdict, str]:
    """The guards' verdict on a decision, and the commit that its deletions are counted from (empty: none)."""
    previous = decision.previous
    base = prune_base(repository, previous)
    before = previous if base == previous.commit else read_previous(repository, base)
    approvals: Iterable[Approval] = decision.fleet.approvals
    verdict = release_verdict(
        {cluster: _objects(before.trees[cluster]) for cluster in before.trees},
        objects_by_cluster(decision.rendered.tree),
        limits=limits_of(repository, previous, limits, source=decision.source.commit),
        approvals=approvals,
        now=decision.now,
    )
    return verdict, base


def prune_base(repository: Repository, previous: PreviousRender) -> str:
    """The last rendered commit whose deletions were allowed: the one that deletions are counted from."""
    if not previous.commit:
        return ""
    trailers = read_commit(repository, previous.commit).trailers
    return trailers.get(PRUNE_BASE, "") if trailers.get(PRUNE) == HELD else previous.commit


def standing_verdict(
    repository: Repository, rendered: str, approvals: Iterable[Approval], limits: GuardLimits, now: datetime
) -> ReleaseVerdict:
    """The verdict on a commit that was rendered already, with approvals as they are now: what holds its deletions."""
    commit = read_commit(repository, rendered)
    parent = read_previous(repository, commit.parents[0] if commit.parents else "")
    base = read_previous(repository, commit.trailers.get(PRUNE_BASE, "") or parent.commit)
    after = read_previous(repository, rendered)
    return release_verdict(
        {cluster: _objects(base.trees[cluster]) for cluster in base.trees},
        {cluster: _objects(after.trees[cluster]) for cluster in after.trees},
        limits=limits_of(repository, parent, limits, source=commit.trailers.get(SOURCE_COMMIT, "")),
        approvals=approvals,
        now=now,
    )


def limits_of(
    repository: Repository, previous: PreviousRender, limits: GuardLimits, *, source: str
) -> GuardLimits:
    """The operator's limits, tightened by the repository's settings before the source commit `source` (DESIGN §5, promise 2).

    Before means: at the previous render, at the last one of another source, and at the one that deletions are counted
    from. So no change loosens its own guard, however often it is rendered and whatever comes while it is held.
    """
    earlier = {
        _source_before(repository, rendered, source)
        for rendered in (previous.commit, prune_base(repository, previous))
    }
    for commit in sorted({previous.source_commit} | earlier):
        config = config_at(repository, commit)
        limits = tightened(
            limits,
            max_deletions=config.max_deletions,
            max_percent=config.max_deletion_percent,
            protected_kinds=config.protected_kinds,
        )
    return limits


def _source_before(repository: Repository, rendered: str, source: str) -> str:
    """The source of the newest rendered commit, from `rendered` on backwards, that was made from another one than `source`."""
    while rendered:
        commit = read_commit(repository, rendered)
        found = commit.trailers.get(SOURCE_COMMIT, "")
        if found != source:
            return found
        rendered = commit.parents[0] if commit.parents else ""
    return ""


def config_at(repository: Repository, commit: str) -> FleetConfig:
    """The repository's own settings at a source commit; the defaults where it has none or they cannot be read."""
    if not commit or not repository.has(raw(commit)):
        return FleetConfig()
    entry = repository.entry(raw(read_commit(repository, commit).tree), SETTINGS_FILE)
    if entry is None or entry.is_tree:
        return FleetConfig()
    file = SourceFile(path=SETTINGS_FILE, data=repository.read(entry.oid, Kind.BLOB), oid=entry.oid.hex())
    # What was refused when it was rendered set nothing then.
    return settings_of(file) or FleetConfig()


def releases(decision: Decision, *, prune_allowed: bool) -> dict[str, Release]:
    """The clusters whose branches may move, each with what it is told.

    A tool that prunes by the branch alone (External) sees no tree whose deletions are held.
    """
    found = {}
    for cluster in decision.fleet.clusters:
        if cluster.sync_mode is DeliveryMode.EXTERNAL and not prune_allowed:
            continue
        approved = tuple(sorted(a.name for a in decision.fleet.approvals if decision.now < a.expires))
        found[cluster.name] = Release(complete=prune_allowed, approved=approved)
    return found


def objects_by_cluster(tree: RenderTree) -> dict[str, Collection[ObjectId]]:
    """The objects of every cluster's directory."""
    found: dict[str, set[ObjectId]] = {name: set() for name in tree.clusters}
    for variant in tree.variants:
        id_ = object_id_of_path(variant.path)
        if id_ is not None:
            for cluster in variant.clusters:
                found[cluster].add(id_)
    return dict(found)


def guard_problems(verdict: ReleaseVerdict) -> tuple[Problem, ...]:
    """One problem a guard that stopped the deletions of a render, naming the objects."""
    rows = [
        (f"cluster {cluster}", guard) for cluster, guards in verdict.by_cluster.items() for guard in guards
    ]
    rows += [("fleet", guard) for guard in verdict.fleet]
    return tuple(_guard_problem(where, guard) for where, guard in rows)


def _guard_problem(where: str, guard: Guard) -> Problem:
    code = "R504" if guard.name in (TOO_MANY, TOO_MANY_IN_FLEET) else "R505"
    named = tuple(str(id_) for id_ in guard.objects[:_NAMED])
    more = (f"and {len(guard.objects) - _NAMED} more",) if len(guard.objects) > _NAMED else ()
    return Problem(
        code=code,
        message=f"{where}: {guard.message}; nothing is deleted",
        evidence=(*named, *more),
        remedy=CATALOGUE[code].remedy,
        severity=CATALOGUE[code].severity,
        subject=where,
    )


def _objects(files: Mapping[str, bytes]) -> set[ObjectId]:
    return {id_ for path in files if (id_ := object_id_of_path(path)) is not None}
