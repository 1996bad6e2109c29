"""`reconciler run`: the reconciler, for ever."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.fleetpath import plugins_option
from reconciler.cli.processes import (
    Readiness,
    background,
    lead,
    local_path,
    passing_on,
    stop_on_signals,
)
from reconciler.cli.runoptions import (
    access_of,
    cluster_options,
    commit_options,
    crash_checkpoint,
    credentials_by_role,
    git_options,
    guard_options,
    signer_of,
    webhooks_option,
)
from reconciler.errors import SettingsError
from reconciler.settings import BranchNames, RemoteUrls, Settings

if TYPE_CHECKING:
    from reconciler.loop.run import Reconciler


@click.command("run")
@git_options
@cluster_options
@guard_options
@commit_options
@click.option(
    "--listen", metavar="HOST:PORT", help="Serve signed GitHub and GitLab push webhooks at /webhook here."
)
@click.option(
    "--webhook-secret-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The secret that webhooks are signed with; read at every delivery.",
)
@click.option("--metrics", metavar="HOST:PORT", help="Serve /metrics, /healthz and /readyz here.")
@click.option(
    "--poll-interval", type=float, default=60.0, show_default=True, help="Seconds between polls; 0: never."
)
@click.option(
    "--status-interval",
    type=float,
    default=300.0,
    show_default=True,
    help="Seconds between commits of counters.",
)
@click.option(
    "--report-interval",
    type=float,
    default=300.0,
    show_default=True,
    help="Seconds after which agents report again.",
)
@click.option(
    "--watch/--no-watch",
    default=True,
    help="Watch a source repository that is a directory.",
    show_default=True,
)
@plugins_option
@webhooks_option(default=True)
@click.option(
    "--webhook-refresh",
    type=click.FloatRange(min=60.0),
    default=3600.0,
    show_default=True,
    help="Seconds after which an interpreter webhook is asked the same again.",
)
@click.option("--leader-elect", is_flag=True, help="Hold a lease while running: one writer of many replicas.")
@click.option(
    "--accept-history",
    metavar="COMMIT",
    default="",
    help="Go on with a rewritten source history that contains COMMIT.",
)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
def command(**options: object) -> None:
    """Reconcile for ever: render each commit, deliver it, write the status back.

    \b
    Example:
      reconciler run --url https://git.example.com/platform/fleet.git --credentials-dir /etc/git \\
        --data-dir /var/lib/fleet-reconciler --metrics 0.0.0.0:8081
      reconciler run --url file:///srv/fleet.git --kubeconfig ~/.kube/config --data-dir /tmp/reconciler
    """
    sys.exit(asyncio.run(_run(options)))


async def _run(options: dict[str, object]) -> int:
    from reconciler import telemetry, wiring  # noqa: PLC0415 - the heavy half, only when it runs
    from reconciler.loop.plugins import load_profiles  # noqa: PLC0415
    from reconciler.loop.triggers import Triggers, watch_repository  # noqa: PLC0415

    telemetry.configure_logging(level=str(options["log_level"]))
    log = telemetry.logger()
    settings = settings_of(options)
    access = access_of(options)
    credentials = credentials_by_role(_path_or_none(options["credentials_dir"]))
    remotes = wiring.remotes_of(settings, credentials, laptop=credentials is None)
    data = _path(options["data_dir"])
    stopping = stop_on_signals()
    async with AsyncExitStack() as stack:
        mirror = stack.enter_context(wiring.mirror_at(data))
        triggers = Triggers(poll_interval=settings.poll_interval)
        program, switch, own = wiring.reconciler_of(
            settings,
            access,
            mirror.repository,
            remotes,
            triggers,
            wiring.Surroundings(
                data=data,
                hooks=telemetry.hooks(),
                checkpoint=crash_checkpoint(),
                signer=signer_of(_path_or_none(options["signing_key"])),
            ),
            accept_history=str(options["accept_history"]),
            profiles=load_profiles(str(options["plugins"])),
        )
        if options["ask_webhooks"]:
            wiring.ask_webhooks(program, float(str(options["webhook_refresh"])))
        if own is not None:
            stack.push_async_callback(own.close)
        readiness = Readiness(work=program.ready, waits=bool(options["leader_elect"]))
        leader = (
            wiring.leader_of(own, access.namespace, "fleet-reconciler") if options["leader_elect"] else None
        )
        fire: Callable[[str], None] = triggers.fire
        if leader is not None:
            leader.asked = triggers.fire
            fire = passing_on(leader, readiness, triggers.fire)
        await _serve(options, program, readiness, fire, stack)
        await switch.look()
        background(stack, switch.watch(stopping), stopping)
        if leader is not None:
            if not await lead(leader, stopping, stack, log):
                return 0
            program.may_write = lambda: "" if leader.holds() else "the lease is lost"
            readiness.waits = False
        local = local_path(remotes.source.url) if options["watch"] else None
        if local is not None:
            stack.callback(watch_repository(local, settings.branches.source, triggers.fire_threadsafe))
        log.info("reconciler.started", source=remotes.source.url, branch=settings.branches.source)
        await program.run(stopping)
        log.info("reconciler.stopped")
    return 0


async def _serve(
    options: dict[str, object],
    program: Reconciler,
    readiness: Readiness,
    fire: Callable[[str], None],
    stack: AsyncExitStack,
) -> None:
    """The HTTP servers that were asked for."""
    from reconciler import telemetry  # noqa: PLC0415
    from reconciler.loop.server import Probe, serve, serve_probes  # noqa: PLC0415
    from reconciler.loop.triggers import webhook_handler  # noqa: PLC0415

    if options["metrics"]:
        probe = Probe(healthy=program.healthy, ready=readiness)
        runner = await serve_probes(str(options["metrics"]), probe, telemetry.REGISTRY)
        stack.push_async_callback(runner.cleanup)
    if options["listen"]:
        secret_file = _path_or_none(options["webhook_secret_file"])
        if secret_file is None:
            raise SettingsError("--listen needs --webhook-secret-file: unsigned webhooks are refused")
        handler = webhook_handler(
            fire,
            secret=lambda: secret_file.read_bytes().strip(),
            branches=program.record.branches,
            log=telemetry.logger(),
        )
        runner = await serve(str(options["listen"]), {}, {"/webhook": handler})
        stack.push_async_callback(runner.cleanup)


def settings_of(options: dict[str, object]) -> Settings:
    """The operator's settings from the flags of `run`."""
    from reconciler.wiring import with_guards  # noqa: PLC0415

    settings = Settings(
        branches=BranchNames(source=str(options["branch"]), prefix=str(options["branch_prefix"])),
        remotes=RemoteUrls(
            source=str(options["url"]),
            rendered=str(options["rendered_url"] or ""),
            cluster=str(options["cluster_url"] or ""),
            report=str(options["report_url"] or ""),
            status=str(options["status_url"] or ""),
        ),
        namespace=str(options["namespace"]),
        poll_interval=float(str(options["poll_interval"])),
        pushes_per_minute=float(str(options.get("pushes_per_minute", 6.0))),
        status_interval=float(str(options.get("status_interval", 300.0))),
        report_interval=float(str(options.get("report_interval", 300.0))),
        request_timeout=float(str(options["timeout"])),
        ready_timeout=float(str(options["ready_timeout"])),
    )
    return with_guards(settings, options["max_deletions"], options["max_deletion_percent"])  # type: ignore[arg-type]


def _path(value: object) -> Path:
    return Path(str(value))


def _path_or_none(value: object) -> Path | None:
    return Path(str(value)) if value else None
