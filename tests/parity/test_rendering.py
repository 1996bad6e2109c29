"""Which differences there are in rendering, and that the checks notice a wrong answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parity.cases import load
from tests.parity.rendering import CHECKS
from tests.parity.run import compare

_DATA = Path(__file__).parent / "data"
_DIFFERENCES = {
    "override": {"argument-not-a-string"},
    "ensure-work": set(),
    "native-interpreter": {
        "service-account-adjacent-tokens",
        "service-account-null-lists",
        "status-without-template-generation",
    },
}


@pytest.mark.parametrize("kind", sorted(_DIFFERENCES))
def test_the_differences_on_purpose_are_these(kind):
    (tally,) = compare([_DATA / f"{kind}.jsonl.gz"]).values()
    assert set(tally.rules) == _DIFFERENCES[kind]


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("override", lambda output: output["object"]["metadata"].update(name="another")),
        ("override", lambda output: output.update(appliedOverrides=["another"])),
        ("ensure-work", lambda output: output["works"][0]["manifest"]["spec"].update(replicas=1000)),
        (
            "ensure-work",
            lambda output: output["works"][0]["manifest"]["metadata"]["labels"].pop("karmada.io/managed"),
        ),
        ("ensure-work", lambda output: output.update(works=output["works"][1:])),
    ],
)
def test_the_runner_notices_a_wrong_answer(kind, spoil):
    case = next(
        case
        for case in _cases(kind)
        if case["output"].get("object")
        or (case["output"].get("works") and _has_spec(case["output"]["works"][0]))
    )
    spoil(case["output"])
    outcome = CHECKS[kind](case)
    assert not outcome.agrees
    assert not outcome.rule


@pytest.mark.parametrize(
    "operation", ["replicas", "dependencies", "retain", "prune", "reviseReplica", "aggregateStatus"]
)
def test_the_runner_notices_a_wrong_interpretation(operation):
    case = next(case for case in _cases("native-interpreter") if case["input"]["operation"] == operation)
    case["output"]["result"] = {"kind": "Another", "spec": {"replicas": 1000}}
    outcome = CHECKS["native-interpreter"](case) if operation != "dependencies" else None
    if outcome is None:
        case["output"]["result"] = [{"apiVersion": "v1", "kind": "Another", "name": "another"}]
        outcome = CHECKS["native-interpreter"](case)
    assert not outcome.agrees
    assert not outcome.rule


def _has_spec(work):
    return "spec" in work["manifest"]


def _cases(kind):
    return load(_DATA / f"{kind}.jsonl.gz")
