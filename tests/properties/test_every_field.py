"""Every field that a policy-side document may have is acted on, or said: none is accepted and ignored.

The list of fields is `schemas/`. For each of them, in some scene, another value gives another tree, other clusters or replicas, or
another word on a document nearby; or a problem says that the field is not acted on.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from reconciler.errors import Problem, Severity
from reconciler.fleet import schema, unsupported
from reconciler.loop.decide import Decision, Memory, decide
from reconciler.model.fleet import Source, SourceFile
from reconciler.model.observation import Observation
from reconciler.model.tree import PreviousRender
from reconciler.render.cluster_files import CUSTOMIZATIONS
from tests.cases.render.fleets import read_back
from tests.properties.fields import CLUSTERS, Body, Scene, scenes

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FieldPath = tuple[str | int, ...]

# Said of a field that nothing, or not everything, comes of.
NOT_ACTED_ON = frozenset({"R206", "R207", "R208", "R221", "R242", "R246"})

# Read where nothing is decided yet, with the test that shows what comes of it.
ELSEWHERE = {
    "Cluster.spec.apiEndpoint": "unit/kube/test_credentials.py",
    "Cluster.spec.secretRef.namespace": "unit/kube/test_credentials.py",
    "Cluster.spec.secretRef.name": "unit/kube/test_credentials.py",
    "Cluster.spec.proxyURL": "unit/kube/test_credentials.py",
    "Cluster.spec.proxyHeader": "unit/kube/test_credentials.py",
    "ResourceInterpreterCustomization.spec.customizations.retention.luaScript": "unit/interpreter/custom/test_declared.py",
    "ResourceInterpreterCustomization.spec.customizations.statusReflection.luaScript": "unit/interpreter/custom/test_declared.py",
    "ResourceInterpreterCustomization.spec.customizations.statusAggregation.luaScript": "unit/interpreter/custom/test_declared.py",
    "ResourceInterpreterCustomization.spec.customizations.healthInterpretation.luaScript": "unit/interpreter/custom/test_declared.py",
    "ResourceInterpreterWebhookConfiguration.webhooks.[].clientConfig.caBundle": "interpreterwebhook/server.py",
    "ResourceInterpreterWebhookConfiguration.webhooks.[].clientConfig.service.name": "unit/interpreter/webhook/test_choice.py",
    "ResourceInterpreterWebhookConfiguration.webhooks.[].clientConfig.service.namespace": "unit/interpreter/webhook/test_choice.py",
    "ResourceInterpreterWebhookConfiguration.webhooks.[].clientConfig.service.path": "unit/interpreter/webhook/test_choice.py",
    "ResourceInterpreterWebhookConfiguration.webhooks.[].clientConfig.service.port": "unit/interpreter/webhook/test_choice.py",
    "ResourceInterpreterWebhookConfiguration.webhooks.[].clientConfig.url": "unit/interpreter/webhook/test_choice.py",
    "ResourceInterpreterWebhookConfiguration.webhooks.[].interpreterContextVersions": "unit/interpreter/webhook/test_choice.py",
    "ResourceInterpreterWebhookConfiguration.webhooks.[].name": "unit/interpreter/webhook/test_choice.py",
    "ResourceInterpreterWebhookConfiguration.webhooks.[].rules.[].apiGroups": "unit/interpreter/webhook/test_choice.py",
    "ResourceInterpreterWebhookConfiguration.webhooks.[].rules.[].apiVersions": "unit/interpreter/webhook/test_choice.py",
    "ResourceInterpreterWebhookConfiguration.webhooks.[].rules.[].kinds": "unit/interpreter/webhook/test_choice.py",
    "ResourceInterpreterWebhookConfiguration.webhooks.[].rules.[].operations": "unit/interpreter/webhook/test_choice.py",
    "ResourceInterpreterWebhookConfiguration.webhooks.[].timeoutSeconds": "unit/interpreter/webhook/test_choice.py",
}
# A name that must only be another one than its neighbours', and a choice of one.
NOTHING_TO_ACT_ON = {
    "PropagationPolicy.spec.placement.clusterAffinities.[].overflowAffinities.[].affinityName",
    "PropagationPolicy.spec.schedulePriority.priorityClassSource",
}
# Other values to try where adding to a number, negating and the choices of the schema do not do.
OTHERS: dict[str, tuple[Any, ...]] = {
    "apiVersion": ("v1", "apps/v1beta1", "example.com/v2"),
    "kind": ("ConfigMap", "StatefulSet", "Secret"),
    "namespace": ("rest",),
    "key": ("gpu", "tier", "zone", "edge"),
    "operator": ("NotIn", "In", "Exists", "Equal"),
    "values": ("elsewhere", "edge"),
    "matchLabels": ("elsewhere",),
    "clusterNames": ("us-1",),
    "exclude": ("us-1",),
    "effect": ("NoExecute",),
    "path": ("/spec/minReadySeconds", "/spec/template/spec/initContainers/0/image", "other/*"),
    "subPath": ("/other",),
    "fieldPath": ("/data/b.json", "/data/b.yaml"),
    "containerName": ("other",),
    "value": ("another", False, 5),
    "affinityName": ("another",),
    "schedulerName": ("default-scheduler",),
    "priorityClassName": ("low",),
    "luaScript": (
        "function GetReplicas(o) return 2 end",
        "function ReviseReplica(o, n) o.spec.other = n return o end",
        "function GetDependencies(o) return {} end",
    ),
    "dependentOverrides": ("absent",),
    "name": ("other", "nvidia.com/gpu"),
    "min": ("1",),
    "max": ("2", "64"),
    "expires": ("2027-01-01T00:00:00Z",),
    "statusInterval": ("10m",),
}
CHOICES = (
    "add",
    "remove",
    "replace",
    "Pull",
    "Duplicated",
    "Aggregated",
    "zone",
    "Never",
    "allow",
    "refuse",
    "Tag",
)
OTHER_TEXTS = ("rest", "us-*", "ConfigMap")
GONE = object()
NOTHING_YET = PreviousRender()
MEMORY = Memory()


def test_every_field_is_acted_on_or_said():
    alive, said = alive_and_said()
    silent = {
        field
        for field in fields()
        if field not in alive
        and not any(f"{field}.".startswith(f"{other}.") for other in said)
        and field not in ELSEWHERE
        and field not in NOTHING_TO_ACT_ON
    }
    assert silent == set()


def test_what_is_shown_elsewhere_is_a_field_that_a_test_speaks_of_and_not_shown_here():
    alive, _ = alive_and_said()
    for field, path in ELSEWHERE.items():
        assert field in fields()
        assert field not in alive
        last = [step for step in field.split(".") if step != "luaScript"][-1]
        words = re.sub(r"([a-z])([A-Z])", r"\1_\2", last).lower()
        text = (ROOT / "tests" / path).read_text()
        assert last in text or words in text, field
    assert fields() - alive >= NOTHING_TO_ACT_ON


@pytest.mark.parametrize("kind", ["PropagationPolicy", "OverridePolicy"])
def test_a_cluster_scoped_policy_has_the_fields_of_the_namespaced_one(kind):
    one, other = (schema.SCHEMAS[f"policy.karmada.io/{name}.json"] for name in (kind, f"Cluster{kind}"))
    assert one["properties"]["spec"] == other["properties"]["spec"]


@cache
def fields() -> frozenset[str]:
    """`Kind.field.path` of every leaf of every kind that is not refused as a whole; statuses are no wishes."""
    found = set()
    for group, kind in schema.KIND_SCOPES:
        if (group, kind) in unsupported.KINDS or kind.startswith(("ClusterP", "ClusterO")):
            continue
        properties = schema.SCHEMAS[f"{group}/{kind}.json"]["properties"]
        for top in properties.keys() & {"spec", "webhooks"}:
            found |= {f"{kind}.{name}" for name in _leaves_of_schema(properties[top], top)}
    return frozenset(found)


def _leaves_of_schema(node: Body, name: str) -> Iterator[str]:
    node = dict(schema.resolved(node))
    children = node.get("properties", {})
    for field, child in children.items():
        yield from _leaves_of_schema(child, f"{name}.{field}")
    items = node.get("items")
    if isinstance(items, dict) and "properties" in schema.resolved(items):
        yield from _leaves_of_schema(items, f"{name}.[]")
    elif not children:
        yield name


@cache
def alive_and_said() -> tuple[frozenset[str], frozenset[str]]:
    """The fields of which some scene shows an effect, and those that a problem speaks of; as `Kind.field.path`."""
    alive: set[str] = set()
    said: set[str] = set()
    for scene in scenes():
        kind = scene.subject["kind"].removeprefix("Cluster") or "Cluster"
        previous = read_back(decided(*scene.before).rendered) if scene.before else NOTHING_YET
        first = decided(*scene.around, scene.subject, previous=previous)
        for problem in first.fleet.problems:
            if problem.code in NOT_ACTED_ON and problem.location.path == path_of(scene):
                said.add(f"{kind}.{_field_at(problem, scene)}")
        for path in _leaves(scene.subject["spec"], ("spec",)):
            field = f"{kind}.{name_of(path)}"
            if field in alive:
                continue
            for other in _other_bodies(scene.subject, path):
                decision = decided(*scene.around, other, previous=previous)
                if _is_accepted(decision, first, scene) and _effect(decision, scene) != _effect(first, scene):
                    alive.add(field)
                    break
        for other in scene.others:
            decision = decided(*scene.around, other, previous=previous)
            assert _is_accepted(decision, first, scene)
            if _effect(decision, scene) != _effect(first, scene):
                alive |= {
                    f"{kind}.{name_of(path)}"
                    for path in _leaves(other["spec"], ("spec",))
                    if _at(other, path) != _at(scene.subject, path)
                }
    return frozenset(alive), frozenset(said)


def decided(*documents: Body, previous: PreviousRender = NOTHING_YET) -> Decision:
    """What is decided of the usual clusters and of `documents`, each in a file of its own."""
    files = [
        SourceFile(path=_path(number, body), data=orjson.dumps(body, option=orjson.OPT_INDENT_2))
        for number, body in enumerate((*CLUSTERS, *documents))
    ]
    source = Source(commit="", time=NOW, files=tuple(sorted(files, key=lambda file: file.path)))
    return decide(source, Observation(), previous, now=NOW, assume_unreported=False, memory=MEMORY)


def path_of(scene: Scene) -> str:
    """The file of the document that a scene is about."""
    return _path(len(CLUSTERS) + len(scene.around), scene.subject)


def _path(number: int, body: Body) -> str:
    return "reconciler.yaml" if body["kind"] == "FleetConfig" else f"{number:02}.json"


def _effect(decision: Decision, scene: Scene) -> object:
    """What somebody sees of a decision; not what a binding or a file for agents only quotes."""
    rendered = decision.rendered
    return (
        [
            (each.path, each.data, each.clusters)
            for each in rendered.tree.variants
            if each.path != CUSTOMIZATIONS
        ],
        [
            (id_, binding.claim, binding.clusters, binding.required_by, binding.observed_affinity)
            for id_, binding in sorted(rendered.bindings.items())
        ],
        rendered.next_wake,
        rendered.unclaimed,
        [problem for problem in decision.problems if problem.location.path != path_of(scene)],
    )


def _is_accepted(decision: Decision, first: Decision, scene: Scene) -> bool:
    """Whether nothing more is wrong with the document itself: refusing a bad value is not acting on a good one."""
    return _errors(decision, scene) <= _errors(first, scene)


def _errors(decision: Decision, scene: Scene) -> set[tuple[str, str]]:
    return {
        (problem.code, problem.message)
        for problem in decision.fleet.problems
        if problem.severity is Severity.ERROR and problem.location.path == path_of(scene)
    }


def _field_at(problem: Problem, scene: Scene) -> str:
    """The field at whose line a problem stands: every field has a line of its own."""
    lines = orjson.dumps(scene.subject, option=orjson.OPT_INDENT_2).decode().splitlines()
    return name_of(dict(_lines(lines))[problem.location.line])


def _lines(lines: list[str]) -> Iterator[tuple[int, FieldPath]]:
    path: list[str | int] = []
    for number, line in enumerate(lines, start=1):
        depth = (len(line) - len(line.lstrip())) // 2
        del path[max(depth - 1, 0) :]
        key = re.match(r'\s*"([^"]+)": ', line)
        path.append(key[1] if key else 0)
        yield number, tuple(path)


def _leaves(value: Any, path: FieldPath) -> Iterator[FieldPath]:
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _leaves(child, (*path, key))
    elif isinstance(value, list) and value:
        for index, child in enumerate(value):
            yield from _leaves(child, (*path, index))
    else:
        yield path


def _at(body: Body, path: FieldPath) -> Any:
    node: Any = body
    for step in path:
        node = node[step]
    return node


def _other_bodies(body: Body, path: FieldPath) -> Iterator[Body]:
    for other in _others(_at(body, path), path):
        result = copy.deepcopy(body)
        parent = _at(result, path[:-1])
        if other is GONE:
            del parent[path[-1]]
        else:
            parent[path[-1]] = other
        yield result


def _others(value: object, path: FieldPath) -> Iterator[object]:
    yield GONE
    words = [step for step in path if isinstance(step, str)]
    match value:
        case bool():
            yield not value
        case int():
            yield from (value + 1, value - 1, 0)
        case str():
            known = (*OTHERS.get(words[-1], ()), *OTHERS.get(words[-2] if len(words) > 1 else "", ()))
            yield from (other for other in (*known, *CHOICES, *OTHER_TEXTS) if other != value)


def name_of(path: FieldPath) -> str:
    """The path of a leaf of the schema: `[]` for an entry that is a mapping; keys and texts of lists are left out."""
    steps = ["[]" if isinstance(step, int) else step for step in path]
    if steps[-1] == "[]":
        steps.pop()
    for mapping in ("matchLabels", "proxyHeader", "value"):
        if mapping in steps:
            steps = steps[: steps.index(mapping) + 1]
    return ".".join(steps)
