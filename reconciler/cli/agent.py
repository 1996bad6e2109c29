"""`reconciler agent`: pull delivery in a member cluster; `agent manifest` prints what to install there."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click

from reconciler.cli.manifests import agent_manifest
from reconciler.cli.processes import Readiness, background, lead, local_path, stop_on_signals
from reconciler.cli.runoptions import (
    commit_options,
    crash_checkpoint,
    credentials_by_role,
    guard_options,
    kubeconfig_paths,
    signer_of,
    webhooks_option,
)
from reconciler.errors import SettingsError
from reconciler.settings import BranchNames, RemoteUrls, Settings


@click.group("agent", invoke_without_command=True)
@click.option("--cluster", help="The name of this cluster in the fleet.")
@click.option("--url", help="The repository of the cluster's branch; may hold {cluster}.")
@click.option("--report-url", help="Another repository for the report; may hold {cluster}.")
@click.option(
    "--branch-prefix", default="reconciler", show_default=True, help="Prefix of the machine branches."
)
@click.option(
    "--credentials-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="A mounted Secret with Flux's keys.",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="A cache; keeps the last tree while the remote is away.",
)
@click.option(
    "--kubeconfig", help="Reach the own cluster by this kubeconfig instead of the pod's service account."
)
@click.option("--context", default="", help="The kubeconfig's context (default: the cluster's name).")
@click.option("--namespace", default="fleet-reconciler", show_default=True, help="Our own namespace.")
@click.option("--poll-interval", type=float, default=60.0, show_default=True, help="Seconds between polls.")
@click.option(
    "--report-interval",
    type=float,
    default=300.0,
    show_default=True,
    help="Seconds after which to report again.",
)
@click.option("--timeout", type=float, default=30.0, show_default=True, help="Seconds a request may take.")
@click.option(
    "--ready-timeout",
    type=float,
    default=300.0,
    show_default=True,
    help="Seconds to wait for new objects before pruning.",
)
@click.option(
    "--verify-signatures",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Apply only commits signed by one of these (ssh allowed_signers).",
)
@webhooks_option(default=False)
@click.option("--metrics", metavar="HOST:PORT", help="Serve /metrics, /healthz and /readyz here.")
@click.option("--leader-elect", is_flag=True, help="Hold a lease while running.")
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
@guard_options
@commit_options
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Apply this cluster's branch for ever, and report on its report branch. Needs a Git remote and its own API server.

    \b
    Example:
      reconciler agent --cluster edge-1 --url https://git.example.com/platform/fleet.git \\
        --credentials-dir /etc/git --data-dir /var/lib/fleet-reconciler
      reconciler agent manifest --cluster edge-1 --url https://git.example.com/platform/fleet.git | kubectl apply -f -
    """
    if context.invoked_subcommand is not None:
        return
    for name in ("cluster", "url", "data_dir"):
        if not options[name]:
            raise click.UsageError(f"missing option --{name.replace('_', '-')}", context)
    sys.exit(asyncio.run(_run(options)))


@command.command("manifest")
@click.option("--cluster", required=True, help="The name of the cluster in the fleet.")
@click.option("--url", required=True, help="The fleet repository, as the agent reaches it.")
@click.option("--image", default="", help="The image to run (default: the released one of this version).")
@click.option("--namespace", default="fleet-reconciler", show_default=True, help="Where to install it.")
def manifest(cluster: str, url: str, image: str, namespace: str) -> None:
    """Print what to install in the member cluster.

    \b
    Example:
      reconciler agent manifest --cluster edge-1 --url https://git.example.com/platform/fleet.git | kubectl apply -f -
    """
    click.echo(agent_manifest(cluster=cluster, url=url, image=image, namespace=namespace), nl=False)


async def _run(options: dict[str, Any]) -> int:
    from reconciler import telemetry, wiring  # noqa: PLC0415 - the heavy half, only when it runs
    from reconciler.loop.server import Probe, serve_probes  # noqa: PLC0415
    from reconciler.loop.triggers import Triggers, watch_repository  # noqa: PLC0415

    telemetry.configure_logging(level=options["log_level"])
    log = telemetry.logger()
    cluster: str = options["cluster"]
    settings = settings_of(options)
    credentials = credentials_by_role(options["credentials_dir"])
    paths = kubeconfig_paths(options["kubeconfig"])
    source = wiring.own_source(paths, (options["context"] or cluster) if paths else "")
    if source is None:
        raise SettingsError(
            "not inside a cluster, and no --kubeconfig: the agent has no API server to write to"
        )
    stopping = stop_on_signals()
    async with AsyncExitStack() as stack:
        mirror = stack.enter_context(wiring.mirror_at(options["data_dir"]))
        triggers = Triggers(poll_interval=settings.poll_interval)
        agent, island, switch, own = wiring.agent_of(
            cluster,
            source,
            settings,
            mirror.repository,
            credentials,
            triggers,
            wiring.Surroundings(
                data=options["data_dir"],
                hooks=telemetry.hooks(),
                checkpoint=crash_checkpoint(),
                signer=signer_of(options["signing_key"]),
            ),
        )
        agent.branch.allowed_signers = options["verify_signatures"]
        stack.push_async_callback(own.close)
        if options["ask_webhooks"]:
            stack.push_async_callback(wiring.agent_asks_webhooks(agent).close)
        readiness = Readiness(work=agent.ready, waits=bool(options["leader_elect"]))
        if options["metrics"]:
            probe = Probe(healthy=agent.healthy, ready=readiness)
            stack.push_async_callback(
                (await serve_probes(options["metrics"], probe, telemetry.REGISTRY)).cleanup
            )
        await switch.look()
        background(stack, switch.watch(stopping), stopping)
        if options["leader_elect"]:
            leader = wiring.leader_of(own, settings.namespace, "fleet-agent")
            if not await lead(leader, stopping, stack, log):
                return 0
            agent.may_write = lambda: "" if leader.holds() else "the lease is lost"
            readiness.waits = False
        local = local_path(agent.branch.remote.url)
        if local is not None:
            branch = settings.branches.cluster(cluster)
            stack.callback(watch_repository(local, branch, triggers.fire_threadsafe))
        log.info("agent.started", cluster=cluster, source=agent.branch.remote.url)
        await agent.run(island, stopping)
        log.info("agent.stopped", cluster=cluster)
    return 0


def settings_of(options: dict[str, Any]) -> Settings:
    """The agent's settings from its flags."""
    from reconciler.wiring import with_guards  # noqa: PLC0415

    url: str = options["url"]
    settings = Settings(
        branches=BranchNames(prefix=options["branch_prefix"]),
        remotes=RemoteUrls(
            source="" if "{cluster}" in url else url, cluster=url, report=options["report_url"] or url
        ),
        namespace=options["namespace"],
        poll_interval=options["poll_interval"],
        pushes_per_minute=options["pushes_per_minute"],
        report_interval=options["report_interval"],
        request_timeout=options["timeout"],
        ready_timeout=options["ready_timeout"],
    )
    return with_guards(settings, options["max_deletions"], options["max_deletion_percent"])
