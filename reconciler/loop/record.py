"""The fleet's record in Git, as one pass uses it: fetch, decide, publish, write the status.

Blocking calls, for one thread at a time. Everything here can be done again: references move by compare-and-swap, and what
a lost race wrote is unreachable.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from reconciler.errors import FetchFailed, ForeignCommit, GitError, LostRace, Problem
from reconciler.git.branches import RENDERED_TRAILERS, Projection, check_tip, project_clusters
from reconciler.git.checkout import read_commit as read_source
from reconciler.git.commits import Signer
from reconciler.git.commits import read_commit as read_git_commit
from reconciler.git.errors import foreign_commit_problem
from reconciler.git.history import check_history, contains
from reconciler.git.reader import REPORT, ClusterFiles, Files, read_tip
from reconciler.git.references import RefUpdate, full_name, resolve
from reconciler.git.remote import Remote, check_remote_names, fetch, push
from reconciler.git.remote import publish as push_published
from reconciler.git.repository import Repository, raw, reopened
from reconciler.git.trailers import COMPLETE, PRUNE, RENDERED_COMMIT, SOURCE_COMMIT
from reconciler.git.trees import TreeWriter
from reconciler.git.writer import CommitFacts, cluster_trees, write_files
from reconciler.loop.decide import Decision, Memory, decide, moment, read_observation, read_render, with_seen
from reconciler.loop.publish import HELD, Published, Tips, limits_of, publish, releases
from reconciler.model.identity import ObjectId, object_id_of_path
from reconciler.model.observation import Observation
from reconciler.model.plan import Desired, desired_objects
from reconciler.problems import CATALOGUE
from reconciler.render.cluster_files import SUSPENDED, decode_suspended
from reconciler.scheduler.batch import PROFILES
from reconciler.scheduler.registry import Profile
from reconciler.settings import BranchNames, GuardLimits

Place = tuple[str, Path | None]
"""Where a remote is, and by which credential: branches at one place are fetched and pushed together."""

Checkpoint = Callable[[str], None]
"""Called at named points of a pass; crash tests end the process there."""

_FAR_BEHIND: Final = 500
"""Rendered commits: whoever is further behind is simply behind."""
_TIPS_SECONDS: Final = 600.0

CHECKPOINTS: Final = ("rendered", "pushed-truth", "pushed-projections", "status-written")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remotes:
    """The remotes by role; one a cluster for branches and reports where the URL names `{cluster}`."""

    source: Remote
    rendered: Remote
    status: Remote
    cluster: Callable[[str], Remote]
    report: Callable[[str], Remote]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Where the branches are: the source's tip, the rendered one's, the status's (empty: no branch)."""

    source: str
    rendered: str
    status: str


@dataclass(slots=True, kw_only=True)
class Record:
    """One fleet's branches, with what is remembered between passes for speed alone."""

    repository: Repository
    remotes: Remotes
    branches: BranchNames
    limits: GuardLimits
    signer: Signer | None = None
    accept_history: str = ""
    checkpoint: Checkpoint = lambda _: None
    profiles: Mapping[str, Profile] = field(default_factory=lambda: PROFILES)
    clock: Callable[[], datetime] | None = None
    """Bounds what a source commit may say of its date; without one it is believed."""
    memory: Memory = field(default_factory=Memory)
    writer: TreeWriter = field(default_factory=TreeWriter)
    _names_checked: bool = False
    _tips_known: set[str] = field(default_factory=set)
    _tips_at: float = float("-inf")

    def fetch(self) -> Fetched:
        """Fetch source, rendered and status branches. Raises FetchFailed, ForeignCommit, HistoryRewritten."""
        if not self._names_checked:
            for remote in {
                each.place: each for each in (self.remotes.status, self.remotes.rendered)
            }.values():
                check_remote_names(self.repository, remote, self.branches)
            self._names_checked = True
        names = {
            "source": self.branches.source,
            "rendered": self.branches.rendered,
            "status": self.branches.status,
        }
        remotes = {
            "source": self.remotes.source,
            "rendered": self.remotes.rendered,
            "status": self.remotes.status,
        }
        found: dict[str, str] = {}
        for place in dict.fromkeys(remote.place for remote in remotes.values()):
            roles = [role for role, remote in remotes.items() if remote.place == place]
            tips = fetch(self.repository, remotes[roles[0]], [names[role] for role in roles])
            found |= {role: tips.get(names[role], "") for role in roles}
        if not found["source"]:
            raise FetchFailed(f"the source remote has no branch {self.branches.source}")
        rendered = check_tip(self.repository, found["rendered"], required=RENDERED_TRAILERS)
        check_tip(self.repository, found["status"], required=(RENDERED_COMMIT,))
        if rendered is not None:
            check_history(
                self.repository,
                rendered.trailers.get(SOURCE_COMMIT, ""),
                found["source"],
                accepted=self.accept_history,
            )
        return Fetched(source=found["source"], rendered=found["rendered"], status=found["status"])

    def decide(self, at: Fetched, wake: datetime | None) -> Decision:
        """Render the fetched source with the fetched observation and bindings. `wake`: a wake time that came due."""
        source = read_source(self.repository.handle, at.source, self.memory.files)
        observation = read_observation(self.repository, at.status, self.memory)
        previous = read_render(self.repository, at.rendered, self.memory)
        previous = with_seen(self.repository, previous, observation, self.memory)
        clock = self.clock() if self.clock else None
        now = moment(source, observation, previous, wake, clock)
        return decide(
            source,
            observation,
            previous,
            now=now,
            assume_unreported=False,
            memory=self.memory,
            profiles=self.profiles,
            clock=clock,
        )

    def publish(self, decision: Decision, at: Fetched) -> Published:
        """Write and push the truth, atomically with the cluster branches that lie beside it. Raises LostRace, PushRejected.

        Branches on other remotes are `project`'s: the truth waits for none of them.
        """
        here = [name for name in sorted(decision.rendered.tree.clusters) if self._is_beside(name)]
        written = publish(
            self.repository,
            decision,
            branches=self.branches,
            limits=self.limits,
            tips=Tips(rendered=at.rendered, clusters=self._cluster_tips(here), only=here),
            writer=self.writer,
            signer=self.signer,
            accepted_history=self.accept_history,
        )
        self.checkpoint("rendered")
        rendered_name = full_name(self.branches.rendered)
        truth = next((update for update in written.updates if update.name == rendered_name), None)
        branch_of = {full_name(self.branches.cluster(name)): name for name in here}
        beside = [
            (self.remotes.cluster(branch_of[update.name]), update)
            for update in written.updates
            if update.name != rendered_name
        ]
        pushed = push_published(self.repository, (self.remotes.rendered, truth) if truth else None, beside)
        self.checkpoint("pushed-truth")
        problems = self._told(pushed.rejected, written.projection)
        return replace(written, problems=(*written.problems, *problems))

    def places_elsewhere(self, decision: Decision) -> dict[Place, tuple[str, ...]]:
        """The remotes other than the truth's that show cluster branches, each with its clusters."""
        found: dict[Place, list[str]] = {}
        for name in sorted(decision.rendered.tree.clusters):
            if not self._is_beside(name):
                found.setdefault(self.remotes.cluster(name).place, []).append(name)
        return {place: tuple(names) for place, names in found.items()}

    def project(
        self, decision: Decision, published: Published, clusters: Sequence[str]
    ) -> tuple[Problem, ...]:
        """Move the branches of these clusters, which lie together, to what was published; what was refused. Raises FetchFailed."""
        released = releases(decision, prune_allowed=published.prune_allowed)
        projection = project_clusters(
            self.repository,
            published.commit,
            releases={name: released[name] for name in clusters if name in released},
            tips=self._cluster_tips(clusters),
            branches=self.branches,
            signer=self.signer,
        )
        branch_of = {full_name(self.branches.cluster(name)): name for name in clusters}
        moves = [(self.remotes.cluster(branch_of[update.name]), update) for update in projection.updates]
        pushed = push_published(self.repository, None, moves)
        self.checkpoint("pushed-projections")
        return self._told(pushed.rejected, projection)

    def beside(self) -> Record:
        """The same record for another thread: its own handle, nothing remembered."""
        return replace(
            self,
            repository=reopened(self.repository),
            memory=Memory(),
            writer=TreeWriter(),
            _tips_known=set(),
        )

    def limits_of(self, decision: Decision) -> GuardLimits:
        """The guards' limits that a decision is delivered by."""
        return limits_of(self.repository, decision.previous, self.limits, source=decision.source.commit)

    def _is_beside(self, cluster: str) -> bool:
        return self.remotes.cluster(cluster).place == self.remotes.rendered.place

    def _told(self, rejected: Mapping[str, str], projection: Projection) -> tuple[Problem, ...]:
        if rejected or projection.foreign:
            self._tips_known = set()
        return (
            *(not_moved(name, words) for name, words in sorted(rejected.items())),
            *(
                foreign_commit_problem(ForeignCommit(words), self.branches.cluster(name))
                for name, words in sorted(projection.foreign.items())
            ),
        )

    def desired(self, commit: str, cluster: str) -> Desired | None:
        """One cluster's tree at a rendered commit, as delivery wants it; None where it has none."""
        return desired_at(self.repository, commit, cluster)

    def objects_at(self, commit: str, cluster: str) -> frozenset[ObjectId] | None:
        """The objects of a cluster's tree at a rendered commit; None where that tree cannot be had."""
        return objects_at(self.repository, commit, cluster)

    def supersedes(self, new: str, applied: str) -> bool:
        """Whether a rendered commit may follow the one that a cluster stands at: it is the same or a descendant."""
        return supersedes(self.repository, new, applied)

    def standing(self) -> Fetched:
        """Where the branches were seen last, without asking anybody: what to heal from while the Git host is away.

        The source is the one that was rendered, whatever its branch says by now: nobody has judged that yet.
        """
        rendered = resolve(self.repository, self.remotes.rendered.tracking(self.branches.rendered))
        source = (
            read_git_commit(self.repository, rendered).trailers.get(SOURCE_COMMIT, "") if rendered else ""
        )
        return Fetched(
            source=source if source and self.repository.has(raw(source)) else "",
            rendered=rendered,
            status=resolve(self.repository, self.remotes.status.tracking(self.branches.status)),
        )

    def report_tips(self, clusters: Sequence[str]) -> dict[str, str]:
        """Where the report branches of these clusters are, which lie together; by cluster, absent ones left out. Raises FetchFailed."""
        branches = {self.branches.report(name): name for name in clusters}
        found = fetch(self.repository, self.remotes.report(clusters[0]), list(branches))
        return {branches[branch]: tip for branch, tip in found.items() if tip}

    def report_places(self, clusters: Sequence[str]) -> dict[Place, tuple[str, ...]]:
        """The remotes that hold the reports of these clusters, each with its clusters."""
        found: dict[Place, list[str]] = {}
        for name in clusters:
            found.setdefault(self.remotes.report(name).place, []).append(name)
        return {place: tuple(names) for place, names in found.items()}

    def report_files(self, tip: str) -> tuple[dict[str, bytes], datetime]:
        """The files of a report and its commit's time. Hostile input: raises GitError where it is too large to be read."""
        found = read_tip(self.repository, tip, identity=None, limits=REPORT)
        if found is None:
            raise GitError("there is no report")
        return dict(found.files), found.commit.committer_time

    def released(self, trees: Mapping[str, str]) -> dict[str, str]:
        """The rendered commit that each cluster's branch shows, where it holds that cluster's newest tree (`trees`).

        Older than the newest commit where the cluster's tree has not changed since.
        """
        found = {}
        for name, tree in trees.items():
            tracking = self.remotes.cluster(name).tracking(self.branches.cluster(name))
            tip = resolve(self.repository, tracking)
            shown = read_git_commit(self.repository, tip) if tip else None
            if shown is not None and shown.tree == tree:
                found[name] = shown.trailers.get(RENDERED_COMMIT, "")
        return found

    def newer(self, commits: Iterable[str], tip: str) -> dict[str, frozenset[str]]:
        """For each of these rendered commits, those after it up to `tip`; nothing for one that is not found within a few hundred."""
        wanted = set(commits) - {tip, ""}
        after: list[str] = []
        found: dict[str, frozenset[str]] = {}
        at = tip
        while wanted and at and len(after) < _FAR_BEHIND:
            if at in wanted:
                wanted.discard(at)
                found[at] = frozenset(after)
            after.append(at)
            parents = read_git_commit(self.repository, at).parents
            at = parents[0] if parents else ""
        return found

    def write_status(
        self, files: Mapping[str, bytes], *, tip: str, source_commit: str, rendered_commit: str, now: datetime
    ) -> str:
        """Commit and push the status tree; the tip when nothing changed. Raises LostRace, PushRejected."""
        written = write_files(
            self.repository,
            files,
            previous=tip,
            facts=CommitFacts(
                message=f"status at {source_commit[:12]}",
                author_time=now,
                committer_time=now,
                trailers={SOURCE_COMMIT: source_commit, RENDERED_COMMIT: rendered_commit},
                signer=self.signer,
            ),
        )
        self.checkpoint("status-written")
        if written.commit != tip:
            update = RefUpdate(name=full_name(self.branches.status), old=tip, new=written.commit)
            push(self.repository, self.remotes.status, [update])
        return written.commit

    def status_files(self, tip: str) -> Mapping[str, bytes]:
        """The files of the status tree (empty `tip`: none)."""
        found = read_tip(self.repository, tip, required=(RENDERED_COMMIT,))
        return found.files if found else {}

    def observation(self, tip: str) -> Observation:
        """The facts at a status commit."""
        return read_observation(self.repository, tip, self.memory)

    def _cluster_tips(self, names: Sequence[str]) -> dict[str, str]:
        """Where these clusters' branches, which lie together, were seen last.

        Asked of the remote at first, after a refusal, and every ten minutes: somebody may have deleted one.
        """
        if not names:
            return {}
        remote = self.remotes.cluster(names[0])
        branches = {name: self.branches.cluster(name) for name in names}
        if set(names) <= self._tips_known and time.monotonic() - self._tips_at < _TIPS_SECONDS:
            return {name: resolve(self.repository, remote.tracking(branches[name])) for name in names}
        found = fetch(self.repository, remote, list(branches.values()))
        self._tips_known, self._tips_at = set(names), time.monotonic()
        return {name: found.get(branch, "") for name, branch in branches.items()}


def not_moved(name: str, words: str) -> Problem:
    """A cluster branch that a remote would not move (R603), with its words."""
    branch = name.removeprefix("refs/heads/")
    row = CATALOGUE["R603"]
    return Problem(
        code=row.code,
        message=f"branch {branch} was not moved",
        evidence=(words,),
        remedy=row.remedy,
        severity=row.severity,
        subject=branch,
    )


def desired_at(repository: Repository, commit: str, cluster: str) -> Desired | None:
    """One cluster's tree at a rendered commit, as delivery wants it; None where it has none."""
    rendered = read_git_commit(repository, commit)
    files = ClusterFiles(repository, cluster_trees(repository, rendered.tree))
    if cluster not in files:
        return None
    held = "the guards of the render hold every deletion" if rendered.trailers.get(PRUNE) == HELD else ""
    return desired_of(
        files[cluster],
        cluster=cluster,
        commit=commit,
        complete=rendered.trailers.get(COMPLETE) == "true",
        held=held,
        tree=files.tree(cluster),
    )


def objects_at(repository: Repository, commit: str, cluster: str) -> frozenset[ObjectId] | None:
    """The objects of a cluster's tree at a rendered commit; None where that tree cannot be had."""
    if not repository.has(raw(commit)):
        return None
    trees = cluster_trees(repository, read_git_commit(repository, commit).tree)
    if cluster not in trees:
        return None
    return frozenset(
        id_ for path in Files(repository, trees[cluster]) if (id_ := object_id_of_path(path)) is not None
    )


def supersedes(repository: Repository, new: str, applied: str) -> bool:
    """Whether a rendered commit may follow the one that a cluster stands at: it is the same or a descendant."""
    return contains(repository, new, applied)


def desired_of(
    files: Mapping[str, bytes], *, cluster: str, commit: str, complete: bool, held: str = "", tree: str = ""
) -> Desired:
    """A cluster's tree as delivery wants it: objects by identity, with what must not be dispatched."""
    objects = desired_objects((path, sha256(files[path]).hexdigest(), files[path]) for path in files)
    suspended = decode_suspended(files[SUSPENDED]) if SUSPENDED in files else ()
    paths = {id_.tree_path: id_ for id_ in objects}
    return Desired(
        cluster=cluster,
        commit=commit,
        complete=complete,
        held=held,
        objects=objects,
        tree=tree,
        suspended=frozenset(paths[path] for path in suspended if path in paths),
    )


__all__ = ["CHECKPOINTS", "Fetched", "LostRace", "Record", "Remotes", "desired_of"]
