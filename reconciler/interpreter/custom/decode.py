"""ResourceInterpreterCustomization documents to scripts by kind and operation (spec rendering-and-status §3.3).

Pure. Expects what the schema accepts. Objects are taken in the order of their names: for each operation the first script counts,
except that all scripts for dependencies do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from reconciler.errors import Location, Problem
from reconciler.interpreter.custom.places import script_location
from reconciler.interpreter.custom.syntax.tokens import LuaSyntaxError
from reconciler.interpreter.custom.syntax.translate import translate
from reconciler.interpreter.rules import GroupVersionKind
from reconciler.model.manifest import Manifest, Origin
from reconciler.problems import CATALOGUE

SCRIPT_FIELD: Final = "luaScript"
_CLOCK_NAMES: Final = frozenset(("os", "_G", "package"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: its field in KindRules, its field in the document, its Lua function, and Karmada's name of it."""

    rule: str
    field: str
    function: str
    name: str


OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType(
    {
        each.rule: each
        for each in (
            Operation(rule="retain", field="retention", function="Retain", name="Retain"),
            Operation(
                rule="replicas", field="replicaResource", function="GetReplicas", name="InterpretReplica"
            ),
            Operation(
                rule="components",
                field="componentResource",
                function="GetComponents",
                name="InterpretComponent",
            ),
            Operation(rule="revise", field="replicaRevision", function="ReviseReplica", name="ReviseReplica"),
            Operation(
                rule="reflect", field="statusReflection", function="ReflectStatus", name="InterpretStatus"
            ),
            Operation(
                rule="aggregate",
                field="statusAggregation",
                function="AggregateStatus",
                name="AggregateStatus",
            ),
            Operation(
                rule="health",
                field="healthInterpretation",
                function="InterpretHealth",
                name="InterpretHealth",
            ),
            Operation(
                rule="dependencies",
                field="dependencyInterpretation",
                function="GetDependencies",
                name="InterpretDependency",
            ),
        )
    }
)
"""By the field of KindRules, in the order of the API's own documentation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One script of a customization, and where it is written."""

    operation: Operation
    text: str
    customization: str
    origin: Origin
    digest: str = field(default="")

    def location(self, line: int = 0) -> Location:
        """The file's place of a line of the script (from 1); without a line, that of the script."""
        return script_location(
            self.origin, ("spec", "customizations", self.operation.field, SCRIPT_FIELD), self.text, line
        )


Scripts = Mapping[str, tuple[Script, ...]]
"""By operation (a field of KindRules); several for `dependencies` alone."""


def declared_scripts(customizations: Iterable[Manifest]) -> dict[GroupVersionKind, Scripts]:
    """The scripts that count, by kind."""
    found: dict[GroupVersionKind, dict[str, tuple[Script, ...]]] = {}
    for manifest in sorted(customizations, key=lambda each: each.id):
        target = manifest.body["spec"]["target"]
        scripts = found.setdefault((str(target["apiVersion"]), str(target["kind"])), {})
        for script in scripts_of(manifest):
            rule = script.operation.rule
            if rule == "dependencies":
                scripts[rule] = (*scripts.get(rule, ()), script)
            else:
                scripts.setdefault(rule, (script,))
    return {kind: scripts for kind, scripts in sorted(found.items()) if scripts}


def scripts_of(manifest: Manifest) -> Iterator[Script]:
    """The scripts of one document that are not empty, in the order of the operations."""
    customizations = manifest.body["spec"].get("customizations") or {}
    for operation in OPERATIONS.values():
        text = (customizations.get(operation.field) or {}).get(SCRIPT_FIELD) or ""
        if text:
            yield Script(
                operation=operation,
                text=text,
                customization=manifest.id.name,
                origin=manifest.origin,
                digest=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
            )


def syntax_problems(manifest: Manifest) -> tuple[Problem, ...]:
    """R420 for each script of a document that is not Lua."""
    return tuple(
        problem
        for script in scripts_of(manifest)
        if (problem := _syntax_problem(script, manifest)) is not None
    )


def reads_clock(script: Script) -> bool:
    """Whether a script can name the clock at all. One that is not Lua reads nothing."""
    try:
        return not _CLOCK_NAMES.isdisjoint(translate(script.text).names)
    except LuaSyntaxError:
        return False


def _syntax_problem(script: Script, manifest: Manifest) -> Problem | None:
    try:
        translate(script.text)
    except LuaSyntaxError as error:
        row = CATALOGUE["R420"]
        return Problem(
            code="R420",
            message=f"the script of {script.operation.field} is not Lua",
            location=script.location(error.line),
            evidence=(f"line {error.line} of the script: {error.message}",),
            remedy=row.remedy,
            severity=row.severity,
            subject=str(manifest.id),
        )
    return None
