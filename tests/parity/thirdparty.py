"""Compares the interpretation of third-party kinds with recorded documents, either way:

    python -m tests.parity.thirdparty [--customizations DIR] DIR...

through Karmada's own Lua scripts by our engine, and through our own bundled rules. Below each DIR stand
`<group>/<version>/<Kind>/testdata/*.yaml`, with `customizations.yaml` beside `testdata`, or below the directory that is named. Prints
cases, agreed and disagreed for either way, and exits 1 on any disagreement.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from reconciler.interpreter.bundled.registry import RULES_BY_KIND
from reconciler.interpreter.custom.answers import Answers
from reconciler.interpreter.custom.declared import Asking
from reconciler.interpreter.custom.decode import OPERATIONS, Scripts, declared_scripts
from reconciler.interpreter.custom.results import ResultError
from reconciler.interpreter.custom.returned import requirements
from reconciler.interpreter.rules import InterpretationError, KindRules
from reconciler.lua.engine import LuaEngine
from reconciler.manifests.load import load
from reconciler.model.binding import Component, ReplicaRequirements
from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Manifest
from reconciler.model.quantity import parse_quantity
from reconciler.model.selector import ObjectReference
from reconciler.selectors.decode import decode_label_selector

WAYS: Final = ("scripts", "bundled")
EXCLUDED: Final = "{{EXCLUDE}}"
NOW: Final = datetime(2031, 1, 1, tzinfo=UTC)
# Answers are compared here, not how long a busy machine takes for one.
PATIENCE: Final = 60.0
_RULES: Final = {operation.name.lower(): rule for rule, operation in OPERATIONS.items()}
_SHOWN: Final = 10
_WIDTH: Final = 2000


class Disagreement(Exception):  # noqa: N818
    """A case does not agree, and why."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One document of a test file."""

    kind: tuple[str, str]
    place: str
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.place} ({self.body.get('name', 'without a name')})"


@dataclass
class Tally:
    """What came of one way."""

    cases: int = 0
    agreed: int = 0
    disagreements: list[tuple[str, str]] = field(default_factory=list)


Interpret = Callable[[str, tuple[Any, ...]], Any]
"""From a rule's name and its arguments to what it gives."""


def cases_in(folder: Path) -> Iterator[Case]:
    """Every document of every test file below a folder, in the order of their paths."""
    for path in sorted(folder.rglob("testdata/*.yaml")):
        group, version, kind = path.parts[-5:-2]
        loaded = load(path.read_bytes(), path.as_posix())
        if not loaded.is_readable:
            yield Case(
                kind=(f"{group}/{version}", kind),
                place=str(path),
                body={"unreadable": str(loaded.problems[0])},
            )
        for document in loaded.documents:
            yield Case(
                kind=(f"{group}/{version}", kind), place=f"{path}:{document.origin.line}", body=document.body
            )


def scripts_in(folder: Path) -> dict[tuple[str, str], Scripts]:
    """The scripts of every `customizations.yaml` below a folder, by kind."""
    manifests = []
    for path in sorted(folder.rglob("customizations.yaml")):
        loaded = load(path.read_bytes(), path.as_posix())
        manifests += [
            Manifest(id=id_of_body(document.body), body=document.body, origin=document.origin)
            for document in loaded.documents
        ]
    return declared_scripts(manifests)


def compare(folder: Path, customizations: Path, engine: LuaEngine) -> dict[str, Tally]:
    """Both ways over every case below a folder."""
    scripts = scripts_in(customizations)
    asking = Asking(engine=engine, now=NOW, answers=Answers())
    tallies = {way: Tally() for way in WAYS}
    for case in cases_in(folder):
        for way, interpret in (
            ("scripts", _by_scripts(asking, scripts.get(case.kind, {}))),
            ("bundled", _by_rules(RULES_BY_KIND.get(case.kind, KindRules()))),
        ):
            tally = tallies[way]
            tally.cases += 1
            given = json.dumps(case.body, sort_keys=True)
            try:
                judge(case, interpret)
                if json.dumps(case.body, sort_keys=True) != given:
                    raise Disagreement("the input was changed")  # noqa: TRY301 - one way out for both
            except (Disagreement, InterpretationError) as reason:
                tally.disagreements.append((case.name, str(reason)))
            else:
                tally.agreed += 1
    return tallies


def judge(case: Case, interpret: Interpret) -> None:
    """Raises Disagreement where what `interpret` gives is not what the document says."""
    if "unreadable" in case.body:
        raise Disagreement(case.body["unreadable"])
    operation = str(case.body.get("operation") or "").lower()
    if operation not in _RULES:
        raise Disagreement("the operation is not known")
    rule = _RULES[operation]
    result = interpret(rule, _arguments(case.body, rule))
    results = _named(rule, result)
    for name, expected in (case.body.get("output") or {}).items():
        if name not in results:
            raise Disagreement(f"{operation} gives no {name}")
        _COMPARE[name](results[name], expected)


def _arguments(body: dict[str, Any], rule: str) -> tuple[Any, ...]:
    desired, observed = body.get("desiredObj"), body.get("observedObj")
    if rule == "retain":
        if desired is None or observed is None:
            raise Disagreement("desiredObj and observedObj are needed")
        return desired, observed
    if (desired is None) == (observed is None):
        raise Disagreement("exactly one of desiredObj and observedObj is needed")
    given = desired if desired is not None else observed
    if rule == "revise":
        return given, int(body.get("inputReplicas") or 0)
    if rule == "aggregate":
        return given, body.get("statusItems")
    return (given,)


def _by_scripts(asking: Asking, scripts: Scripts) -> Interpret:
    def interpret(rule: str, arguments: tuple[Any, ...]) -> Any:
        if rule not in scripts:
            raise Disagreement("the kind has no script for this operation")
        if rule == "dependencies":
            return asking.dependencies(scripts[rule], *arguments)
        called = asking.aggregate_items if rule == "aggregate" else getattr(asking, rule)
        return called(scripts[rule][0], *arguments)

    return interpret


def _by_rules(rules: KindRules) -> Interpret:
    def interpret(rule: str, arguments: tuple[Any, ...]) -> Any:
        found = getattr(rules, rule)
        if found is None:
            raise Disagreement("the kind has no rule for this operation")
        return found(*arguments, NOW) if rule == "aggregate" else found(*arguments)

    return interpret


def _named(rule: str, result: Any) -> dict[str, Any]:
    match rule:
        case "replicas":
            return {"replica": result[0], "requires": result[1]}
        case "components":
            return {"components": result}
        case "dependencies":
            return {"dependencies": result}
    name = {
        "retain": "retained",
        "revise": "revised",
        "reflect": "status",
        "aggregate": "aggregatedStatus",
        "health": "healthy",
    }[rule]
    return {name: result}


# ---- comparison rules, one a kind of result


def _same_object(ours: Any, theirs: Any) -> None:
    for path in _excluded(theirs, ()):
        ours, theirs = _without(ours, path), _without(theirs, path)
    _same_text(ours, theirs)


def _same_text(ours: Any, theirs: Any) -> None:
    ours, theirs = (json.dumps(_whole(each), sort_keys=True) for each in (ours, theirs))
    if ours != theirs:
        raise Disagreement(f"\n  recorded: {theirs}\n  ours:     {ours}")


def _same_requirements(ours: ReplicaRequirements | None, theirs: Any) -> None:
    # A recorded null is decoded as an empty requirement, and that is not the same as none.
    _same(None if ours is None else _comparable(ours), _comparable(_requirements(theirs or {})))


def _same_components(ours: Sequence[Component], theirs: Any) -> None:
    wanted = [
        Component(
            name=each.get("name") or "",
            replicas=int(each.get("replicas") or 0),
            requirements=None
            if each.get("replicaRequirements") is None
            else _requirements(each["replicaRequirements"]),
        )
        for each in theirs or ()
    ]
    _same(*([_component(each) for each in sorted(side, key=lambda c: c.name)] for side in (ours, wanted)))


def _same_dependencies(ours: Sequence[ObjectReference], theirs: Any) -> None:
    wanted = [
        ObjectReference(
            api_version=each.get("apiVersion") or "",
            kind=each.get("kind") or "",
            namespace=each.get("namespace") or "",
            name=each.get("name") or "",
            label_selector=decode_label_selector(each.get("labelSelector")),
        )
        for each in theirs or ()
    ]
    _same(*(sorted(side, key=_reference_order) for side in (ours, wanted)))


def _same(ours: Any, theirs: Any) -> None:
    if ours != theirs:
        raise Disagreement(f"\n  recorded: {theirs}\n  ours:     {ours}")


_COMPARE: Final[dict[str, Callable[[Any, Any], None]]] = {
    "retained": _same_object,
    "revised": _same_object,
    "aggregatedStatus": _same_object,
    "status": _same_text,
    "replica": _same_text,
    "healthy": _same_text,
    "requires": _same_requirements,
    "components": _same_components,
    "dependencies": _same_dependencies,
}


def _requirements(body: dict[str, Any]) -> ReplicaRequirements:
    try:
        return requirements(body)
    except ResultError as error:
        raise Disagreement(f"the recorded requirement cannot be read: {error}") from error


def _comparable(needs: ReplicaRequirements) -> tuple[Any, ...]:
    amounts = {name: parse_quantity(text).amount for name, text in needs.resource_request.items()}
    return needs.node_claim, amounts, needs.namespace, needs.priority_class_name


def _component(component: Component) -> tuple[Any, ...]:
    needs = component.requirements
    return component.name, component.replicas, None if needs is None else _comparable(needs)


def _reference_order(reference: ObjectReference) -> tuple[str, str, str, str]:
    return reference.api_version, reference.kind, reference.namespace, reference.name


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value == int(value) else value


def _excluded(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if value == EXCLUDED:
        yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in children:
        yield from _excluded(inner, (*path, key))


def _without(value: Any, path: tuple[Any, ...]) -> Any:
    step, *rest = path
    if isinstance(value, dict) and step in value:
        if not rest:
            return {key: inner for key, inner in value.items() if key != step}
        return {**value, step: _without(value[step], tuple(rest))}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        if not rest:
            # The place stays, so that the paths behind it keep their meaning.
            return [*value[:step], None, *value[step + 1 :]]
        return [*value[:step], _without(value[step], tuple(rest)), *value[step + 1 :]]
    return value


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 where everything agrees, 1 where something disagrees, 2 for a wrong call."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity.thirdparty")
    parser.add_argument(
        "--customizations", type=Path, metavar="DIR", help="where customizations.yaml files stand"
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR")
    parsed = parser.parse_args(arguments)
    for folder in (*parsed.folders, *filter(None, [parsed.customizations])):
        if not folder.is_dir():
            parser.error(f"no such directory: {folder}")
    totals = {way: Tally() for way in WAYS}
    with LuaEngine(seconds=PATIENCE) as engine:
        for folder in parsed.folders:
            for way, tally in compare(folder, parsed.customizations or folder, engine).items():
                totals[way].cases += tally.cases
                totals[way].agreed += tally.agreed
                totals[way].disagreements += tally.disagreements
    for way, tally in totals.items():
        print(
            f"{way:10} {tally.cases:5} cases {tally.agreed:5} agreed {len(tally.disagreements):5} disagreed"
        )
    for way, tally in totals.items():
        for name, reason in tally.disagreements[:_SHOWN]:
            print(f"\n{way} {name}: {reason[:_WIDTH]}")
    if not totals[WAYS[0]].cases:
        print("no case was found", file=sys.stderr)
        return 2
    return int(any(tally.disagreements for tally in totals.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
