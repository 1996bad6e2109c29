"""`reconciler completion`: the script that a shell sources."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the shell completion script.

    \b
    Example:
      reconciler completion bash > ~/.local/share/bash-completion/completions/reconciler
    """
    completion = get_completion_class(shell)
    if completion is None:
        raise click.UsageError(f"no completion for {shell}")
    root = context.find_root().command
    click.echo(completion(root, {}, "reconciler", "_RECONCILER_COMPLETE").source())
