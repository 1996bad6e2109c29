"""Commits on machine branches: a render tree, or plain files, become one pack and one commit id.

Reproducible: the bytes of a commit depend on the arguments alone. References move in `branches` and `remote`, never here,
so a commit that lost its race is only unreachable. A render that changes nothing commits nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from reconciler.errors import Problem
from reconciler.git.changes import change_tree
from reconciler.git.commits import Commit, Identity, Signer, encode_commit, read_commit
from reconciler.git.objects import Kind
from reconciler.git.repository import Batch, Repository, raw
from reconciler.git.trailers import ACCEPTED_HISTORY, COMPLETE, PRUNE, TREE_DIGEST, format_message
from reconciler.git.trees import CLUSTERS, TreeWriter, build_files
from reconciler.model.tree import RenderTree

OURS: Final = Identity()

# The tree may be the same: whether it may be pruned by, and which history was accepted, must still get through.
_DECISIVE: Final = (COMPLETE, PRUNE, ACCEPTED_HISTORY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a write led to. `commit` is `previous` when nothing changed; ids are hexadecimal.

    `clusters` maps each cluster to its tree (for a render); `problems` are warnings about the tree.
    """

    commit: str
    tree: str
    changed: bool
    clusters: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFacts:
    """What a commit says besides its tree. `message` is subject and body; trailers go below, in one fixed order.

    `author_time` is the source commit's date, `committer_time` the decision's `now`.
    """

    message: str
    author_time: datetime
    committer_time: datetime
    trailers: Mapping[str, str] = field(default_factory=dict)
    identity: Identity = OURS
    signer: Signer | None = None


def write_render(
    repository: Repository,
    tree: RenderTree,
    *,
    previous: str,
    facts: CommitFacts,
    writer: TreeWriter | None = None,
) -> Written:
    """Write a whole render tree on top of `previous` (empty: the first commit); adds the trailer `Tree-Digest`.

    Nothing is committed when the tree is that of `previous` and neither `Complete` nor `Accepted-History` changed. A
    `writer` kept between calls makes the next call proportional to what changed. Raises GitError.
    """
    writer = writer or TreeWriter()
    before = read_commit(repository, previous) if previous else None
    batch = Batch(known=writer.known(repository, before.tree if before else ""))
    built = writer.build(tree, batch)
    if before is not None and before.tree == built.root and not _says_more(before, facts.trailers):
        return Written(
            commit=previous, tree=built.root, changed=False, clusters=built.clusters, problems=built.problems
        )
    trailers = {**facts.trailers, TREE_DIGEST: built.digest}
    commit = add_commit(batch, built.root, (previous,) if previous else (), facts, trailers)
    repository.write(batch.objects)
    writer.stored(built.root, batch)
    return Written(
        commit=commit, tree=built.root, changed=True, clusters=built.clusters, problems=built.problems
    )


def write_files(
    repository: Repository,
    files: Mapping[str, bytes],
    *,
    previous: str,
    facts: CommitFacts,
    replace_tip: bool = False,
) -> Written:
    """Commit exactly these files on top of `previous` (empty: the first commit); nothing when they are there already.

    `replace_tip` makes the commit a sibling of `previous` instead of its child, and commits even if the files are the
    same: a heartbeat that does not grow history.
    """
    before = read_commit(repository, previous) if previous else None
    batch = Batch(known=repository.reachable(raw(before.tree)) if before else set())
    return _commit(repository, build_files(files, batch), before, batch, facts, replace_tip=replace_tip)


def write_changes(
    repository: Repository,
    changes: Mapping[str, bytes | None],
    *,
    previous: str,
    facts: CommitFacts,
    replace_tip: bool = False,
) -> Written:
    """Commit `previous` with files written (bytes) or removed (None); opens only the trees on the way to a change."""
    before = read_commit(repository, previous) if previous else None
    batch = Batch()
    tree = change_tree(repository, before.tree if before else "", changes, batch)
    return _commit(repository, tree, before, batch, facts, replace_tip=replace_tip)


def write_tree(repository: Repository, previous: str, changes: Mapping[str, bytes | None]) -> str:
    """Store the tree `previous` (empty: none) with changes, without a commit; the new tree's id."""
    batch = Batch()
    tree = change_tree(repository, previous, changes, batch)
    repository.write(batch.objects)
    return tree


def add_commit(
    batch: Batch, tree: str, parents: tuple[str, ...], facts: CommitFacts, trailers: Mapping[str, str]
) -> str:
    """Put one commit into a batch; its id."""
    data = encode_commit(
        tree=tree,
        parents=parents,
        message=format_message(facts.message, trailers),
        identity=facts.identity,
        author_time=facts.author_time,
        committer_time=facts.committer_time,
        signer=facts.signer,
    )
    return batch.add(Kind.COMMIT, data).hex()


def cluster_trees(repository: Repository, tree: str) -> dict[str, str]:
    """The tree of every cluster in a rendered root tree, by name."""
    top = repository.entry(raw(tree), CLUSTERS)
    if top is None or not top.is_tree:
        return {}
    return {entry.name.decode(): entry.oid.hex() for entry in repository.tree(top.oid) if entry.is_tree}


def _commit(
    repository: Repository,
    tree: str,
    before: Commit | None,
    batch: Batch,
    facts: CommitFacts,
    *,
    replace_tip: bool,
) -> Written:
    if (
        before is not None
        and before.tree == tree
        and not replace_tip
        and not _says_more(before, facts.trailers)
    ):
        return Written(commit=before.oid, tree=tree, changed=False)
    parents: tuple[str, ...] = ()
    if before is not None:
        parents = before.parents if replace_tip else (before.oid,)
    commit = add_commit(batch, tree, parents, facts, facts.trailers)
    repository.write(batch.objects)
    return Written(commit=commit, tree=tree, changed=before is None or commit != before.oid)


def _says_more(before: Commit, trailers: Mapping[str, str]) -> bool:
    return any(key in trailers and before.trailers.get(key, "") != trailers[key] for key in _DECISIVE)
