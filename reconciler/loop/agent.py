"""`reconciler agent`: the lower half of the line in a member cluster, fed by its own branch (DESIGN §4, pull mode).

Needs a Git remote and its own API server; nothing connects inwards. Keeps healing from the last commit it has while the remote is
away, guards deletions again by what its tree and its operator say (`clusterbranch`), and reports (`reporter`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from reconciler.errors import Problem, ReconcilerError
from reconciler.git.repository import Repository, reopened
from reconciler.interpreter.registry import NATIVE, Interpreters
from reconciler.interpreter.webhook.choice import asked_of_members
from reconciler.interpreter.webhook.layer import Answering
from reconciler.loop.asking import NOT_HERE, Nobody
from reconciler.loop.clusterbranch import ClusterBranch, Taken
from reconciler.loop.freshness import Freshness
from reconciler.loop.island import Island
from reconciler.loop.lanes import hurry
from reconciler.loop.log import Log
from reconciler.loop.reporter import Reporter
from reconciler.loop.run import ENDING, STAND_AFTER, Hooks
from reconciler.loop.triggers import Triggers
from reconciler.loop.upkeep import Upkeep
from reconciler.model.config import Approval
from reconciler.model.identity import ObjectId
from reconciler.settings import GuardLimits

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Agent:
    """The running agent of one cluster. `make_reporter` is asked once, with the handle of the thread that speaks with remotes.

    That thread is another one than the islands' questions go to: what a remote keeps waiting keeps nothing else.
    """

    branch: ClusterBranch
    make_reporter: Callable[[Agent, Repository], Reporter]
    triggers: Triggers
    log: Log
    hooks: Hooks = field(default_factory=Hooks)
    may_write: Callable[[], str] = lambda: ""
    suspended: Callable[[], str] = lambda: ""
    grace: float = 15.0
    island: Island | None = None
    trouble: str = ""
    fresh: Freshness = field(default_factory=lambda: Freshness.polling(60.0))
    interpreters: Interpreters = NATIVE
    answering: Answering = field(default_factory=Nobody)
    """Who answers for interpreter webhooks: by default nobody is asked."""
    webhook_problems: Callable[[], tuple[Problem, ...]] = tuple
    rules_now: tuple[GuardLimits, tuple[Approval, ...]] = field(default=(GuardLimits(), ()))
    turned: float = field(default_factory=time.monotonic)
    reporter: Reporter = field(init=False)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _git: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "git"))
    _far: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "remote"))
    _remote: ClusterBranch = field(init=False)
    _upkeep: Upkeep = field(init=False)

    def __post_init__(self) -> None:
        self._remote = replace(self.branch, repository=reopened(self.branch.repository))
        self._upkeep = Upkeep(repository=self.branch.repository, log=self.log)
        self.reporter = self.make_reporter(self, self._remote.repository)

    @property
    def cluster(self) -> str:
        """The cluster's name."""
        return self.branch.cluster

    async def run(self, island: Island, stopping: asyncio.Event) -> None:
        """Follow the branch until `stopping`."""
        self.island = island
        self._stopping = stopping
        tasks = [
            asyncio.create_task(island.run(stopping), name=f"island {self.cluster}"),
            asyncio.create_task(self.reporter.forever(island, stopping)),
        ]
        hurrying = asyncio.create_task(hurry(stopping, self.grace))
        try:
            await self._follow_forever(island, stopping)
        finally:
            stopping.set()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._upkeep.end()
            for thread in (self._git, self._far):
                await asyncio.to_thread(thread.shutdown)
            hurrying.cancel()

    def changed(self) -> None:
        """Something is new to report."""
        self.reporter.changed()
        island = self.island
        if island is not None and island.report is not None:
            name = self.cluster
            self.hooks.fleet({name: island}, island.problems(), {name: island.report})

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

    def notice(self) -> str:
        """What the fleet should know of interpreter webhooks here, or an empty text."""
        problems = self.webhook_problems()
        if problems:
            return f"{problems[0].code}: {problems[0].message}"
        asked = asked_of_members(self.interpreters.webhook.webhooks)
        if not asked or not isinstance(self.answering, Nobody):
            return ""
        return f"{NOT_HERE}: this agent asks no interpreter webhook, so nobody answers for {', '.join(asked)}"

    # --- questions of delivery ---

    async def objects_at(self, commit: str) -> frozenset[ObjectId] | None:
        """The objects of this cluster's tree at a rendered commit, if our branch shows that commit."""
        return await self.in_git(self.branch.objects_at, commit)

    async def supersedes(self, new: str, applied: str) -> bool:
        """Whether `new` may follow `applied`: not when our branch says that `applied` came later.

        A commit that our branch never showed was applied by push delivery, or since we looked: then only the newest branch
        may decide, and while that cannot be had nothing is taken back.
        """
        known = await self.in_git(self.branch.supersedes, new, applied)
        if known is not None:
            return known
        try:
            tip = await self.in_remote(self._remote.fetched)
            newest = await self.in_git(self.branch.rendered_of, tip) if tip else ""
        except ReconcilerError as error:
            self.log.warning("follow.failed", problem=str(error), kind=type(error).__name__)
            return False
        if newest != new:
            self.triggers.fire("outdated")
        return newest == new

    # --- following ---

    async def _follow_forever(self, island: Island, stopping: asyncio.Event) -> None:
        stop = asyncio.create_task(stopping.wait())
        first = asyncio.create_task(self._follow(island))
        await asyncio.wait({first, stop}, timeout=STAND_AFTER, return_when=asyncio.FIRST_COMPLETED)
        if self.fresh.doubt():
            await self._stand(island)
        await first
        while not stopping.is_set():
            wait = asyncio.create_task(self.triggers.wait())
            await asyncio.wait({wait, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not wait.done():
                wait.cancel()
                break
            await self._follow(island)
        stop.cancel()

    async def _follow(self, island: Island) -> None:
        """Look at the remote once, and take what is there. An error is state."""
        self.turned = started = time.monotonic()
        try:
            tip = await self.in_remote(self._remote.fetched)
            self.hooks.stage("fetch", time.monotonic() - started)
            if tip:
                taken = await self.in_git(self.branch.read, tip)
                await self.in_git(self.branch.remember, tip)
                self.fresh.confirm()
                self._want(island, taken, tip)
                island.confirmed()
            self._upkeep.look()
            self.trouble = "" if tip else f"the remote has no branch {self.branch.name} yet"
            self.hooks.passed("ok")
        except ReconcilerError as error:
            self.trouble = str(error)
            self.hooks.passed("failed")
            self.log.warning("follow.failed", problem=str(error), kind=type(error).__name__)
        except Exception as error:
            # A tree that we cannot read (a later engine's, perhaps) must not end the healing by the last one.
            self.trouble = f"internal error: {error}"
            self.hooks.passed("crashed")
            self.log.exception("follow.crashed")

    async def _stand(self, island: Island) -> None:
        """Heal by what was taken last while nobody answers: that does not need the remote."""
        try:
            tip = await self.in_git(self.branch.known)
            taken = await self.in_git(self.branch.read, tip) if tip else None
        except ReconcilerError as error:
            self.log.warning("stand.failed", problem=str(error))
            return
        except Exception:
            self.log.exception("follow.crashed")
            return
        # The remote may have answered meanwhile.
        if taken is not None and self.fresh.doubt():
            self._want(island, taken, tip)

    def _want(self, island: Island, taken: Taken, tip: str) -> None:
        self.rules_now = (taken.limits, taken.approvals)
        self.interpreters = taken.interpreters.asking(self.answering)
        island.suspend("suspended in the fleet repository" if taken.settings.suspend else "")
        island.observe_only = taken.settings.observe
        self.reporter.cadence = taken.settings.status_interval or 0.0
        desired = taken.desired
        if island.desired is None or island.desired.commit != desired.commit:
            self.log.info(
                "tree.taken",
                commit=desired.commit,
                branch=tip,
                objects=len(desired.objects),
                complete=desired.complete,
            )
        island.want(desired)

    async def in_git(self, call: Callable[..., T], *arguments: Any) -> T:
        """Call something that reads Git here, on the one thread that may."""
        return await asyncio.get_running_loop().run_in_executor(self._git, lambda: call(*arguments))

    async def in_remote(self, call: Callable[..., T], *arguments: Any) -> T:
        """Call something that speaks with a remote, on the thread that may wait for it."""
        return await asyncio.get_running_loop().run_in_executor(self._far, lambda: call(*arguments))
