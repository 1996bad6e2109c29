"""`reconciler cluster`: adds and removes clusters in the fleet repository's own files, for a pull request."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from reconciler.cli.fleetfiles import find_cluster, remove_cluster
from reconciler.cli.fleetpath import output_option, path_option, source_at
from reconciler.cli.output import edited, note, print_problems
from reconciler.errors import SettingsError
from reconciler.fleet.assemble import assemble
from reconciler.manifests.emit import emit

_TAINT = re.compile(r"(?P<key>[^=:]+)(=(?P<value>[^:]*))?:(?P<effect>NoSchedule|NoExecute)\Z")


@click.group("cluster")
def command() -> None:
    """Add or remove a cluster in the fleet repository's own files; comments and layout are kept.

    \b
    Example:
      reconciler cluster add paris --region eu-west --label env=prod --secret paris-kubeconfig
      reconciler cluster remove paris
    """


@command.command("add")
@click.argument("name")
@path_option
@click.option(
    "--mode",
    type=click.Choice(["Push", "Pull", "External"]),
    default="Push",
    show_default=True,
    help="Who writes into it.",
)
@click.option("--region", default="")
@click.option("--zone", "zones", multiple=True, help="May be repeated.")
@click.option("--provider", default="")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="May be repeated.")
@click.option(
    "--taint",
    "taints",
    multiple=True,
    metavar="KEY[=VALUE]:EFFECT",
    help="NoSchedule or NoExecute; may be repeated.",
)
@click.option("--api-endpoint", default="", help="https://…; must be what the Secret says.")
@click.option("--secret", default="", help="The Secret with its credential, in the reconciler's namespace.")
@click.option(
    "--namespace", default="fleet-reconciler", show_default=True, help="The reconciler's namespace."
)
@output_option("text", "json")
def add(name: str, path: Path, **options: Any) -> int:
    """Write clusters/NAME.yaml.

    \b
    Example:
      reconciler cluster add edge-1 --mode Pull --region eu-south --taint edge:NoSchedule
    """
    if find_cluster(path, name) is not None:
        raise SettingsError(f"cluster {name} is in the fleet already")
    body = cluster_document(name, **options)
    file = path / "clusters" / f"{name}.yaml"
    if file.exists() or Path(name).name != name:
        raise SettingsError(f"{file} cannot be written: it exists, or {name!r} is no cluster's name")
    source_at(path, None)  # where there is no work tree nothing may be written
    is_new = not file.parent.exists()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(emit(body))
    problems = [
        p
        for p in assemble(source_at(path, None)).problems
        if p.location and p.location.path == f"clusters/{name}.yaml"
    ]
    if problems:
        print_problems(problems)
        file.unlink()
        if is_new:
            file.parent.rmdir()
        return 2
    edited(options["output"], f"wrote {file}", written=[file])
    if options["mode"] == "Pull":
        note(
            f"then, in that cluster: reconciler agent manifest --cluster {name} --url URL | kubectl apply -f -"
        )
    elif options["mode"] == "Push" and not options["secret"]:
        note(
            f"then name its credential: label a Secret fleet-reconciler/cluster={name} in namespace {options['namespace']}, and set spec.secretRef"
        )
    return 0


@command.command("remove")
@click.argument("name")
@path_option
@output_option("text", "json")
def remove(name: str, path: Path, output: str) -> int:
    """Take a cluster out of the fleet. Its objects stay where they are; the change is held until it is approved.

    \b
    Example:
      reconciler cluster remove paris && reconciler approve --reason "paris is closed"
    """
    known = {cluster.name for cluster in assemble(source_at(path, None)).clusters}
    if name not in known and find_cluster(path, name) is None:
        raise SettingsError(f"no such cluster: {name}; there are {', '.join(sorted(known)) or 'none'}")
    file = remove_cluster(path, name)
    if file.exists():
        edited(output, f"edited {file}", written=[file])
    else:
        edited(output, f"removed {file}", removed=[file])
    note(
        f"its objects stay in the cluster; `reconciler approve` writes the approval that lets cluster {name} go"
    )
    return 0


def cluster_document(name: str, **options: Any) -> dict[str, Any]:
    """The Cluster document for the given flags. Raises SettingsError."""
    spec: dict[str, Any] = {"syncMode": options["mode"]}
    given = {
        "apiEndpoint": options["api_endpoint"],
        "provider": options["provider"],
        "region": options["region"],
    }
    spec |= {key: value for key, value in given.items() if value}
    if options["zones"]:
        spec["zones"] = list(options["zones"])
    if options["secret"]:
        spec["secretRef"] = {"namespace": options["namespace"], "name": options["secret"]}
    if options["taints"]:
        spec["taints"] = [parse_taint(text) for text in options["taints"]]
    labels = dict(_pair(text) for text in options["labels"])
    return {
        "apiVersion": "cluster.karmada.io/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": name, **({"labels": labels} if labels else {})},
        "spec": spec,
    }


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise SettingsError(f"not KEY=VALUE: {text!r}")
    return key, value


def parse_taint(text: str) -> dict[str, str]:
    """`KEY[=VALUE]:EFFECT` as a taint's fields. Raises SettingsError."""
    match = _TAINT.match(text)
    if match is None:
        raise SettingsError(f"not KEY[=VALUE]:NoSchedule or KEY[=VALUE]:NoExecute: {text!r}")
    return {key: value for key, value in match.groupdict().items() if value}
