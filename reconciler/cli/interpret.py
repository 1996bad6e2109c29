"""`reconciler interpret`: runs the rules of a kind on a file, for those who write rules; no cluster, no Git."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from reconciler.cli.output import document, note, print_problems
from reconciler.cli.runoptions import webhooks_option
from reconciler.errors import FleetError, Problem, SettingsError, Severity
from reconciler.interpreter.custom.decode import syntax_problems
from reconciler.interpreter.defaults import with_defaults
from reconciler.interpreter.registry import Interpreters
from reconciler.interpreter.rules import InterpretationError, RuleFailed
from reconciler.manifests.emit import emit
from reconciler.manifests.load import load
from reconciler.model.binding import Component, ReplicaRequirements
from reconciler.model.fleet import SourceFile
from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Body, Manifest
from reconciler.model.observation import Health
from reconciler.model.selector import LabelSelector, ObjectReference

_WEBHOOKS: Final = "ResourceInterpreterWebhookConfiguration"
_OF_RULES: Final = {
    ("config.karmada.io", "ResourceInterpreterCustomization"),
    ("config.karmada.io", _WEBHOOKS),
}
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
OPERATIONS: Final = (
    "InterpretReplica",
    "InterpretComponent",
    "ReviseReplica",
    "Retain",
    "InterpretStatus",
    "AggregateStatus",
    "InterpretHealth",
    "InterpretDependency",
)
_RULES: Final = {
    "InterpretReplica": "replicas",
    "InterpretComponent": "components",
    "ReviseReplica": "revise",
    "Retain": "retain",
    "InterpretStatus": "reflect",
    "AggregateStatus": "aggregate",
    "InterpretHealth": "health",
    "InterpretDependency": "dependencies",
}


@click.command("interpret")
@click.option(
    "-f", "--file", "desired", type=_FILE, required=True, help="The object, as the fleet repository holds it."
)
@click.option(
    "--observed",
    type=_FILE,
    help="The same object as a member has it (Retain, InterpretStatus, InterpretHealth).",
)
@click.option(
    "--status", "statuses", type=_FILE, help="AggregatedStatusItems, one document each (AggregateStatus)."
)
@click.option(
    "--replicas",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="The number to set (ReviseReplica).",
)
@click.option(
    "--customization",
    "customizations",
    type=_FILE,
    multiple=True,
    help="ResourceInterpreterCustomizations and ResourceInterpreterWebhookConfigurations to ask first; may be repeated.",
)
@click.option(
    "--operation",
    "operations",
    type=click.Choice(OPERATIONS, case_sensitive=False),
    multiple=True,
    help="Only this; may be repeated (default: all that have a rule and their input).",
)
@click.option("--check", is_flag=True, help="Only check the customizations and webhook configurations.")
@webhooks_option(default=False)
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
def command(desired: Path, **options: Any) -> int:
    """Run the rules of a kind on a file: replicas, components, revision, retention, status, health, dependencies.

    Rules come from the customizations given, then from the webhooks given (with --ask-webhooks), then from those that this program
    knows. Exit code: 0 done, 1 a rule failed, 2 error.

    \b
    Example:
      reconciler interpret -f deployment.yaml
      reconciler interpret -f workload.yaml --customization rules.yaml --operation ReviseReplica --replicas 3
      reconciler interpret -f workload.yaml --customization webhook.yaml --ask-webhooks
    """
    manifests = [manifest for path in options["customizations"] for manifest in _rules(path)]
    webhooks = [manifest for manifest in manifests if manifest.id.kind == _WEBHOOKS]
    problems = list(dict.fromkeys(problem for manifest in manifests for problem in _wrong(manifest)))
    manifests = [manifest for manifest in manifests if manifest.id.kind != _WEBHOOKS]
    if not problems:
        problems = [problem for manifest in manifests for problem in syntax_problems(manifest)]
    if problems or options["check"]:
        print_problems(problems)
        if not problems:
            click.echo(f"{len(manifests) + len(webhooks)} customizations: no problems")
        return int(bool(problems))
    from reconciler.loop.asking import Nobody  # noqa: PLC0415 - it brings the network with it
    from reconciler.loop.decide import Memory  # noqa: PLC0415 - it brings the engine with it
    from reconciler.wiring import now  # noqa: PLC0415

    moment = now()
    interpreters = Memory().interpreters(manifests, moment, webhooks).asking(Nobody())
    inputs = Inputs(
        desired=_body(desired),
        observed=_body(options["observed"]) if options["observed"] else None,
        items=[each.body for each in _manifests(options["statuses"])] if options["statuses"] else None,
        replicas=options["replicas"],
        now=moment,
    )
    asked = options["operations"] or tuple(each for each in OPERATIONS if _has(interpreters, inputs, each))
    if options["ask_webhooks"]:
        results, failed = asyncio.run(_asking(interpreters, inputs, asked))
    else:
        results, failed = _results(interpreters, inputs, asked)
    if options["output"] == "json":
        click.echo(document("Interpretation", {"results": results}))
    else:
        for index, (operation, result) in enumerate(results.items(), start=1):
            click.echo(f"---\n# [{index}/{len(results)}] {operation}:")
            click.echo(emit(result if isinstance(result, dict) else {"result": result}).decode(), nl=False)
    if not asked:
        note(f"no rule is about {id_of_body(inputs.desired)}: it is delivered as it is")
    print_problems(failed)
    return int(bool(failed))


async def _asking(
    interpreters: Interpreters, inputs: Inputs, asked: Sequence[str]
) -> tuple[dict[str, Any], list[Problem]]:
    """The same, with webhooks asked."""
    from reconciler.loop.asking import Asker, Live  # noqa: PLC0415

    asker = Asker()
    try:
        return await asyncio.to_thread(_results, interpreters.asking(Live(asker)), inputs, asked)
    finally:
        await asker.close()


def _results(
    interpreters: Interpreters, inputs: Inputs, asked: Sequence[str]
) -> tuple[dict[str, Any], list[Problem]]:
    """What each operation answers, and what failed."""
    failed: list[Problem] = []
    results: dict[str, Any] = {}
    for operation in asked:
        try:
            results[operation] = answer(interpreters, inputs, operation)
        except RuleFailed as error:
            failed.append(error.problem)
        except InterpretationError as error:
            subject = str(id_of_body(inputs.desired))
            failed.append(Problem(code="R410", message=f"{operation}: {error}", subject=subject))
    return results, failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What the operations are asked with. `now` dates what an aggregation finds out by itself."""

    desired: Body
    observed: Body | None = None
    items: list[Body] | None = None
    replicas: int = 0
    now: datetime | None = None


def answer(interpreters: Interpreters, inputs: Inputs, operation: str) -> Any:
    """One operation's result as JSON. Raises InterpretationError, SettingsError for a missing input."""
    live = inputs.observed or inputs.desired
    if operation == "Retain" and inputs.observed is None:
        raise SettingsError("Retain needs --observed")
    calls: dict[str, Callable[[], Any]] = {
        "InterpretReplica": lambda: _replicas(interpreters, inputs.desired),
        "InterpretComponent": lambda: {
            "components": [_component(each) for each in interpreters.components(inputs.desired)]
        },
        "ReviseReplica": lambda: interpreters.revise(inputs.desired, inputs.replicas),
        "Retain": lambda: interpreters.retain(inputs.desired, live),
        "InterpretStatus": lambda: {"status": interpreters.reflect(live)},
        "AggregateStatus": lambda: interpreters.aggregate(inputs.desired, inputs.items or [], inputs.now),
        "InterpretHealth": lambda: {"health": _health(interpreters, live)},
        "InterpretDependency": lambda: {
            "dependencies": [_reference(each) for each in interpreters.dependencies(inputs.desired)]
        },
    }
    return calls[operation]()


def _health(interpreters: Interpreters, live: Body) -> str:
    """As `Interpreters.health`, but a rule that fails is told instead of taken for an unknown health."""
    rule = interpreters.rule(live, "health")
    return (Health.HEALTHY if rule is None or rule(live) else Health.UNHEALTHY).value


def _has(interpreters: Interpreters, inputs: Inputs, operation: str) -> bool:
    given = {"Retain": inputs.observed is not None, "AggregateStatus": inputs.items is not None}
    return given.get(operation, True) and interpreters.rule(inputs.desired, _RULES[operation]) is not None


def _replicas(interpreters: Interpreters, body: Body) -> Body:
    count, needs = interpreters.replicas(with_defaults(body))
    return {"replicas": count, **({"replicaRequirements": _requirements(needs)} if needs else {})}


def _requirements(needs: ReplicaRequirements) -> Body:
    found: Body = {}
    if needs.node_claim is not None:
        found["nodeClaim"] = needs.node_claim
    if needs.resource_request:
        found["resourceRequest"] = dict(needs.resource_request)
    if needs.namespace:
        found["namespace"] = needs.namespace
    if needs.priority_class_name:
        found["priorityClassName"] = needs.priority_class_name
    return found


def _component(component: Component) -> Body:
    needs = component.requirements
    found: Body = {"name": component.name, "replicas": component.replicas}
    return found if needs is None else {**found, "replicaRequirements": _requirements(needs)}


def _reference(reference: ObjectReference) -> Body:
    selector = reference.label_selector
    found: Body = {"apiVersion": reference.api_version, "kind": reference.kind}
    if reference.namespace:
        found["namespace"] = reference.namespace
    if reference.name:
        found["name"] = reference.name
    if selector is not None:
        found["labelSelector"] = _selector(selector)
    return found


def _selector(selector: LabelSelector) -> Body:
    found: Body = {"matchLabels": dict(selector.match_labels)} if selector.match_labels else {}
    if selector.match_expressions:
        found["matchExpressions"] = [
            {
                "key": each.key,
                "operator": each.operator,
                **({"values": [*each.values]} if each.values else {}),
            }
            for each in selector.match_expressions
        ]
    return found


def _manifests(path: Path) -> list[Manifest]:
    loaded = load(path.read_bytes(), str(path))
    if loaded.problems:
        raise FleetError(f"{path} cannot be read", loaded.problems)
    return [
        Manifest(id=id_of_body(each.body), body=each.body, origin=each.origin) for each in loaded.documents
    ]


def _rules(path: Path) -> list[Manifest]:
    found = _manifests(path)
    for manifest in found:
        if (manifest.id.group, manifest.id.kind) not in _OF_RULES:
            raise SettingsError(f"{path}: {manifest.id} holds no rules of interpretation")
    return found


def _wrong(manifest: Manifest) -> list[Problem]:
    """What is wrong with a document that holds rules, its scripts aside."""
    from reconciler.fleet.reading import read_file  # noqa: PLC0415 - it brings every schema with it

    found = read_file(SourceFile(path=manifest.origin.path, data=manifest.origin.text)).problems
    return [problem for problem in found if problem.severity is Severity.ERROR]


def _body(path: Path) -> Body:
    found = _manifests(path)
    if len(found) != 1:
        raise SettingsError(f"{path} holds {len(found)} documents; one object is interpreted at a time")
    return found[0].body
