"""`reconciler agent`: the lower half of the line in a member cluster, fed by its own branch (DESIGN §4, pull mode).

Needs a Git remote and its own API server; nothing connects inwards. Keeps healing from the last commit it has while the remote is
away, guards deletions again by what its tree and its operator say, and reports on its report branch.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from reconciler.errors import GitError, LostRace, ReconcilerError
from reconciler.git.branches import CLUSTER_TRAILERS, check_tip
from reconciler.git.commits import Commit, Signer, read_commit
from reconciler.git.history import contains
from reconciler.git.reader import Files, read_tip
from reconciler.git.references import RefUpdate, full_name, resolve
from reconciler.git.remote import Remote, fetch, push
from reconciler.git.repository import Repository
from reconciler.git.signatures import require_signature
from reconciler.git.trailers import COMPLETE, RENDERED_COMMIT, SOURCE_COMMIT
from reconciler.git.writer import CommitFacts, write_files
from reconciler.interpreter.registry import NATIVE, Interpreters
from reconciler.loop.decide import Memory
from reconciler.loop.island import Island
from reconciler.loop.record import desired_of
from reconciler.loop.run import ENDING, Hooks, Log
from reconciler.loop.triggers import Triggers
from reconciler.model.config import Approval
from reconciler.model.identity import ObjectId, id_of_body, object_id_of_path
from reconciler.model.manifest import Manifest, Origin
from reconciler.model.plan import Desired
from reconciler.observe.branches import encode_report
from reconciler.plan.guards import tightened
from reconciler.render.cluster_files import (
    APPROVALS,
    CUSTOMIZATIONS,
    SETTINGS,
    ClusterSettings,
    decode_approvals,
    decode_settings,
)
from reconciler.settings import BranchNames, GuardLimits
from reconciler.status.document import decode_cluster_report
from reconciler.status.quantise import quantised

T = TypeVar("T")
_HISTORY = 200
"""How far back the branch is searched for a rendered commit."""


@dataclass(slots=True, kw_only=True)
class Agent:
    """The running agent of one cluster."""

    cluster: str
    repository: Repository
    source: Remote
    report_to: Remote
    branches: BranchNames
    limits: GuardLimits
    triggers: Triggers
    clock: Callable[[], datetime]
    log: Log
    hooks: Hooks = field(default_factory=Hooks)
    allowed_signers: Path | None = None
    signer: Signer | None = None
    may_write: Callable[[], str] = lambda: ""
    suspended: Callable[[], str] = lambda: ""
    report_interval: float = 300.0
    coalesce: float = 0.3
    island: Island | None = None
    trouble: str = ""
    memory: Memory = field(default_factory=Memory)
    interpreters: Interpreters = NATIVE
    rules_now: tuple[GuardLimits, tuple[Approval, ...]] = field(default=(GuardLimits(), ()))
    turned: float = field(default_factory=time.monotonic)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _git: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "git"))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _tip: str = ""
    _reported: dict[str, bytes] = field(default_factory=dict)
    _reported_at: datetime | None = None

    async def run(self, island: Island, stopping: asyncio.Event) -> None:
        """Follow the branch until `stopping`."""
        self.island = island
        self._stopping = stopping
        await self._stand()
        tasks = [
            asyncio.create_task(island.run(stopping), name=f"island {self.cluster}"),
            asyncio.create_task(self._report_forever(stopping)),
        ]
        try:
            await self._follow_forever(stopping)
        finally:
            stopping.set()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._git.shutdown(wait=True)

    def changed(self) -> None:
        """Something is new to report."""
        self._changed.set()

    def may_deliver(self) -> str:
        """Why nothing may be written to the cluster just now, or an empty text."""
        return ENDING if self._stopping.is_set() else self.may_write() or self.suspended()

    def turned_to(self, names: frozenset[str]) -> None:
        """The stop switch was turned, one way or the other: look at the cluster again."""
        self.log.info("switch.turned", suspended=sorted(names))
        if self.island is not None:
            self.island.again()

    def ready(self) -> str:
        """Empty when a tree is being delivered, else what is missing."""
        return (
            ""
            if self.island is not None and self.island.desired is not None
            else self.trouble or "no tree yet"
        )

    def healthy(self) -> str:
        """Always: nothing here blocks without a deadline."""
        return ""

    # --- questions of delivery ---

    async def objects_at(self, commit: str) -> frozenset[ObjectId] | None:
        """The objects of this cluster's tree at a rendered commit, if our branch shows that commit."""
        return await self.in_git(self._objects_at, commit)

    async def supersedes(self, new: str, applied: str) -> bool:
        """Whether `new` may follow `applied`: not when our branch says that `applied` came later.

        A commit that our branch never showed was applied by push delivery, or since we looked: then only the newest branch
        may decide, and while that cannot be had nothing is taken back.
        """
        known = await self.in_git(self._supersedes, new, applied)
        if known is not None:
            return known
        try:
            newest = await self.in_git(self._newest)
        except ReconcilerError as error:
            self.log.warning("follow.failed", problem=str(error), kind=type(error).__name__)
            return False
        if newest != new:
            self.triggers.fire("outdated")
        return newest == new

    # --- following ---

    async def _follow_forever(self, stopping: asyncio.Event) -> None:
        stop = asyncio.create_task(stopping.wait())
        first = True
        while not stopping.is_set():
            if not first:
                wait = asyncio.create_task(self.triggers.wait())
                await asyncio.wait({wait, stop}, return_when=asyncio.FIRST_COMPLETED)
                if not wait.done():
                    wait.cancel()
                    break
            first = False
            self.turned = time.monotonic()
            started = time.monotonic()
            try:
                tip = await self.in_git(self._fetched)
                self.hooks.stage("fetch", time.monotonic() - started)
                if tip:
                    await self._take(tip)
                self.trouble = (
                    "" if tip else f"the remote has no branch {self.branches.cluster(self.cluster)} yet"
                )
                self.hooks.passed("ok")
            except ReconcilerError as error:
                self.trouble = str(error)
                self.hooks.passed("failed")
                self.log.warning("follow.failed", problem=str(error), kind=type(error).__name__)
        stop.cancel()

    async def _stand(self) -> None:
        """Deliver what was fetched last, before anybody is asked: healing does not need the remote."""
        tip = resolve(self.repository, self.source.tracking(self.branches.cluster(self.cluster)))
        if tip:
            try:
                await self._take(tip)
            except ReconcilerError as error:
                self.log.warning("stand.failed", problem=str(error))

    async def _take(self, tip: str) -> None:
        desired, before, settings, approvals = await self.in_git(self._read, tip)
        island = self.island
        if island is None:
            return
        # A change must not loosen its own guard: the stricter of the last and of this tree's settings counts.
        limits = self.limits
        for each in (*before, settings):
            limits = tightened(
                limits,
                max_deletions=each.max_deletions,
                max_percent=each.max_deletion_percent,
                protected_kinds=each.protected_kinds,
            )
        self.rules_now = (limits, approvals)
        island.suspend("suspended in the fleet repository" if settings.suspend else "")
        island.observe_only = settings.observe
        if island.desired is None or island.desired.commit != desired.commit:
            self.log.info(
                "tree.taken",
                commit=desired.commit,
                branch=tip,
                objects=len(desired.objects),
                complete=desired.complete,
            )
        island.want(desired)

    def _fetched(self) -> str:
        branch = self.branches.cluster(self.cluster)
        tip = fetch(self.repository, self.source, [branch]).get(branch, "")
        if tip and self.allowed_signers is not None:
            require_signature(self.repository, tip, self.allowed_signers)
        return tip

    def _read(
        self, tip: str
    ) -> tuple[Desired, tuple[ClusterSettings, ...], ClusterSettings, tuple[Approval, ...]]:
        """What the branch wants, the settings before and with it, and the approvals."""
        commit = check_tip(self.repository, tip, required=CLUSTER_TRAILERS)
        found = read_tip(self.repository, tip, required=CLUSTER_TRAILERS)
        if commit is None or found is None:
            raise GitError(f"the branch of cluster {self.cluster} is empty")
        files = found.files
        desired = desired_of(
            files,
            cluster=self.cluster,
            commit=commit.trailers[RENDERED_COMMIT],
            complete=commit.trailers[COMPLETE] == "true",
            tree=commit.tree,
        )
        # Read from the branch, not remembered: a restart in between must not loosen anything.
        settings = self._settings_at(tip)
        before = self._settings_before(commit)
        approvals = decode_approvals(files[APPROVALS]) if APPROVALS in files else ()
        self.interpreters = self.memory.interpreters(declared_in(files), commit.committer_time)
        return desired, before, settings, approvals

    def _settings_before(self, commit: Commit) -> tuple[ClusterSettings, ...]:
        """The settings of the commits below, back to the last one of another source that could be pruned by."""
        found = []
        at = commit
        while at.parents:
            at = read_commit(self.repository, at.parents[0])
            found.append(self._settings_at(at.oid))
            is_other = at.trailers.get(SOURCE_COMMIT) != commit.trailers.get(SOURCE_COMMIT)
            if is_other and at.trailers.get(COMPLETE) == "true":
                break
        return tuple(dict.fromkeys(found))

    def _settings_at(self, commit: str) -> ClusterSettings:
        files = Files(self.repository, read_commit(self.repository, commit).tree)
        return decode_settings(files[SETTINGS]) if SETTINGS in files else ClusterSettings()

    def _objects_at(self, rendered: str) -> frozenset[ObjectId] | None:
        branch = self._branch_commit(rendered)
        if branch is None:
            return None
        paths = Files(self.repository, read_commit(self.repository, branch).tree)
        return frozenset(id_ for path in paths if (id_ := object_id_of_path(path)) is not None)

    def _supersedes(self, new: str, applied: str) -> bool | None:
        ours, theirs = self._branch_commit(new), self._branch_commit(applied)
        return None if ours is None or theirs is None else contains(self.repository, ours, theirs)

    def _newest(self) -> str:
        """The rendered commit that the branch shows on the remote now."""
        tip = self._fetched()
        return read_commit(self.repository, tip).trailers.get(RENDERED_COMMIT, "") if tip else ""

    def _branch_commit(self, rendered: str) -> str | None:
        tip = resolve(self.repository, self.source.tracking(self.branches.cluster(self.cluster)))
        for _ in range(_HISTORY):
            if not tip:
                return None
            commit = read_commit(self.repository, tip)
            if commit.trailers.get(RENDERED_COMMIT) == rendered:
                return tip
            tip = commit.parents[0] if commit.parents else ""
        return None

    # --- reporting ---

    async def _report_forever(self, stopping: asyncio.Event) -> None:
        stop = asyncio.create_task(stopping.wait())
        while not stopping.is_set():
            changed = asyncio.create_task(self._changed.wait())
            await asyncio.wait(
                {changed, stop}, timeout=self._until_heartbeat(), return_when=asyncio.FIRST_COMPLETED
            )
            changed.cancel()
            if stopping.is_set():
                break
            await asyncio.sleep(self.coalesce)
            self._changed.clear()
            try:
                await self._report()
            except ReconcilerError as error:
                self.log.warning("report.failed", problem=str(error))
                asyncio.get_running_loop().call_later(10.0, self._changed.set)
        stop.cancel()

    def _until_heartbeat(self) -> float:
        if self._reported_at is None:
            return self.report_interval
        return max(0.5, self.report_interval - (self.clock() - self._reported_at).total_seconds())

    async def _report(self) -> None:
        island = self.island
        if island is None or island.report is None or self.may_write():
            return
        now = self.clock()
        previous = self._reported.get("cluster.yaml")
        before = await asyncio.to_thread(_status_of, previous) if previous else None
        told = replace(island.report, status=quantised(island.report.status, before), observed_at=None)
        files = await asyncio.to_thread(encode_report, told, island.members)
        heartbeat = self._reported_at is None or now - self._reported_at >= timedelta(
            seconds=self.report_interval
        )
        if files == self._reported and not heartbeat:
            return
        started = time.monotonic()
        await self.in_git(self._push_report, files, now)
        self._reported, self._reported_at = files, now
        self.hooks.stage("report", time.monotonic() - started)
        self.log.info("report.pushed", objects=len(island.members), commit=island.applied_commit)

    def _push_report(self, files: Mapping[str, bytes], now: datetime) -> None:
        """Commit and push; a report that says nothing new replaces the tip, so that history does not grow."""
        branch = self.branches.report(self.cluster)
        for last in (False, True):
            tip = fetch(self.repository, self.report_to, [branch]).get(branch, "")
            known = read_tip(self.repository, tip, identity=None)
            same = known is not None and dict(known.files) == dict(files)
            written = write_files(
                self.repository,
                files,
                previous=tip,
                facts=CommitFacts(
                    message=f"report of {self.cluster}",
                    author_time=now,
                    committer_time=now,
                    signer=self.signer,
                ),
                replace_tip=same,
            )
            try:
                push(
                    self.repository,
                    self.report_to,
                    [RefUpdate(name=full_name(branch), old=tip, new=written.commit)]
                    if written.commit != tip
                    else [],
                )
            except LostRace:
                if last:
                    raise
            else:
                return

    async def in_git(self, call: Callable[..., T], *arguments: Any) -> T:
        """Call something that uses Git, on the one thread that may."""
        return await asyncio.get_running_loop().run_in_executor(self._git, lambda: call(*arguments))


def declared_in(files: Mapping[str, bytes]) -> tuple[Manifest, ...]:
    """The interpreter customizations that travel in a cluster's tree."""
    if CUSTOMIZATIONS not in files:
        return ()
    origin = Origin(path=CUSTOMIZATIONS)
    return tuple(
        Manifest(id=id_of_body(body), body=body, origin=origin) for body in json.loads(files[CUSTOMIZATIONS])
    )


def _status_of(data: bytes) -> Any:
    from reconciler.manifests.load import load  # noqa: PLC0415

    documents = load(data, "cluster.yaml").documents
    return decode_cluster_report(documents[0].body).status if documents else None
