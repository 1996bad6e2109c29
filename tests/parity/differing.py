"""Looks for objects on which a third-party script and our own bundled rule differ:

    python -m tests.parity.differing [--seed N] [--rounds N] [--wild] [--only KIND] --customizations DIR DIR...

DIR is laid out as in `thirdparty.py`. Its documents are changed at random (fields dropped, emptied, taken from other documents of the
kind, members added, dropped and silenced; with `--wild` also values of another type), and each changed document is given to both.
Prints the first of every way in which they differ, and exits 1 where both answer and the answers are not the same.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from reconciler.interpreter.bundled.registry import RULES_BY_KIND
from reconciler.interpreter.custom.answers import Answers
from reconciler.interpreter.custom.declared import Asking
from reconciler.interpreter.rules import InterpretationError, KindRules
from reconciler.lua.engine import LuaEngine
from tests.parity import thirdparty
from tests.parity.thirdparty import Case, Disagreement

_INPUTS: Final = ("desiredObj", "observedObj", "statusItems")
_GENERATION: Final = "resourcetemplate.karmada.io/generation"
_IDENTITY: Final = ("apiVersion", "kind", "metadata", "name", "namespace")
_SHALLOW: Final = 2
_EMPTY: Final[tuple[Any, ...]] = (None, "", 0, {}, [], False)
_NUMBERS: Final = (0, 1, 2, 3, 7, 100)
_WILD: Final[tuple[Any, ...]] = (*_EMPTY, -1, 1.5, "3", "x", True, ["x"], [{}], {"x": "y"}, [None])
_WIDTH: Final = 1500

Path_ = tuple[Any, ...]


@dataclass
class Findings:
    """What came of it. `first` holds the first input of each way to differ."""

    agreed: int = 0
    only_one: Counter[str] = field(default_factory=Counter)
    differing: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, counter: Counter[str], name: str, words: str) -> None:
        """One more of a way to differ."""
        counter[name] += 1
        self.first.setdefault(name, words)


def look(
    folders: Sequence[Path],
    customizations: Path,
    engine: LuaEngine,
    *,
    seed: int,
    rounds: int,
    wild: bool = False,
    only: str = "",
) -> Findings:
    """Change every document below the folders `rounds` times and ask both; every operation of a kind, with every object."""
    chance = random.Random(seed)
    scripts = thirdparty.scripts_in(customizations)
    asking = Asking(engine=engine, now=thirdparty.NOW, answers=Answers(most=0))
    findings = Findings()
    cases = [case for folder in folders for case in thirdparty.cases_in(folder)]
    for kind in sorted({case.kind for case in cases}):
        documents = [case for case in cases if case.kind == kind]
        values = _values_by_path(documents)
        declared = scripts.get(kind, {})
        ways = (
            thirdparty._by_scripts(asking, declared),
            thirdparty._by_rules(RULES_BY_KIND.get(kind, KindRules())),
        )
        for rule in sorted(declared):
            if only and only not in (*kind, rule, f"{kind[1]}/{rule}"):
                continue
            for body in _bodies(documents, rule):
                for _ in range(rounds):
                    changed, steps = _changed(body, rule, values, chance, wild=wild)
                    _ask(kind, rule, changed, steps, ways, findings)
    return findings


def _bodies(documents: Sequence[Case], rule: str) -> Iterator[dict[str, Any]]:
    """The documents of one operation, and the objects of the others as documents of it."""
    seen = set()
    for case in documents:
        if thirdparty._RULES.get(str(case.body.get("operation") or "").lower()) == rule:
            yield case.body
            continue
        objects = [case.body[name] for name in ("desiredObj", "observedObj") if case.body.get(name)]
        body = {"desiredObj": objects[0], "inputReplicas": 3}
        if rule == "retain":
            body["observedObj"] = objects[-1]
        text = json.dumps(body, sort_keys=True)
        if text not in seen:
            seen.add(text)
            yield body


def _ask(
    kind: tuple[str, str],
    rule: str,
    body: dict[str, Any],
    steps: list[str],
    ways: Sequence[Any],
    findings: Findings,
) -> None:
    try:
        arguments = thirdparty._arguments(body, rule)
    except Disagreement:
        return
    given = json.dumps(arguments, sort_keys=True)
    answers: list[Any] = []
    for way in ways:
        try:
            answers.append((True, _plain(rule, way(rule, copy.deepcopy(arguments)))))
        except InterpretationError as error:
            answers.append((False, str(error)))
        except Disagreement as error:
            answers.append((False, str(error)))
        except Exception as error:  # noqa: BLE001 - a crash is a finding
            answers.append((True, f"crashed: {error!r}"))
    (scripted, theirs), (ruled, ours) = answers
    name = f"{kind[0]} {kind[1]} {rule}"
    words = f"steps:  {'; '.join(steps)}\n  script: {str(theirs)[:_WIDTH]}\n  rule:   {str(ours)[:_WIDTH]}\n  input: {given[:_WIDTH]}"
    if scripted and ruled:
        if theirs == ours:
            findings.agreed += 1
        else:
            findings.add(findings.differing, name, words)
    elif scripted != ruled:
        findings.add(
            findings.only_one,
            f"{name}: {'the script alone answers' if scripted else 'the rule alone answers'}",
            words,
        )
    else:
        findings.agreed += 1


def _plain(rule: str, result: Any) -> str:
    """A result as text; quantities by value, references in order."""
    match rule:
        case "replicas":
            count, needs = result
            return _text((count, None if needs is None else thirdparty._comparable(needs)))
        case "components":
            return str(sorted(map(_text, map(thirdparty._component, result))))
        case "dependencies":
            return str(sorted(result, key=thirdparty._reference_order))
    return json.dumps(thirdparty._whole(result), sort_keys=True)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


# ---- changes


def _values_by_path(documents: Sequence[Case]) -> dict[Path_, list[Any]]:
    """Everything that stands at a path in any document of the kind; positions in lists do not count."""
    found: dict[Path_, list[Any]] = {}
    for case in documents:
        for input_ in _INPUTS:
            root = "items" if input_ == "statusItems" else "object"
            for path, value in _places(case.body.get(input_), ()):
                found.setdefault((root, *_general(path)), []).append(value)
    for path, values in list(found.items()):
        # What members report has the shape of a status.
        if path[:3] == ("items", "*", "status"):
            found.setdefault(("object", "status", *path[3:]), []).extend(values)
        if path[:2] == ("object", "status"):
            found.setdefault(("items", "*", "status", *path[2:]), []).extend(values)
    return found


def _changed(
    given: dict[str, Any], rule: str, values: dict[Path_, list[Any]], chance: random.Random, *, wild: bool
) -> tuple[dict[str, Any], list[str]]:
    body, steps = copy.deepcopy(given), list[str]()
    inputs = [name for name in _INPUTS if name in body or (name == "statusItems" and rule == "aggregate")]
    for _ in range(chance.choice((1, 1, 2, 3, 5))):
        name = chance.choice(inputs)
        root = "items" if name == "statusItems" else "object"
        if name == "statusItems" and (not body.get(name) or chance.random() < 0.3):
            body[name] = _members(body.get(name), values, chance)
            steps.append(f"members {json.dumps(body[name])[:80]}")
            continue
        if name != "statusItems" and chance.random() < 0.15:
            _bookkeeping(body[name], chance)
            steps.append("generations")
            continue
        steps.append(_one_change(body, name, root, values, chance, wild=wild))
    return body, steps


def _one_change(
    body: dict[str, Any],
    name: str,
    root: str,
    values: dict[Path_, list[Any]],
    chance: random.Random,
    *,
    wild: bool,
) -> str:
    places = [
        (path, value)
        for path, value in _places(body.get(name), ())
        if (path[-1] not in _IDENTITY or len(path) > _SHALLOW) and (root == "object" or _is_of_status(path))
    ]
    if not places:
        return "nothing"
    path, value = chance.choice(places)
    known = values.get((root, *_general(path)), [])
    ways = ["drop", "empty", "other", "add"] + (["repeat", "shorten"] if isinstance(value, list) else [])
    ways += ["wild"] if wild else []
    way = chance.choice(ways)
    parent, key = _parent(body, (name, *path))
    told = f"{way} {'.'.join(map(str, path))}"
    match way:
        case "drop" if isinstance(parent, dict):
            del parent[key]
        case "drop":
            parent.pop(key)
        case "empty":
            empty = _emptied(value, chance)
            parent[key] = value if empty is None and isinstance(parent, list) and not wild else empty
        case "wild":
            parent[key] = copy.deepcopy(chance.choice(_WILD))
            told += f"={parent[key]!r}"
        case "other" if isinstance(value, bool):
            parent[key] = not value
        case "other" if isinstance(value, int):
            parent[key] = chance.choice(_NUMBERS)
        case "other" if known:
            parent[key] = copy.deepcopy(chance.choice(known))
        case "add" if isinstance(value, dict):
            fields = [p for p in values if p[:-1] == (root, *_general(path)) and p[-1] != "*"]
            if fields:
                field_ = chance.choice(fields)
                value[field_[-1]] = copy.deepcopy(chance.choice(values[field_]))
                told += f".{field_[-1]}"
        case "repeat" if value:
            value.insert(chance.randrange(len(value) + 1), copy.deepcopy(chance.choice(value)))
        case "shorten" if value:
            value.pop(chance.randrange(len(value)))
    return told


def _is_of_status(path: Path_) -> bool:
    # The rest of an item is the framework's own.
    return len(path) > 2 and path[1] == "status"


def _emptied(value: Any, chance: random.Random) -> Any:
    match value:
        case bool():
            return False
        case int() | float():
            return 0
        case str():
            return chance.choice(("", None))
        case list():
            return chance.choice(([], None))
        case dict():
            return chance.choice(({}, None))
    return None


def _members(items: Any, values: dict[Path_, list[Any]], chance: random.Random) -> Any:
    statuses = values.get(("items", "*", "status"), []) + values.get(("object", "status"), [])
    made = list(items or [])
    for _ in range(chance.randint(1, 3)):
        match chance.choice(("add", "add", "drop", "silent", "none", "empty", "null", "swap")):
            case "add":
                status = copy.deepcopy(chance.choice(statuses)) if statuses else {}
                made.append(
                    {
                        "clusterName": f"member{len(made) + 1}",
                        "applied": chance.random() < 0.8,
                        "health": chance.choice(("Healthy", "Unhealthy", "Unknown")),
                        "status": status,
                    }
                )
            case "drop" if made:
                made.pop(chance.randrange(len(made)))
            case "silent" if made:
                at = chance.randrange(len(made))
                made[at] = {key: value for key, value in made[at].items() if key != "status"}
            case "empty" if made:
                at = chance.randrange(len(made))
                made[at] = {**made[at], "status": {}}
            case "null" if made:
                at = chance.randrange(len(made))
                made[at] = {**made[at], "status": None}
            case "none":
                return chance.choice((None, []))
            case "swap":
                chance.shuffle(made)
    return made


def _bookkeeping(body: Any, chance: random.Random) -> None:
    """Generations agree or not, the template's is noted or not."""
    if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
        return
    if chance.random() < 0.5:
        body["metadata"]["generation"] = chance.randint(0, 3)
    if chance.random() < 0.5 and isinstance(body.get("status"), dict):
        body["status"]["observedGeneration"] = chance.randint(0, 3)
    if chance.random() < 0.5:
        body["metadata"]["annotations"] = {_GENERATION: chance.choice(("0", "1", "2", "", "x"))}


def _places(value: Any, path: Path_) -> Iterator[tuple[Path_, Any]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in children:
        yield (*path, key), inner
        yield from _places(inner, (*path, key))


def _general(path: Path_) -> Path_:
    return tuple("*" if isinstance(step, int) else step for step in path)


def _parent(body: Any, path: Path_) -> tuple[Any, Any]:
    for step in path[:-1]:
        body = body[step]
    return body, path[-1]


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 where no two answers differ, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity.differing")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--wild", action="store_true", help="values of another type, too")
    parser.add_argument("--only", default="", help="a kind, a rule, or Kind/rule")
    parser.add_argument("--customizations", type=Path, required=True, metavar="DIR")
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR")
    parsed = parser.parse_args(arguments)
    with LuaEngine(seconds=thirdparty.PATIENCE) as engine:
        found = look(
            parsed.folders,
            parsed.customizations,
            engine,
            seed=parsed.seed,
            rounds=parsed.rounds,
            wild=parsed.wild,
            only=parsed.only,
        )
    print(
        f"{found.agreed} agreed, {found.differing.total()} differ, {found.only_one.total()} answered by one alone"
    )
    for counter in (found.differing, found.only_one):
        for name, count in sorted(counter.items()):
            print(f"\n{count} {name}\n  {found.first[name]}")
    return int(bool(found.differing))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
