"""Options that `run`, `agent` and `apply` share, and what they come to."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.errors import SettingsError
from reconciler.git.urls import Role

if TYPE_CHECKING:
    from reconciler.git.commits import Signer
    from reconciler.wiring import Access

F = TypeVar("F", bound=Callable[..., Any])


def _all(function: F, options: list[Callable[[F], F]]) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def git_options(function: F) -> F:
    """Where the fleet's branches are, and with which credential."""
    return _all(
        function,
        [
            click.option("--url", required=True, help="The fleet repository: https://…, ssh://… or a path."),
            click.option("--branch", default="main", show_default=True, help="The source branch."),
            click.option(
                "--branch-prefix",
                default="reconciler",
                show_default=True,
                help="Prefix of the machine branches.",
            ),
            click.option("--rendered-url", help="Another repository for the render tree."),
            click.option(
                "--cluster-url", help="Another repository for cluster branches; may hold {cluster}."
            ),
            click.option("--report-url", help="Another repository for reports; may hold {cluster}."),
            click.option("--status-url", help="Another repository for the status."),
            click.option(
                "--credentials-dir",
                type=click.Path(path_type=Path, file_okay=False),
                help="A mounted Secret with Flux's keys, or a directory of such, one a role (source, rendered, cluster, report, status).",
            ),
            click.option(
                "--data-dir",
                type=click.Path(path_type=Path, file_okay=False),
                required=True,
                help="A cache; may be deleted whenever nothing runs.",
            ),
        ],
    )


def cluster_options(function: F) -> F:
    """How member clusters are reached."""
    return _all(
        function,
        [
            click.option(
                "--kubeconfig", help="Reach clusters by this kubeconfig's contexts instead of by Secrets."
            ),
            click.option(
                "--context",
                "contexts",
                multiple=True,
                metavar="CLUSTER=CONTEXT",
                help="The context of a cluster, where it is not its name.",
            ),
            click.option(
                "--own-context",
                default="",
                help="The context of the cluster that holds the lease and the Secrets, outside a pod.",
            ),
            click.option(
                "--namespace",
                default="fleet-reconciler",
                show_default=True,
                help="Our own namespace, here and in members.",
            ),
            click.option(
                "--allow-exec",
                "allowed_commands",
                multiple=True,
                metavar="COMMAND",
                help="An exec plugin that a credential may run.",
            ),
            click.option(
                "--timeout", type=float, default=30.0, show_default=True, help="Seconds a request may take."
            ),
            click.option(
                "--ready-timeout",
                type=float,
                default=300.0,
                show_default=True,
                help="Seconds to wait for new objects before pruning.",
            ),
        ],
    )


def webhooks_option(*, default: bool) -> Callable[[F], F]:
    """Whether interpreter webhooks are asked."""
    return click.option(
        "--ask-webhooks/--no-ask-webhooks",
        default=default,
        show_default=True,
        help="Ask the fleet's interpreter webhooks about objects.",
    )


def guard_options(function: F) -> F:
    """The operator's ceiling on deletions."""
    return _all(
        function,
        [
            click.option(
                "--max-deletions",
                type=click.IntRange(0),
                help="Deletions a cluster may have without approval (default 10).",
            ),
            click.option(
                "--max-deletion-percent",
                type=click.IntRange(0, 100),
                help="The same as a share; the larger counts (default 20).",
            ),
        ],
    )


def commit_options(function: F) -> F:
    """How the commits that are pushed are signed, and how often they are pushed."""
    return _all(
        function,
        [
            click.option(
                "--signing-key",
                type=click.Path(path_type=Path, dir_okay=False),
                help="Sign commits with this Ed25519 key (OpenSSH format, no passphrase).",
            ),
            click.option(
                "--pushes-per-minute",
                type=click.FloatRange(0),
                default=6.0,
                show_default=True,
                help="Pushes to one repository on another machine in the long run; 0: any number.",
            ),
        ],
    )


def signer_of(key: Path | None) -> Signer | None:
    """What signs with the key; None without one. Raises SettingsError where it cannot be used."""
    from reconciler.git.signatures import SshSigner  # noqa: PLC0415

    return SshSigner(key=key) if key is not None else None


def parse_contexts(pairs: tuple[str, ...]) -> dict[str, str]:
    """`CLUSTER=CONTEXT` pairs. Raises SettingsError."""
    found = {}
    for pair in pairs:
        cluster, separator, context = pair.partition("=")
        if not separator or not cluster or not context:
            raise SettingsError(f"not CLUSTER=CONTEXT: {pair!r}")
        found[cluster] = context
    return found


def kubeconfig_paths(text: object) -> tuple[Path, ...]:
    """The files that a kubeconfig option names, as kubectl reads it."""
    return tuple(Path(part).expanduser() for part in str(text or "").split(os.pathsep) if part)


def access_of(options: dict[str, Any], *, interactive: bool = False) -> Access:
    """How clusters are reached, from the flags. `interactive` lets every exec plugin run."""
    from reconciler.wiring import Access, own_source  # noqa: PLC0415

    paths = kubeconfig_paths(options["kubeconfig"])
    allowed = options.get("allowed_commands") or ()
    return Access(
        kubeconfig=paths,
        contexts=parse_contexts(tuple(options["contexts"])),
        own=own_source(paths, str(options.get("own_context") or "")),
        namespace=str(options["namespace"]),
        allowed_commands=None if interactive else tuple(allowed),
    )


def credentials_by_role(directory: Path | None) -> dict[Role, Path] | None:
    """The credential directory of each role: sub-directories by role, or one for all. None: the user's own Git helpers."""
    if directory is None:
        return None
    if not directory.is_dir():
        raise SettingsError(f"--credentials-dir {directory} is not a directory")
    named = {role: directory / role.value for role in Role if (directory / role.value).is_dir()}
    return named or dict.fromkeys(Role, directory)


def crash_checkpoint() -> Callable[[str], None]:
    """Ends the process at a named point when `RECONCILER_CRASH_AT` says so: for the tests of promise 4."""
    wanted = os.environ.get("RECONCILER_CRASH_AT", "")
    if not wanted:
        return lambda _name: None
    name, _, count = wanted.partition(":")
    left = [int(count or 1)]

    def checkpoint(point: str) -> None:
        if point == name:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return checkpoint
