"""A cluster's branch as its agent reads it: fetched, checked, and turned into what is to be delivered and by which rules.

Blocking calls, for one thread at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.errors import GitError, HistoryRewritten
from reconciler.git.branches import CLUSTER_TRAILERS, check_tip
from reconciler.git.commits import Commit, read_commit
from reconciler.git.history import contains
from reconciler.git.reader import Files, read_tip
from reconciler.git.references import RefUpdate, resolve, update_references
from reconciler.git.remote import Remote, fetch
from reconciler.git.repository import Repository
from reconciler.git.signatures import require_signature
from reconciler.git.trailers import COMPLETE, RENDERED_COMMIT, SOURCE_COMMIT
from reconciler.interpreter.registry import Interpreters
from reconciler.loop.decide import Memory
from reconciler.loop.record import desired_of
from reconciler.model.config import Approval
from reconciler.model.identity import ObjectId, object_id_of_path
from reconciler.model.plan import Desired
from reconciler.plan.guards import tightened
from reconciler.render.cluster_files import (
    APPROVALS,
    CUSTOMIZATIONS,
    SETTINGS,
    WEBHOOKS,
    ClusterSettings,
    decode_approvals,
    decode_settings,
    rules_in,
)
from reconciler.settings import BranchNames, GuardLimits

_HISTORY: Final = 200
"""How far back the branch is searched for a rendered commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a commit of the branch asks for, and the rules that travel with it."""

    desired: Desired
    settings: ClusterSettings
    limits: GuardLimits
    approvals: tuple[Approval, ...]
    interpreters: Interpreters


@dataclass(slots=True, kw_only=True)
class ClusterBranch:
    """The branch of one cluster on one remote. `limits` are the operator's, a ceiling; `allowed_signers` None: any commit of ours."""

    cluster: str
    repository: Repository
    remote: Remote
    branches: BranchNames
    limits: GuardLimits
    allowed_signers: Path | None = None
    memory: Memory = field(default_factory=Memory)

    @property
    def name(self) -> str:
        """The branch's name."""
        return self.branches.cluster(self.cluster)

    def fetched(self) -> str:
        """Where the branch is on the remote now; empty where it is not there. Nothing of it is judged yet. Raises FetchFailed."""
        return fetch(self.repository, self.remote, [self.name]).get(self.name, "")

    def known(self) -> str:
        """The commit that was taken last, without asking anybody; empty where none was. What is merely fetched is not taken."""
        return resolve(self.repository, self._reference)

    def remember(self, tip: str) -> None:
        """`tip` is taken: a restart goes on by it, and nothing older is taken after it."""
        known = self.known()
        if tip != known:
            update_references(self.repository, [RefUpdate(name=self._reference, old=known, new=tip)])

    def rendered_of(self, tip: str) -> str:
        """The rendered commit that a commit of the branch shows. Raises GitError where that commit would not be taken."""
        return self._judged(tip).trailers.get(RENDERED_COMMIT, "")

    def read(self, tip: str) -> Taken:
        """What a commit of the branch wants, judged by its own settings and by those before it. Raises GitError."""
        commit = self._judged(tip)
        try:
            return self._read(commit)
        except (ValueError, KeyError, TypeError) as error:
            # A later engine's, perhaps.
            raise GitError(f"the tree of {tip} on {self.name} cannot be read: {error}") from error

    def objects_at(self, rendered: str) -> frozenset[ObjectId] | None:
        """The objects of this cluster's tree at a rendered commit, if our branch shows that commit."""
        branch = self._commit_of(rendered)
        if branch is None:
            return None
        paths = Files(self.repository, read_commit(self.repository, branch).tree)
        return frozenset(id_ for path in paths if (id_ := object_id_of_path(path)) is not None)

    def supersedes(self, new: str, applied: str) -> bool | None:
        """Whether `new` follows `applied` on our branch; None where it does not show both."""
        ours, theirs = self._commit_of(new), self._commit_of(applied)
        return None if ours is None or theirs is None else contains(self.repository, ours, theirs)

    @property
    def _reference(self) -> str:
        return f"refs/reconciler/taken/{self.cluster}"

    def _judged(self, tip: str) -> Commit:
        """The commit, if it is one of ours, signed where that is asked for, and not older than what was taken."""
        commit = check_tip(self.repository, tip, required=CLUSTER_TRAILERS)
        if commit is None:
            raise GitError(f"the branch of cluster {self.cluster} is empty")
        if self.allowed_signers is not None:
            require_signature(self.repository, tip, self.allowed_signers)
        known = self.known()
        # A branch that was made anew shares no history with what was taken; one that shows an old commit once more would
        # take back everything since, however well that commit is signed.
        if known and not contains(self.repository, tip, known):
            taken = read_commit(self.repository, known)
            if contains(self.repository, known, tip) or commit.committer_time < taken.committer_time:
                raise HistoryRewritten(
                    f"{self.name} goes back from {known} to {tip}, which is older: nothing is taken until it is newer. To "
                    "accept it, delete the agent's data directory"
                )
        return commit

    def _read(self, commit: Commit) -> Taken:
        found = read_tip(self.repository, commit.oid, required=CLUSTER_TRAILERS)
        files = found.files if found is not None else {}
        # Read from the branch, not remembered: a restart in between must not loosen anything.
        settings = self._settings_at(commit.oid)
        # A change must not loosen its own guard: the stricter of the last and of this tree's settings counts.
        limits = self.limits
        for each in (*self._settings_before(commit), settings):
            limits = tightened(
                limits,
                max_deletions=each.max_deletions,
                max_percent=each.max_deletion_percent,
                protected_kinds=each.protected_kinds,
            )
        return Taken(
            desired=desired_of(
                files,
                cluster=self.cluster,
                commit=commit.trailers[RENDERED_COMMIT],
                complete=commit.trailers[COMPLETE] == "true",
                tree=commit.tree,
            ),
            settings=settings,
            limits=limits,
            approvals=decode_approvals(files[APPROVALS]) if APPROVALS in files else (),
            interpreters=self.memory.interpreters(
                rules_in(files, CUSTOMIZATIONS), commit.committer_time, rules_in(files, WEBHOOKS)
            ),
        )

    def _commit_of(self, rendered: str) -> str | None:
        tip = self.known()
        for _ in range(_HISTORY):
            if not tip:
                return None
            commit = read_commit(self.repository, tip)
            if commit.trailers.get(RENDERED_COMMIT) == rendered:
                return tip
            tip = commit.parents[0] if commit.parents else ""
        return None

    def _settings_before(self, commit: Commit) -> tuple[ClusterSettings, ...]:
        """The settings of the commits below, back to the last one of another source that could be pruned by."""
        found = []
        at = commit
        while at.parents:
            at = read_commit(self.repository, at.parents[0])
            try:
                found.append(self._settings_at(at.oid))
            except (ValueError, KeyError, TypeError):
                # What it allowed is not known (another engine's, perhaps), so that it allowed nothing.
                found.append(ClusterSettings(max_deletions=0, max_deletion_percent=0))
            is_other = at.trailers.get(SOURCE_COMMIT) != commit.trailers.get(SOURCE_COMMIT)
            if is_other and at.trailers.get(COMPLETE) == "true":
                break
        return tuple(dict.fromkeys(found))

    def _settings_at(self, commit: str) -> ClusterSettings:
        files = Files(self.repository, read_commit(self.repository, commit).tree)
        return decode_settings(files[SETTINGS]) if SETTINGS in files else ClusterSettings()
