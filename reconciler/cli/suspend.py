"""`reconciler suspend` and `resume`: stop and start delivery, by the fleet repository or at once without Git."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from reconciler.cli.fleetfiles import SETTINGS_FILE, edit_settings
from reconciler.cli.fleetpath import output_option, path_option, source_at
from reconciler.cli.output import document, edited
from reconciler.cli.runoptions import kubeconfig_paths
from reconciler.errors import SettingsError


def _options(function: Any) -> Any:
    for option in reversed(
        [
            path_option,
            output_option("text", "json"),
            click.option(
                "--cluster",
                "clusters",
                multiple=True,
                help="Only this cluster; may be repeated (default: the fleet).",
            ),
            click.option(
                "--now",
                is_flag=True,
                help="At once, without Git: an annotation beside the reconciler or the agent.",
            ),
            click.option(
                "--kubeconfig",
                envvar="KUBECONFIG",
                help="With --now: how to reach the cluster that the reconciler or the agent runs in.",
            ),
            click.option("--context", default="", help="With --now: its context (default: the current one)."),
            click.option(
                "--namespace",
                default="fleet-reconciler",
                show_default=True,
                help="With --now: the namespace of the reconciler or the agent.",
            ),
            click.option(
                "--data-dir",
                type=click.Path(exists=True, file_okay=False, path_type=Path),
                help="At once, for a reconciler that runs on this machine with this data directory.",
            ),
        ]
    ):
        function = option(function)
    return function


@click.command("suspend")
@_options
def command(**options: Any) -> int:
    """Stop delivery. Nothing is written to a suspended cluster; rendering and status go on.

    The whole fleet suspended with --now or --data-dir also keeps the machine branches where they are, so that agents and other
    tools that follow them stand still.

    Without --now or --data-dir the fleet repository's reconciler.yaml is edited, for a pull request.

    \b
    Example:
      reconciler suspend --cluster edge-1
      reconciler suspend --now --context hub
    """
    return _switch(options, stop=True)


@click.command("resume")
@_options
def resume(**options: Any) -> int:
    """Start delivery again, where `suspend` stopped it.

    \b
    Example:
      reconciler resume --cluster edge-1
      reconciler resume --now --context hub
    """
    return _switch(options, stop=False)


def _switch(options: dict[str, Any], *, stop: bool) -> int:
    names: tuple[str, ...] = options["clusters"]
    if options["now"]:
        asyncio.run(_annotate(options, names, stop=stop))
        return 0
    if options["data_dir"] is not None:
        file = options["data_dir"] / "suspend"
        left = _changed(file.read_text() if file.exists() else "", names, stop=stop)
        if left:
            file.write_text(left + "\n")
        else:
            file.unlink(missing_ok=True)
        _say(options["output"], str(file), left)
        return 0
    known = set(_clusters(options["path"]))
    unknown = sorted(set(names) - known)
    if unknown:
        raise SettingsError(
            f"no such cluster: {', '.join(unknown)}; there are {', '.join(sorted(known)) or 'none'}"
        )
    changed = edit_settings(options["path"], suspend=stop if not names else None, clusters=names, stop=stop)
    file = options["path"] / SETTINGS_FILE
    words = f"{'edited' if changed else 'nothing to change in'} {file}"
    edited(options["output"], words, written=[file] if changed else [])
    return 0


def _clusters(path: Path) -> list[str]:
    from reconciler.fleet.assemble import assemble  # noqa: PLC0415

    return [cluster.name for cluster in assemble(source_at(path, None)).clusters]


async def _annotate(options: dict[str, Any], names: tuple[str, ...], *, stop: bool) -> None:
    from reconciler.kube.client import Client  # noqa: PLC0415
    from reconciler.kube.credentials import KubeconfigSource  # noqa: PLC0415
    from reconciler.loop.stopswitch import ANNOTATION, CONFIG_MAPS, NAME  # noqa: PLC0415

    paths = kubeconfig_paths(options["kubeconfig"]) or (Path.home() / ".kube" / "config",)
    client = Client(
        KubeconfigSource(paths=paths, context=options["context"]), cluster=options["context"] or "current"
    )
    try:
        found = await client.get(CONFIG_MAPS, options["namespace"], NAME)
        before = (((found or {}).get("metadata") or {}).get("annotations") or {}).get(ANNOTATION, "")
        left = _changed(before, names, stop=stop)
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": NAME, "namespace": options["namespace"], "annotations": {ANNOTATION: left}},
        }
        await client.apply(CONFIG_MAPS, options["namespace"], NAME, body, manager="reconciler-cli")
    finally:
        await client.close()
    _say(options["output"], f"ConfigMap {options['namespace']}/{NAME}", left)


def _say(output: str, where: str, left: str) -> None:
    if output == "json":
        click.echo(document("Suspension", {"where": where, "suspended": left.split(",") if left else []}))
    else:
        click.echo(f"{where}: {left or 'nothing is suspended'}")


def _changed(text: str, names: tuple[str, ...], *, stop: bool) -> str:
    from reconciler.loop.stopswitch import EVERYTHING, parse  # noqa: PLC0415

    asked = set(names) or {EVERYTHING}
    before = parse(text)
    if not stop and not names:
        return ""
    left = before | asked if stop else before - asked
    return ",".join(sorted(left))
