"""From files to a decision: by which rules members' objects are treated."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.loop.decide import Decision, Memory, decide
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
