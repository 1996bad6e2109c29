"""Objects and statuses hold whatever people and members write: a rule answers, or says that it cannot, and never crashes."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from reconciler.interpreter.registry import NATIVE
from reconciler.interpreter.rules import InterpretationError
from reconciler.overrides.apply import apply_overrides
from reconciler.overrides.outcome import OverrideError
from reconciler.render.works import Tools, works_for
from tests.parity import cases, rendering, thirdparty
from tests.searching import examples

HERE = Path(__file__).parents[1]
SEEDS = range(examples(2))
STRANGE = (
    None,
    "",
    0,
    {},
    [],
    False,
    -1,
    1.5,
    "3",
    "x",
    True,
    ["x"],
    [{}],
    {"x": "y"},
    [None],
    {"x": None},
    2**70,
)
IDENTITY = (("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"), ("metadata", "namespace"))


@cache
def recorded(kind: str) -> list[dict[str, Any]]:
    path = HERE / "parity" / "data" / f"{kind}.jsonl.gz"
    return [case["input"] for case in cases.load(path)][::3]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in children:
        yield (*path, key)
        yield from places(inner, (*path, key))


def spoiled(value: Any, chance: random.Random) -> Any:
    """The value with one to three places taken out or made into something else."""
    value = copy.deepcopy(value)
    for _ in range(chance.choice((1, 1, 2, 3))):
        found = [path for path in places(value) if path not in IDENTITY]
        if not found:
            break
        *way, last = chance.choice(found)
        node = value
        for step in way:
            node = node[step]
        if chance.random() < 0.25:
            del node[last]
        else:
            node[last] = copy.deepcopy(chance.choice(STRANGE))
    return value


def spoiled_items(items: Any, chance: random.Random) -> Any:
    return [
        {**item, "status": spoiled(item["status"], chance)} if isinstance(item.get("status"), dict) else item
        for item in items or ()
    ]


def ask(call: Callable[[], Any], given: Any) -> None:
    try:
        call()
    except (InterpretationError, OverrideError):
        pass
    except Exception as error:
        error.add_note(json.dumps(given)[:2000])
        raise


@pytest.mark.parametrize("seed", SEEDS)
def test_overrides_of_strange_objects(seed):
    chance = random.Random(seed)
    for given in recorded("override"):
        body, cluster = spoiled(given["object"], chance), rendering._cluster(given["cluster"])
        cluster_policies = rendering._policies(given.get("clusterOverridePolicies"))
        policies = rendering._policies(given.get("overridePolicies"))
        ask(lambda: apply_overrides(body, cluster, cluster_policies, policies), given)  # noqa: B023 - called at once


@pytest.mark.parametrize("seed", SEEDS)
def test_what_clusters_get_of_strange_templates(seed):
    chance = random.Random(seed)
    for given in recorded("ensure-work"):
        template = rendering._manifest(spoiled(given["object"], chance))
        binding = rendering._binding(given["binding"])
        clusters = [rendering._cluster(one) for one in given["clusters"]]
        policies = [
            *rendering._policies(given.get("clusterOverridePolicies")),
            *rendering._policies(given.get("overridePolicies")),
        ]
        tools = Tools(overrides=rendering.prepare(policies, clusters), interpreters=NATIVE)
        for work in works_for(template, binding, [cluster.name for cluster in clusters], tools):
            assert work.body is not None or work.problems


@pytest.mark.parametrize("seed", SEEDS)
def test_native_rules_on_strange_objects(seed):
    chance = random.Random(seed)
    for given in recorded("native-interpreter"):
        changed = {
            key: spoiled(value, chance) if key in {"object", "desired", "observed"} else value
            for key, value in given.items()
        }
        if given.get("items"):
            changed["items"] = spoiled_items(given["items"], chance)
        ask(lambda: rendering._interpreted(changed), changed)  # noqa: B023 - called at once
        if "object" in changed:
            NATIVE.readiness(changed["object"], rendering._NOW)


@pytest.mark.parametrize("seed", SEEDS)
def test_bundled_rules_on_strange_objects(seed):
    chance = random.Random(seed)
    for case in thirdparty.cases_in(HERE / "cases" / "bundled"):
        rule = thirdparty._RULES[case.body["operation"].lower()]
        body = copy.deepcopy(case.body)
        for name in ("desiredObj", "observedObj"):
            if body.get(name):
                body[name] = spoiled(body[name], chance)
        body["statusItems"] = spoiled_items(body.get("statusItems"), chance)
        arguments = thirdparty._arguments(body, rule)
        ask(lambda: thirdparty._by_rules(thirdparty.RULES_BY_KIND[case.kind])(rule, arguments), body)  # noqa: B023
