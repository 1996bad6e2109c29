"""From files to a decision: by which rules members' objects are treated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import GitError
from reconciler.loop.decide import Decision, Memory, decide, decode_bindings, moment
from reconciler.model.fleet import Source, SourceFile
from reconciler.model.observation import Observation
from reconciler.model.tree import PreviousRender
from tests.cases.render.fleets import read_back

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLUSTER = """\
apiVersion: cluster.karmada.io/v1alpha1
kind: Cluster
metadata: {name: eu-1}
spec: {syncMode: Push}
"""
RULES = """\
apiVersion: config.karmada.io/v1alpha1
kind: ResourceInterpreterCustomization
metadata: {name: gadgets}
spec:
  target: {apiVersion: example.com/v1, kind: Gadget}
  customizations:
    retention:
      luaScript: |
        function Retain(desired, observed)
          desired.spec.size = observed.spec.size
          return desired
        end
"""
DESIRED = {"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "g"}, "spec": {"size": 1}}
LIVE = {**DESIRED, "spec": {"size": 7}}


def decided(rules: str | None, previous: PreviousRender, memory: Memory) -> Decision:
    texts = {"cluster.yaml": CLUSTER, "rules.yaml": rules}
    files = tuple(
        SourceFile(path=path, data=text.encode()) for path, text in texts.items() if text is not None
    )
    source = Source(commit="", time=NOW, files=files)
    return decide(source, Observation(), previous, now=NOW, assume_unreported=True, memory=memory)


def size_after_retaining(decision: Decision) -> int:
    return int(decision.in_force.retain(DESIRED, LIVE)["spec"]["size"])


@pytest.mark.parametrize("broken", [RULES.replace("function Retain(", "function Retain)"), "spec: [\n"])
@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_broken_document_with_rules_leaves_those_of_the_last_render_in_force(
    broken: str, is_restarted: bool
):
    memory = Memory()
    first = decided(RULES, PreviousRender(), memory)
    assert size_after_retaining(first) == 7
    memory = Memory() if is_restarted else memory
    second = decided(broken, read_back(first.rendered), memory)
    assert size_after_retaining(second) == 7
    # And again, from what the second left.
    assert size_after_retaining(decided(broken, read_back(second.rendered), memory)) == 7


def test_rules_that_were_taken_away_on_purpose_are_gone():
    memory = Memory()
    first = decided(RULES, PreviousRender(), memory)
    second = decided(None, read_back(first.rendered), memory)
    assert size_after_retaining(second) == 1


LATE = NOW + timedelta(days=3650)
COMMIT = "c" * 40


def dated(time: datetime, commit: str = COMMIT) -> Source:
    return Source(commit=commit, time=time, files=())


def taken_in(commit: str, at: datetime) -> PreviousRender:
    return PreviousRender(commit="r" * 40, source_commit=commit, evaluated_at=at)


@pytest.mark.parametrize(
    ("source", "previous", "wake", "clock", "expected"),
    [
        # Without a clock a commit is believed, so that every machine comes to the same.
        (dated(LATE), PreviousRender(), None, None, LATE),
        # The reconciler's own clock bounds it; clocks that differ a little change nothing.
        (dated(LATE), PreviousRender(), None, NOW, NOW),
        (dated(NOW + timedelta(minutes=9)), PreviousRender(), None, NOW, NOW + timedelta(minutes=9)),
        (dated(NOW - timedelta(days=1)), PreviousRender(), None, NOW, NOW - timedelta(days=1)),
        # What that render decided for stands for the commit, also where nobody has a clock.
        (dated(LATE), taken_in(COMMIT, NOW), None, None, NOW),
        (dated(LATE), taken_in(COMMIT, NOW), NOW + timedelta(hours=1), None, NOW + timedelta(hours=1)),
        # Another commit speaks for itself; a work tree is no commit that was rendered.
        (dated(LATE), taken_in("d" * 40, NOW), None, None, LATE),
        (dated(LATE, commit=""), taken_in("", NOW), None, None, LATE),
        # It never runs backwards.
        (dated(LATE), taken_in("d" * 40, NOW + timedelta(days=1)), None, NOW, NOW + timedelta(days=1)),
    ],
)
def test_a_commit_that_is_dated_in_the_future_does_not_drag_the_decision_there(
    source: Source,
    previous: PreviousRender,
    wake: datetime | None,
    clock: datetime | None,
    expected: datetime,
):
    assert moment(source, Observation(), previous, wake, clock) == expected


def test_it_is_told_by_whoever_has_a_clock():
    def codes(clock: datetime | None) -> list[str]:
        made = decide(
            dated(LATE), Observation(), PreviousRender(), now=NOW, assume_unreported=True, clock=clock
        )
        return [f"{problem.severity.value} {problem.code}" for problem in made.problems]

    assert codes(NOW) == ["warning R604"]
    assert codes(LATE) == codes(LATE - timedelta(minutes=10)) == codes(None) == []


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "spec: 1",
        "spec: {resource: {kind: Pod, name: a}, clusters: [1]}",
        "spec: {resource: {kind: Pod, name: a}, placement: {clusterAffinity: []}}",
        "spec: {resource: {kind: Pod, name: a}, clusters: [{name: x, replicas: many}]}",
        "a: b\n---\nc: d",
    ],
)
def test_a_binding_that_is_not_ours_is_told(text):
    with pytest.raises(GitError, match=r"bindings/a\.yaml of the rendered branch cannot be read"):
        decode_bindings({"a.yaml": text.encode()})
