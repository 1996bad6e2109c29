"""Scripts that mean harm: each ends in a problem that names its file and line, in time and memory measured from outside.

A script's first line says what comes of it: `-- expect: CODE... LINE[-LINE] [FIELD]`, with the line of the script or the lines of a loop
(0: none is known) and the field of the customization, by default healthInterpretation. Where others keep the machine busy a script may
run out of time (R423) before it is out of its budget or its memory; what would come of it is then asked of an engine with more patience.
"""

from __future__ import annotations

import os
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
"""Of CPU time, which a busy machine cannot stretch, and of resident memory."""
PATIENCE = 60.0
TICKS = os.sysconf("SC_CLK_TCK")
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


@pytest.fixture(scope="module")
def patient() -> Iterator[LuaEngine]:
    """The same budget and memory, and as much time as a busy machine needs for them."""
    with LuaEngine(seconds=PATIENCE) as engine:
        yield engine


@dataclass
class Witness:
    """Looks at a process from outside, every few milliseconds, while somebody else waits for it."""

    engine: LuaEngine
    peak: int = 0
    seconds: float = 0.0
    """Of CPU time: the process's, and of who waits for it."""
    elapsed: float = 0.0
    _ticks: dict[int, list[int]] = field(default_factory=dict)
    """What a process had used when it was first seen, and last."""
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._look()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        self._start = time.monotonic(), time.thread_time()
        return self

    def __exit__(self, *_exception: object) -> None:
        elapsed, own = self._start
        self.elapsed, self.seconds = time.monotonic() - elapsed, time.thread_time() - own
        self._look()
        self._done.set()
        self._thread.join()
        self.seconds += sum(last - first for first, last in self._ticks.values()) / TICKS

    def _watch(self) -> None:
        while not self._done.wait(0.002):
            self._look()

    def _look(self) -> None:
        process = self.engine.process_id
        try:
            status = Path(f"/proc/{process}/status").read_text()
            used = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return
        ticks = int(used[11]) + int(used[12])
        self._ticks.setdefault(process, [ticks, ticks])[1] = ticks
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
def test_a_hostile_script_ends_in_a_problem_while_others_are_answered(path, engine, patient):
    script = path.read_text()
    words = script.splitlines()[0].removeprefix("-- expect: ").split()
    codes = [word for word in words if word.startswith("R")]
    first, _, last = words[len(codes)].partition("-")
    field_name = words[len(codes) + 1] if len(words) > len(codes) + 1 else "healthInterpretation"
    failed, witness = ended(engine, script, field_name)
    assert witness.seconds < SECONDS
    assert witness.elapsed < 5 * SECONDS
    if failed.is_transient and "R423" not in codes:
        failed, witness = ended(patient, script, field_name)

    problem = failed.problem
    print(problem)
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
    assert failed.is_transient == (problem.code == "R423")

    rules = interpreters(engine, script, field_name)
    assert rules.rule(BYSTANDER, "health")(BYSTANDER)
    assert rules.health(BYSTANDER).value == "Healthy"


def ended(engine: LuaEngine, script: str, field_name: str) -> tuple[ScriptFailed, Witness]:
    """What comes of a hostile script in a process that has answered a decent one."""
    rules = interpreters(engine, script, field_name)
    assert rules.rule(BYSTANDER, "health")(BYSTANDER)
    with Witness(engine) as witness, pytest.raises(ScriptFailed) as caught:
        rules.rule(VICTIM, RULE_OF_FIELD[field_name])(VICTIM)
    return caught.value, witness


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
