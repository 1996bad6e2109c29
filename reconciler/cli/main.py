"""The `reconciler` command: its verbs, loaded one by one, and what is common to all of them.

Importing this file must stay cheap: a verb's module is imported when the verb is used.
"""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final

import click

from reconciler import __version__
from reconciler.errors import FleetError, ReconcilerError

VERBS: Final[dict[str, tuple[str, str]]] = {
    "init": ("init", "Write a small working fleet repository."),
    "validate": ("validate", "Check the whole fleet: every problem at once, with its place and remedy."),
    "render": ("render", "Compute what runs where; write it to a directory or to the machine branches."),
    "diff": ("diff", "Show what a change does: placements and objects, per cluster."),
    "explain": ("explain", "Say why a template is where it is: policy, filters, division, overrides."),
    "simulate": ("simulate", "Decide with changed facts: what moves when a cluster or a zone is lost."),
    "interpret": ("interpret", "Run the rules of a kind on a file, for those who write rules."),
    "apply": ("apply", "Carry out one pass of the rendered state against the push clusters."),
    "run": ("run", "Reconcile for ever (the Deployment)."),
    "agent": ("agent", "Apply this cluster's branch for ever (in the member cluster)."),
    "status": ("status", "Show the fleet, a cluster or a workload, as last committed."),
    "approve": ("approve", "Write an Approval for the deletions that a guard stopped."),
    "suspend": ("suspend", "Stop delivery, to the fleet or to a cluster, with or without Git."),
    "resume": ("resume", "Start delivery again."),
    "cluster": ("cluster", "Add or remove a cluster in the fleet repository's own files."),
    "demo": ("demo", "Show the whole line on a throw-away copy of the example fleet."),
    "completion": ("completion", "Print the shell completion script."),
    "version": ("version", "Print the version."),
}

ALIASES: Final = {"plan": "diff", "get": "status", "why": "explain"}

HINTS: Final = {
    "join": "clusters are files of the fleet repository: `reconciler cluster add NAME`",
    "unjoin": "clusters are files of the fleet repository: `reconciler cluster remove NAME`",
    "cordon": "write the taint into the cluster's file (spec.taints); first see what moves: `reconciler simulate --cordon NAME`",
    "uncordon": "take the taint out of the cluster's file (spec.taints)",
    "taint": "write it into the cluster's file (spec.taints); first see what moves: `reconciler simulate --taint`",
    "drain": "take the cluster out of the fleet: `reconciler cluster remove NAME`; first see what moves: `reconciler simulate --lose NAME`",
    "register": "install the agent: `reconciler agent manifest --cluster NAME`",
    "reconcile": "one pass: `reconciler apply`; for ever: `reconciler run`",
    "sync": "one pass: `reconciler apply`; for ever: `reconciler run`",
    "deploy": "one pass: `reconciler apply`",
    "build": "`reconciler render` computes the tree",
    "lint": "`reconciler validate` checks the fleet",
    "test": "`reconciler validate` checks the fleet",
    "vet": "`reconciler validate` checks the fleet",
    "prune": "`reconciler apply` prunes last; `reconciler approve` allows what a guard stopped",
    "pause": "`reconciler suspend`",
    "bootstrap": "`reconciler init` writes a fleet repository",
    "promote": "importing live objects is not there yet",
    "import": "importing live objects is not there yet",
    "compare": "comparing with a live Karmada is not there yet",
    "rollback": "`git revert` the source commit; pinning an earlier render is not there yet",
    "delete": "delete the file in Git, then `reconciler diff` shows what goes",
}


_PIPE_CLOSED: Final = 141
"""As a shell says of a program that ended by SIGPIPE."""


class Verbs(click.Group):
    """A group that imports a verb when it is used, and answers a foreign verb with a hint."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in the order in which a person meets them."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command, imported now; None where there is no such verb."""
        del ctx
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in VERBS:
            return None
        module, _ = VERBS[name]
        command: click.Command = import_module(f"reconciler.cli.{module}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Click's own, with our hint for verbs of other tools."""
        name = args[0] if args else ""
        if name and name not in VERBS and name not in ALIASES and not name.startswith("-"):
            near = get_close_matches(name, [*VERBS, *ALIASES], n=1)
            hint = HINTS.get(name) or (
                f"did you mean `reconciler {near[0]}`?" if near else "see `reconciler --help`"
            )
            raise click.UsageError(f"no such verb: {name}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Click's own, which answers a reader that has gone with 1: for most verbs that means something else."""
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # What is left to be written goes nowhere, and is not complained about on the way out.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(_PIPE_CLOSED) from None
        return code

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs without importing them."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])


@click.group(
    cls=Verbs,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "RECONCILER",
        "max_content_width": 110,
    },
)
@click.version_option(__version__, "--version", prog_name="reconciler", message="%(prog)s %(version)s")
def root() -> None:
    """A GitOps reconciler for fleets of Kubernetes clusters.

    From one commit of a fleet repository it computes which object runs on which cluster, writes that as a render
    tree in Git, delivers it, and writes the fleet's status back as commits.

    \b
    Example:
      reconciler init my-fleet && cd my-fleet
      reconciler validate
      reconciler diff main...HEAD
    """


def main(arguments: list[str] | None = None) -> None:
    """Run a verb. Exit codes are DESIGN §7's; 2 is any error that the verb did not turn into one of its own."""
    try:
        code: Any = root.main(args=arguments, prog_name="reconciler", standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        error.show()
        code = 2
    except click.Abort:
        click.echo("stopped", err=True)
        code = 130
    except FleetError as error:
        click.echo(f"error: {error}", err=True)
        for problem in error.problems:
            click.echo(str(problem), err=True)
        code = 2
    except ReconcilerError as error:
        click.echo(f"error: {error}", err=True)
        code = 2
    except OSError as error:
        # What a person named cannot be read or written: the system's words say why.
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {where}{error.strerror or error}", err=True)
        code = 2
    sys.exit(code if isinstance(code, int) else 0)
