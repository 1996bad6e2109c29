"""Declared rules as a layer: what a script answers, through an engine that is passed down as a value.

Pure but for the engine. A failure is a `ScriptFailed` with a problem that names the script's file and line; it is final: no lower
layer is asked instead (spec rendering-and-status §3.2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from reconciler.errors import Problem
from reconciler.interpreter.custom import returned
from reconciler.interpreter.custom.answers import Answer, Answers
from reconciler.interpreter.custom.decode import Script, Scripts, declared_scripts, reads_clock
from reconciler.interpreter.custom.engine import Engine, FailureKind, LuaDump, LuaFailure
from reconciler.interpreter.custom.results import ResultError
from reconciler.interpreter.registry import Interpreters
from reconciler.interpreter.rules import GroupVersionKind, KindRules, Replicas, ScriptFailed
from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Body, Manifest
from reconciler.model.selector import ObjectReference
from reconciler.problems import CATALOGUE

_CODES: Final = {
    FailureKind.SYNTAX: "R420",
    FailureKind.ERROR: "R421",
    FailureKind.INSTRUCTIONS: "R422",
    FailureKind.MEMORY: "R422",
    FailureKind.TIME: "R423",
}
_UNUSABLE: Final = "R424"
_LONGEST_MESSAGE: Final = 300


def interpreters_for(
    customizations: Iterable[Manifest],
    engine: Engine,
    *,
    now: datetime,
    answers: Answers | None = None,
    base: Interpreters | None = None,
) -> Interpreters:
    """Everything that is known about kinds, the fleet's own scripts first.

    `now` is the scripts' clock. `answers` is kept by the caller between renders; with it the same scripts give the very same value,
    whatever `now` is, unless one of them can read the clock. `base`: what stands behind the declared rules, by default all that
    this program knows.
    """
    base = base if base is not None else Interpreters()
    found = declared_scripts(customizations)
    if not found:
        return base
    answers = answers if answers is not None else Answers()
    asking = Asking(engine=engine, now=now, answers=answers)
    digest = _digest(base.digest, found, now)

    def make() -> Interpreters:
        return replace(
            base, declared={kind: asking.rules(scripts) for kind, scripts in found.items()}, digest=digest
        )

    # Problems name lines of files, so where the scripts stand counts as well.
    scripts = [script for given in found.values() for each in given.values() for script in each]
    places = tuple((script.origin, script.origin.text) for script in scripts)
    return answers.same((digest, places, engine, base), make)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What every question to a script needs besides the script."""

    engine: Engine
    now: datetime
    answers: Answers

    def rules(self, scripts: Scripts) -> KindRules:
        """One kind's scripts as rules; an operation without a script is left to the next layer."""
        first = {rule: given[0] for rule, given in scripts.items()}
        rules: dict[str, Callable[..., Any]] = {
            rule: partial(getattr(self, rule), script)
            for rule, script in first.items()
            if rule != "dependencies"
        }
        if "dependencies" in scripts:
            rules["dependencies"] = partial(self.dependencies, scripts["dependencies"])
        return KindRules(**rules)

    def replicas(self, script: Script, body: Body) -> Replicas:
        """GetReplicas."""
        count, needs = self.ask(script, body, (body,), returned.replicas, results=2)
        return count, needs

    def components(self, script: Script, body: Body) -> Any:
        """GetComponents."""
        return self.ask(script, body, (body,), returned.components)

    def revise(self, script: Script, body: Body, replicas: int) -> Body:
        """ReviseReplica."""
        return self._changed(script, body, (body, replicas), references=(body,))

    def retain(self, script: Script, desired: Body, live: Body) -> Body:
        """Retain."""
        return self._changed(script, desired, (desired, live), references=(desired, live))

    def reflect(self, script: Script, body: Body) -> Any:
        """ReflectStatus."""
        return self.ask(script, body, (body,), returned.status)

    def health(self, script: Script, body: Body) -> bool:
        """InterpretHealth."""
        is_healthy: bool = self.ask(script, body, (body,), returned.health)
        return is_healthy

    def aggregate(
        self, script: Script, body: Body, items: Sequence[Body] | None, now: datetime | None = None
    ) -> Body:
        """AggregateStatus. Without items the script gets nil: that is what Karmada reads back from its storage."""
        asking = self if now is None else replace(self, now=now)
        return asking.aggregate_items(script, body, items or None)

    def aggregate_items(self, script: Script, body: Body, items: Sequence[Body] | None) -> Body:
        """AggregateStatus with exactly these items: an empty list is an empty table, None is nil."""
        given = None if items is None else [_item(item) for item in items]
        return self._changed(script, body, (body, given))

    def dependencies(self, scripts: Sequence[Script], body: Body) -> tuple[ObjectReference, ...]:
        """GetDependencies of every script, united."""
        return returned.united(
            reference
            for script in scripts
            for reference in self.ask(script, body, (body,), returned.dependencies)
        )

    def ask(
        self,
        script: Script,
        body: Body,
        arguments: tuple[Any, ...],
        convert: Callable[[tuple[LuaDump, ...]], Any],
        *,
        results: int = 1,
    ) -> Any:
        """What the script answers to `arguments`, converted. Raises ScriptFailed; `body` is the object it is about."""

        def compute() -> Answer:
            return self._compute(script, arguments, convert, results)

        answer = self.answers.remember(script.digest, script.operation.rule, arguments, self.now, compute)
        if answer.kind is not None:
            raise _failed(script, body, answer)
        return answer.value

    def _changed(
        self, script: Script, body: Body, arguments: tuple[Any, ...], references: Sequence[Body] = ()
    ) -> Body:
        convert = partial(returned.changed_object, given=body, references=references)
        changed: Body = self.ask(script, body, arguments, convert)
        return changed

    def _compute(
        self,
        script: Script,
        arguments: tuple[Any, ...],
        convert: Callable[[tuple[LuaDump, ...]], Any],
        results: int,
    ) -> Answer:
        came = self.engine.call(
            script.text, script.operation.function, arguments, results=results, now=self.now
        )
        if isinstance(came, LuaFailure):
            return Answer(kind=came.kind, message=came.message, line=came.line, reads_clock=came.reads_clock)
        try:
            return Answer(value=convert(came.values), reads_clock=came.reads_clock)
        except ResultError as error:
            return Answer(
                kind=FailureKind.ERROR, is_unusable=True, message=str(error), reads_clock=came.reads_clock
            )


def _item(item: Body) -> Body:
    """An aggregated status item as scripts get it: it names its cluster, and other empty fields are left out."""
    given = {key: value for key, value in item.items() if value not in (None, "", False)}
    return {"clusterName": "", **given}


def _failed(script: Script, body: Body, answer: Answer) -> ScriptFailed:
    kind = answer.kind or FailureKind.ERROR
    row = CATALOGUE[_UNUSABLE if answer.is_unusable else _CODES[kind]]
    said = "".join(letter if letter.isprintable() else " " for letter in answer.message)[:_LONGEST_MESSAGE]
    subject = str(id_of_body(body))
    problem = Problem(
        code=row.code,
        message=f"{script.operation.function} of {script.customization}: {row.title} for {subject}",
        location=script.location(answer.line),
        evidence=((f"line {answer.line} of the script: {said}" if answer.line else said),),
        remedy=row.remedy,
        severity=row.severity,
        subject=subject,
    )
    return ScriptFailed(problem, is_transient=not answer.is_final)


def _digest(base: str, found: Mapping[GroupVersionKind, Scripts], now: datetime) -> str:
    """Of all scripts, and of the clock where one of them can read it."""
    parts = [base]
    scripts = [script for given in found.values() for each in given.values() for script in each]
    for (api_version, kind), given in found.items():
        for rule, several in sorted(given.items()):
            parts += (api_version, kind, rule, *(script.digest for script in several))
    if any(map(reads_clock, scripts)):
        parts.append(now.isoformat())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
