"""The machine branches: which commits on them are ours, and the cluster branches as projections of the rendered one.

A cluster branch shows the newest rendered commit that was released to it: its tree is the subtree `clusters/<cluster>`
itself. Projecting is idempotent: what a crash left behind is made again from the rendered commit, with the same ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.errors import ForeignCommit, GitError, SettingsError
from reconciler.git.commits import Commit, Identity, Signer, read_commit, require_ours
from reconciler.git.references import RefUpdate, full_name, list_references
from reconciler.git.repository import Batch, Repository
from reconciler.git.trailers import APPROVED, COMPLETE, RENDERED_COMMIT, SOURCE_COMMIT, TREE_DIGEST
from reconciler.git.writer import OURS, CommitFacts, add_commit, cluster_trees
from reconciler.settings import BranchNames

RENDERED_TRAILERS: Final = (SOURCE_COMMIT, TREE_DIGEST, COMPLETE)
CLUSTER_TRAILERS: Final = (RENDERED_COMMIT, COMPLETE)

# A change of these moves a cluster branch even when its tree is the same.
_DECISIVE: Final = (COMPLETE, APPROVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What may be shown to a cluster: guards are checked, approvals are named (sorted)."""

    complete: bool
    approved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """The cluster branches that must move, and those that are stopped.

    `updates` is sorted by reference; `foreign` maps a cluster to what is on its branch that is not ours.
    """

    updates: tuple[RefUpdate, ...] = ()
    foreign: Mapping[str, str] = field(default_factory=dict)


def project_clusters(
    repository: Repository,
    rendered_commit: str,
    *,
    releases: Mapping[str, Release],
    tips: Mapping[str, str],
    branches: BranchNames,
    identity: Identity = OURS,
    signer: Signer | None = None,
) -> Projection:
    """Write the commits that the released clusters' branches must show; moves no reference.

    `releases` names the clusters that this rendered commit is released to, `tips` where their branches are now (absent or
    empty: no branch). A cluster that is not in `releases`, or that has no tree, keeps its branch. A branch moves when its
    tree, completeness or approvals change. Raises GitError when a tip or the rendered commit cannot be read.
    """
    rendered = read_commit(repository, rendered_commit)
    trees = cluster_trees(repository, rendered.tree)
    batch = Batch()
    updates: list[RefUpdate] = []
    foreign: dict[str, str] = {}
    for cluster in sorted(releases):
        if cluster not in trees:
            continue
        tip = tips.get(cluster, "")
        before = read_commit(repository, tip) if tip else None
        words = "" if before is None else foreign_words(before, identity, CLUSTER_TRAILERS)
        if words:
            foreign[cluster] = words
            continue
        trailers = _trailers(rendered, releases[cluster])
        if before is not None and before.tree == trees[cluster] and _same(before, trailers):
            continue
        facts = CommitFacts(
            message=f"cluster {cluster}: render {rendered.oid[:12]}",
            author_time=rendered.author_time,
            committer_time=rendered.committer_time,
            trailers=trailers,
            identity=identity,
            signer=signer,
        )
        commit = add_commit(batch, trees[cluster], (tip,) if tip else (), facts, trailers)
        updates.append(RefUpdate(name=full_name(branches.cluster(cluster)), old=tip, new=commit))
    repository.write(batch.objects)
    return Projection(updates=tuple(updates), foreign=foreign)


def foreign_words(commit: Commit, identity: Identity, required: tuple[str, ...]) -> str:
    """Why a commit is not ours, or empty if it is."""
    try:
        require_ours(commit, identity, required)
    except ForeignCommit as error:
        return str(error)
    return ""


def check_tip(
    repository: Repository, tip: str, *, required: tuple[str, ...], identity: Identity = OURS
) -> Commit | None:
    """The commit at a machine branch's tip (None for an empty id). Raises ForeignCommit if it is not ours."""
    if not tip:
        return None
    commit = read_commit(repository, tip)
    require_ours(commit, identity, required)
    return commit


def check_names(references: Iterable[str], branches: BranchNames) -> None:
    """Refuse a branch that leaves no place for ours (`reconciler` blocks `reconciler/…`); checked at start.

    `references` are the full names that exist in a repository. Raises GitError, or SettingsError for names that clash.
    """
    machine = f"{branches.prefix}/"
    if branches.source == branches.prefix or branches.source.startswith(machine):
        raise SettingsError(
            f"the source branch {branches.source} lies among the machine branches {machine}…: choose another prefix"
        )
    existing = set(references)
    parts = branches.prefix.split("/")
    for count in range(1, len(parts) + 1):
        parent = full_name("/".join(parts[:count]))
        if parent in existing:
            raise GitError(
                f"the branch {parent.removeprefix('refs/heads/')} leaves no place for {branches.rendered}: rename it, or "
                "choose another prefix for the machine branches"
            )


def check_local_names(repository: Repository, branches: BranchNames) -> None:
    """`check_names` on a local repository."""
    check_names(list_references(repository, "refs/heads/"), branches)


def _trailers(rendered: Commit, release: Release) -> dict[str, str]:
    facts = {
        RENDERED_COMMIT: rendered.oid,
        COMPLETE: "true" if release.complete else "false",
        APPROVED: ", ".join(sorted(release.approved)),
    }
    if SOURCE_COMMIT in rendered.trailers:
        facts[SOURCE_COMMIT] = rendered.trailers[SOURCE_COMMIT]
    return facts


def _same(before: Commit, trailers: Mapping[str, str]) -> bool:
    return all(before.trailers.get(key, "") == trailers.get(key, "") for key in _DECISIVE)
