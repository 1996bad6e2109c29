"""Scripts that mean harm: each ends in a problem that names its file and line, in time and memory measured from outside.

A script's first line says what comes of it: `-- expect: CODE... LINE[-LINE] [FIELD]`, with the line of the script or the lines of a loop
(0: none is known) and the field of the customization, by default healthInterpretation. What needs a tenth of a second by itself
may run out of time on a busy machine (R423); that the budget decides is shown with a small one in tests/unit/lua.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import pytest

from reconciler.interpreter.custom.declared import interpreters_for
from reconciler.interpreter.custom.decode import OPERATIONS, SCRIPT_FIELD
from reconciler.interpreter.registry import Interpreters
from reconciler.interpreter.rules import ScriptFailed
from reconciler.lua.engine import LuaEngine
from reconciler.manifests.load import load
from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Manifest

SCRIPTS = sorted(Path(__file__).parent.glob("hostile/*.lua"))
NOW = datetime(2031, 1, 1, tzinfo=UTC)
SECONDS, MEBIBYTES = 2.0, 256
FILE = "customizations/hostile.yaml"
VICTIM = {
    "apiVersion": "example.io/v1",
    "kind": "Gadget",
    "metadata": {"name": "victim", "namespace": "shop"},
}
BYSTANDER = {**VICTIM, "kind": "Widget", "status": {"ready": True}}
RULE_OF_FIELD = {operation.field: rule for rule, operation in OPERATIONS.items()}


@pytest.fixture(scope="module")
def engine() -> Iterator[LuaEngine]:
    with LuaEngine() as engine:
        yield engine


@dataclass
class Witness:
    """Looks at a process from outside, every few milliseconds, while somebody else waits for it."""

    engine: LuaEngine
    peak: int = 0
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        self._start = time.monotonic()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.seconds = time.monotonic() - self._start
        self._look()
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.002):
            self._look()

    def _look(self) -> None:
        try:
            status = Path(f"/proc/{self.engine.process_id}/status").read_text()
        except OSError:
            return
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                self.peak = max(self.peak, int(line.split()[1]) * 1024)


def interpreters(engine: LuaEngine, script: str, field_name: str) -> Interpreters:
    """A fleet's rules: the hostile script for one kind, a decent one for another, as they stand in a file."""
    block = "\n".join(f"        {line}" for line in script.splitlines())
    text = f"""\
apiVersion: config.karmada.io/v1alpha1
kind: ResourceInterpreterCustomization
metadata: {{name: hostile}}
spec:
  target: {{apiVersion: example.io/v1, kind: Gadget}}
  customizations:
    {field_name}:
      {SCRIPT_FIELD}: |
{block}
---
apiVersion: config.karmada.io/v1alpha1
kind: ResourceInterpreterCustomization
metadata: {{name: decent}}
spec:
  target: {{apiVersion: example.io/v1, kind: Widget}}
  customizations:
    healthInterpretation:
      {SCRIPT_FIELD}: |
        function InterpretHealth(observedObj)
          return tostring(observedObj.status.ready):upper() == "TRUE"
        end
"""
    loaded = load(text.encode(), FILE)
    assert not loaded.problems
    customizations = [
        Manifest(id=id_of_body(document.body), body=document.body, origin=document.origin)
        for document in loaded.documents
    ]
    return interpreters_for(customizations, engine, now=NOW)


def test_there_are_enough_of_them():
    assert len(SCRIPTS) >= 75


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_hostile_script_ends_in_a_problem_while_others_are_answered(path, engine):
    script = path.read_text()
    words = script.splitlines()[0].removeprefix("-- expect: ").split()
    codes = [word for word in words if word.startswith("R")]
    first, _, last = words[len(codes)].partition("-")
    field_name = words[len(codes) + 1] if len(words) > len(codes) + 1 else "healthInterpretation"
    rules = interpreters(engine, script, field_name)
    assert rules.rule(BYSTANDER, "health")(BYSTANDER)

    # Running out of time is transient: a machine that others keep busy has another try or two.
    for _ in range(3):
        with Witness(engine) as witness, pytest.raises(ScriptFailed) as caught:
            rules.rule(VICTIM, RULE_OF_FIELD[field_name])(VICTIM)
        if not caught.value.is_transient or "R423" in codes:
            break

    problem = caught.value.problem
    print(problem)
    assert witness.seconds < SECONDS
    assert 0 < witness.peak < MEBIBYTES * 2**20 or problem.code == "R420"
    assert problem.code in codes
    assert problem.location is not None
    assert problem.location.path == FILE
    # The block begins on line 8 of the file; what has no line of its own is said of the whole script, as whatever was cut off is.
    least = 8 if problem.code == "R423" else 8 + int(first)
    assert least <= problem.location.line <= 8 + int(last or first)
    assert problem.subject == "Gadget.example.io shop/victim"
    assert str(problem).isprintable() or "\n" in str(problem)
    assert len(str(problem)) < 2000
    assert caught.value.is_transient == (problem.code == "R423")

    assert rules.rule(BYSTANDER, "health")(BYSTANDER)
    assert rules.health(BYSTANDER).value == "Healthy"


def test_what_one_script_leaves_behind_no_other_finds(engine):
    spoil = (Path(__file__).parent / "hostile" / "spoiling-the-libraries.lua").read_text()
    rules = interpreters(engine, spoil, "healthInterpretation")
    with pytest.raises(ScriptFailed):
        rules.rule(VICTIM, "health")(VICTIM)
    leave = "-- expect\nInterpretHealth = InterpretHealth or nil\nleft = (left or 0) + 1\n"
    rules = interpreters(engine, leave, "healthInterpretation")
    for _ in range(2):
        with pytest.raises(ScriptFailed, match="does not define the function InterpretHealth"):
            rules.rule(VICTIM, "health")(VICTIM)


def test_nothing_a_script_did_reached_the_file_system():
    assert not Path("/tmp/owned").exists()
