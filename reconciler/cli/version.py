"""`reconciler version`: what this is, and what it stands on."""

from __future__ import annotations

import json
import platform

import click

from reconciler import __version__


@click.command("version")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(output: str) -> None:
    """Print the version.

    \b
    Example:
      reconciler version -o json
    """
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - only this verb needs it

    facts = {"reconciler": __version__, "python": platform.python_version()}
    for package in ("pygit2", "kubernetes"):
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "not installed"
    if output == "json":
        click.echo(json.dumps({"apiVersion": "fleet-reconciler/v1alpha1", "kind": "Version", **facts}))
    else:
        click.echo("\n".join(f"{name} {value}" for name, value in facts.items()))
