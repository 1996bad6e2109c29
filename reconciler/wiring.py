"""The composition root: from settings to a running program. The only file that picks implementations.

Everything is handed what it needs as a value; nothing below reads flags, the environment or a global.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog

from reconciler.errors import Rejected, SettingsError
from reconciler.git.commits import Signer
from reconciler.git.mirror import Mirror, open_mirror
from reconciler.git.remote import Remote, remote_for
from reconciler.git.repository import Repository
from reconciler.git.urls import Role
from reconciler.interpreter.registry import NATIVE, Interpreters
from reconciler.interpreter.rules import InterpretationError, WebhookFailed
from reconciler.kube.client import Client, Limits
from reconciler.kube.connection import Source
from reconciler.kube.credentials import KubeconfigSource, OwnClusterSource
from reconciler.loop.agent import Agent
from reconciler.loop.asking import Asker, Live
from reconciler.loop.clusterbranch import ClusterBranch
from reconciler.loop.freshness import Freshness
from reconciler.loop.island import Island, Pace
from reconciler.loop.leader import Leader
from reconciler.loop.pushrate import PushRate
from reconciler.loop.record import Record, Remotes
from reconciler.loop.reporter import Reporter
from reconciler.loop.run import Hooks, Reconciler
from reconciler.loop.stopswitch import StopSwitch
from reconciler.loop.triggers import Triggers
from reconciler.manifests.load import load
from reconciler.model.cluster import Cluster, DeliveryMode
from reconciler.model.cluster_document import default_resource_models
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body
from reconciler.model.observation import Readiness
from reconciler.model.plan import Desired, Outcome
from reconciler.observe.collect import DirectObserver
from reconciler.observe.objects import Interpretation
from reconciler.plan.changes import Rules
from reconciler.plan.inventory import apply_set_id
from reconciler.scheduler.batch import PROFILES
from reconciler.scheduler.registry import Profile
from reconciler.settings import Settings
from reconciler.targets.heal import Healer
from reconciler.targets.push import PushTarget
from reconciler.targets.registry import Ways, secret_reader, source_for
from reconciler.targets.site import Questions, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How clusters are reached: by the user's kubeconfig (`contexts` maps a cluster to its context), or by Secrets.

    `own` is the way into the cluster that this program runs in; None outside of one. `allowed_commands` are the exec
    plugins that may run; None lets every plugin run (command line only).
    """

    kubeconfig: tuple[Path, ...] = ()
    contexts: Mapping[str, str] = field(default_factory=dict)
    own: Source | None = None
    namespace: str = "fleet-reconciler"
    allowed_commands: Collection[str] | None = ()

    def ways(self, own: Client | None) -> Ways:
        """The same, as targets ask for it."""
        return Ways(
            kubeconfigs=self.kubeconfig,
            contexts=self.contexts,
            read_secret=secret_reader(own) if own else None,
            namespace=self.namespace,
            allowed_commands=self.allowed_commands,
        )


def remotes_of(
    settings: Settings, credentials: Mapping[Role, Path] | None, *, laptop: bool, interactive: bool = False
) -> Remotes:
    """The remotes of all roles. Raises SettingsError for an address that is refused."""
    urls = settings.remotes

    @cache
    def one(role: Role, cluster: str = "") -> Remote:
        return remote_for(
            urls, role, cluster=cluster, credentials=credentials, laptop=laptop, interactive=interactive
        )

    return Remotes(
        source=one(Role.SOURCE),
        rendered=one(Role.RENDERED),
        status=one(Role.STATUS),
        cluster=lambda name: one(Role.CLUSTER, name),
        report=lambda name: one(Role.REPORT, name),
    )


def mirror_at(data: Path) -> Mirror:
    """The mirror below the data directory, for this process alone."""
    data.mkdir(parents=True, exist_ok=True)
    return open_mirror(data)


def own_client(access: Access) -> Client | None:
    """A client of the cluster that this program runs in; None outside of one."""
    return Client(access.own, cluster="own") if access.own else None


def own_source(kubeconfig: tuple[Path, ...] = (), context: str = "") -> Source | None:
    """The way into the own cluster: the projected service account, or a named context of a kubeconfig; else None."""
    if context:
        return KubeconfigSource(paths=kubeconfig, context=context)
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return OwnClusterSource(environ=dict(os.environ))
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What an island asks of the program around it: inventory trees, order of commits, rules, whether to stop or to doubt."""

    tree: Callable[[str], Awaitable[frozenset[ObjectId] | None]]
    supersedes: Callable[[str, str], Awaitable[bool]]
    rules: Callable[[Desired], Rules]
    stopped: Callable[[], str]
    changed: Callable[[], None]
    unsure: Callable[[], str] = lambda: ""
    stage: Callable[[str, float], None] = lambda _name, _seconds: None
    interpreters: Callable[[], Interpreters] = lambda: NATIVE
    checkpoint: Callable[[str], None] = lambda _name: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the process gives a program: its data directory, what wants to know of passes, crash points, a key to sign with."""

    data: Path
    hooks: Hooks = field(default_factory=Hooks)
    checkpoint: Callable[[str], None] = lambda _name: None
    signer: Signer | None = None


def island_for(cluster: Cluster, source: Source, settings: Settings, around: Around) -> Island:
    """One cluster's worker on a real API server; the same for the reconciler and for the agent."""
    log = structlog.get_logger()
    found: list[Island] = []

    def stopped() -> str:
        return around.stopped() or found[0].may_not_write

    client = Client(
        source, cluster=cluster.name, limits=Limits(timeout=settings.request_timeout), halted=stopped
    )

    def retain(desired: Body, live: Body) -> Body:
        try:
            return around.interpreters().retain(desired, live)
        except InterpretationError as error:
            # Karmada: what cannot be retained is not written, and the other objects are.
            raise Rejected(f"what the member owns cannot be kept: {error}", cluster=cluster.name) from error

    questions = Questions(
        parse=parse_object,
        readiness=readiness,
        retain=retain,
        takes_time=lambda body: around.interpreters().takes_time(body, "retain"),
        tree=around.tree,
        supersedes=around.supersedes,
        stopped=stopped,
        preempted=lambda: found[0].is_waited_for,
    )
    site = Site(
        client=client,
        questions=questions,
        manager=settings.field_manager,
        namespace=settings.namespace,
        ready_timeout=settings.ready_timeout,
        checkpoint=around.checkpoint,
    )
    observer = DirectObserver(
        client=Client(
            source, cluster=cluster.name, limits=Limits(timeout=settings.request_timeout, connections=4)
        ),
        models=lambda: cluster.resource_models,
        part_of=apply_set_id(settings.namespace),
        interpretation=Interpretation(interpreters=around.interpreters, readiness=readiness),
    )
    target = PushTarget(site=site)
    island = Island(
        name=cluster.name,
        target=target,
        observer=observer,
        rules=around.rules,
        clock=now,
        changed=around.changed,
        unsure=around.unsure,
        stage=around.stage,
        log=log,
        pace=Pace(full_pass=settings.full_pass_interval),
        observe_only=cluster.observe_only,
    )
    found.append(island)

    async def correct(ids: frozenset[ObjectId]) -> Outcome | None:
        wanted = island.desired
        if wanted is None or island.observe_only:
            return None
        return await target.put_back(ids, around.rules(wanted))

    island.healer = Healer(
        target=target,
        correct=correct,
        fighting=island.fighting,
        corrected=island.healed,
        stirred=island.stir,
    )
    return island


def reconciler_of(
    settings: Settings,
    access: Access,
    repository: Repository,
    remotes: Remotes,
    triggers: Triggers,
    surroundings: Surroundings,
    *,
    accept_history: str = "",
    profiles: Mapping[str, Profile] = PROFILES,
) -> tuple[Reconciler, StopSwitch, Client | None]:
    """The reconciler with its record, its islands' factory, its stop switch and the client of its own cluster."""
    own = own_client(access)
    ways = access.ways(own)
    switch = StopSwitch(client=own, namespace=access.namespace, directory=surroundings.data)
    log = structlog.get_logger()
    record = Record(
        repository=repository,
        remotes=remotes,
        branches=settings.branches,
        limits=settings.guards,
        accept_history=accept_history,
        profiles=profiles,
        clock=now,
        checkpoint=surroundings.checkpoint,
        signer=surroundings.signer,
    )
    box: list[Reconciler] = []

    def make_island(cluster: Cluster) -> Island:
        program = box[0]

        async def tree(commit: str) -> frozenset[ObjectId] | None:
            return await program.asked.do(Record.objects_at, commit, cluster.name)

        async def supersedes(new: str, applied: str) -> bool:
            return await program.asked.do(Record.supersedes, new, applied)

        def rules(_desired: Desired) -> Rules:
            return Rules(
                now=now(), limits=program.limits, approvals=program.approvals, manager=settings.field_manager
            )

        return island_for(
            cluster,
            source_for(cluster, ways),
            settings,
            Around(
                tree=tree,
                supersedes=supersedes,
                rules=rules,
                stopped=lambda: program.may_deliver() or switch.stopped(cluster.name),
                changed=program.status_changed,
                unsure=program.fresh.doubt,
                stage=surroundings.hooks.stage,
                interpreters=lambda: program.interpreters,
                checkpoint=surroundings.checkpoint,
            ),
        )

    program = Reconciler(
        record=record,
        triggers=triggers,
        make_island=make_island,
        aggregate=lambda body, items: aggregate(box[0].interpreters, body, items),
        clock=now,
        log=log,
        suspended=switch.stopped,
        hooks=surroundings.hooks,
        fresh=Freshness.polling(settings.poll_interval),
        rate=PushRate(per_minute=settings.pushes_per_minute),
        status_interval=settings.status_interval,
        report_interval=settings.report_interval,
    )
    box.append(program)
    switch.turned = program.turned_to
    return program, switch, own


def ask_webhooks(program: Reconciler, refresh: float) -> None:
    """Let the reconciler ask the fleet's interpreter webhooks, from the event loop that is running."""
    program.answered.asker = Asker(log=program.log, news=program.answered.gather, refresh=refresh)


def agent_asks_webhooks(agent: Agent) -> Asker:
    """Let the agent ask the fleet's interpreter webhooks about its own cluster's objects; to be closed by the caller."""
    asker = Asker(log=agent.log)
    agent.answering = Live(asker)
    agent.webhook_problems = asker.problems
    return asker


def leader_of(own: Client | None, namespace: str, name: str) -> Leader:
    """The candidate for the lease `name`. Raises SettingsError outside a cluster."""
    if own is None:
        raise SettingsError(
            "--leader-elect needs a cluster to hold the lease in: run inside one, or name --own-context"
        )
    return Leader(
        client=own,
        namespace=namespace,
        name=name,
        # Host and process are not enough: pods on one host's network share both.
        identity=f"{socket.gethostname()}_{uuid4()}",
    )


@lru_cache(maxsize=512)
def parse_object(data: bytes) -> Body:
    """The one object of a rendered file. Clusters that get the same bytes share what is parsed: nobody may change it."""
    documents = load(data, "rendered.yaml").documents
    return documents[0].body if documents else {}


def readiness(body: Body) -> tuple[Readiness, str]:
    """Kstatus of a live object, as of now."""
    return NATIVE.readiness(body, now())


def aggregate(interpreters: Interpreters, body: Body, items: Any) -> Body | None:
    """Karmada's AggregateStatus; a member status that does not fit leaves the template as it is. None: it cannot be told just now."""
    try:
        return interpreters.aggregate(body, items, now())
    except WebhookFailed:
        return None
    except InterpretationError:
        return body


def now() -> datetime:
    """The clock of the shell."""
    return datetime.now(UTC)


def with_guards(settings: Settings, max_deletions: int | None, max_percent: int | None) -> Settings:
    """Settings with the operator's ceiling from flags."""
    guards = settings.guards
    return replace(
        settings,
        guards=replace(
            guards,
            max_deletions=guards.max_deletions if max_deletions is None else max_deletions,
            max_percent=guards.max_percent if max_percent is None else max_percent,
        ),
    )


def agent_of(
    cluster: str,
    source: Source,
    settings: Settings,
    repository: Repository,
    credentials: Mapping[Role, Path] | None,
    triggers: Triggers,
    surroundings: Surroundings,
) -> tuple[Agent, Island, StopSwitch, Client]:
    """The agent of one cluster, its island, its stop switch and the client of its own cluster."""
    own = Client(source, cluster=cluster)
    switch = StopSwitch(client=own, namespace=settings.namespace, directory=surroundings.data)
    laptop = credentials is None
    log = structlog.get_logger()

    def remote(role: Role) -> Remote:
        return remote_for(settings.remotes, role, cluster=cluster, credentials=credentials, laptop=laptop)

    def reporter(agent: Agent, handle: Repository) -> Reporter:
        return Reporter(
            cluster=cluster,
            repository=handle,
            remote=remote(Role.REPORT),
            branches=settings.branches,
            clock=now,
            log=log,
            in_git=agent.in_remote,
            may_write=lambda: agent.may_write(),  # noqa: PLW0108 - the lease is given to the agent later
            stage=surroundings.hooks.stage,
            interval=settings.report_interval,
            rate=PushRate(per_minute=settings.pushes_per_minute),
            signer=surroundings.signer,
        )

    agent = Agent(
        branch=ClusterBranch(
            cluster=cluster,
            repository=repository,
            remote=remote(Role.CLUSTER),
            branches=settings.branches,
            limits=settings.guards,
        ),
        make_reporter=reporter,
        triggers=triggers,
        log=log,
        hooks=surroundings.hooks,
        fresh=Freshness.polling(settings.poll_interval),
        suspended=lambda: switch.stopped(cluster),
        rules_now=(settings.guards, ()),
    )
    switch.turned = agent.turned_to

    def rules(_desired: Desired) -> Rules:
        limits, approvals = agent.rules_now
        return Rules(now=now(), limits=limits, approvals=approvals, manager=settings.field_manager)

    island = island_for(
        Cluster(name=cluster, sync_mode=DeliveryMode.PULL, resource_models=default_resource_models()),
        source,
        settings,
        Around(
            tree=agent.objects_at,
            supersedes=agent.supersedes,
            rules=rules,
            stopped=agent.may_deliver,
            changed=agent.changed,
            unsure=agent.fresh.doubt,
            stage=surroundings.hooks.stage,
            interpreters=lambda: agent.interpreters,
            checkpoint=surroundings.checkpoint,
        ),
    )
    island.notice = agent.notice
    return agent, island, switch, own
