"""Karmada's recorded answers, every case; and the runner itself, which must not be able to agree by accident."""

import json
from pathlib import Path

import pytest

from tests.parity import run
from tests.parity.cases import load

DATA = Path(__file__).parent / "data"
FILES = sorted(DATA.glob("*.jsonl.gz"))


def test_every_recorded_kind_is_there():
    assert {path.name.removesuffix(".jsonl.gz") for path in FILES} == set(run.CHECKS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".jsonl.gz"))
def test_we_answer_as_karmada_does(path):
    for tally in run.compare([path]).values():
        assert not tally.disagreements[:3], f"{len(tally.disagreements)} of {tally.cases} disagree"
        assert tally.agreed + sum(tally.rules.values()) == tally.cases


def test_differences_on_purpose_stay_rare_in_scheduling():
    (tally,) = run.compare([DATA / "schedule-binding.jsonl.gz"]).values()
    assert sum(tally.rules.values()) <= tally.cases // 100


def first(name: str) -> dict:
    return next(iter(load(DATA / f"{name}.jsonl.gz")))


def written(path: Path, *cases: dict) -> str:
    path.write_text("".join(json.dumps(case) + "\n" for case in cases))
    return str(path)


def test_a_wrong_answer_is_a_disagreement_with_exit_code_1(tmp_path, capsys):
    case = first("dispense")
    case["output"]["result"][0]["replicas"] = 10**6
    assert run.main([written(tmp_path / "wrong.jsonl", case)]) == 1
    printed = capsys.readouterr().out
    assert "1 cases      0 agreed      1 disagreed" in printed
    assert case["id"] in printed


def test_any_of_several_recorded_answers_agrees(tmp_path, capsys):
    case = first("dispense")
    wrong = {"result": [{"name": "nobody", "replicas": 1}]}
    case["outputs"] = [wrong, case.pop("output")]
    assert run.main([written(tmp_path / "several.jsonl", case)]) == 0
    case["outputs"] = [wrong]
    assert run.main([written(tmp_path / "several.jsonl", case)]) == 1
    capsys.readouterr()


def test_an_unknown_kind_and_a_crash_are_disagreements(tmp_path, capsys):
    unknown = {"id": "x", "kind": "weather", "input": {}, "output": {}}
    broken = first("estimate") | {"input": {"clusters": None}}
    assert run.main([written(tmp_path / "odd.jsonl", unknown, broken)]) == 1
    assert "this kind of case is not known" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no case in the file"),
        (b'{"id": "x", ', "Expecting property name"),
        (b'[1, 2]\n"text"\n', "not a case"),
        (b'{"kind": "dispense", "input": {}}', "not a case"),
        (b"\x1f\x8b\x08 not gzip after all", "disagreed"),
        (
            b'{"id": "x", "kind": "dispense", "input": {"replicas": 1, "weights": []}, "outputs": []}',
            "dispense x",
        ),
        (b'{"id": "x", "kind": "dispense", "input": {"replicas": 1, "weights": []}}', "dispense x"),
    ],
)
def test_what_is_not_in_the_format_is_a_disagreement(tmp_path, capsys, data, told):
    path = tmp_path / ("cases.jsonl.gz" if data.startswith(b"\x1f") else "cases.jsonl")
    path.write_bytes(data)
    good = written(tmp_path / "good.jsonl", first("dispense"))
    assert run.main([str(path), good]) == 1
    printed = capsys.readouterr().out
    assert told in printed
    assert "1 agreed" in printed  # the file beside it is looked at all the same


def divided_afresh(clusters: int, **attempt: object) -> dict:
    """No replicas to divide by capacity, afresh: Karmada adds up 2^31 - 1 a cluster in 32 bits."""
    names = [f"m{number}" for number in range(clusters)]
    spec = {
        "resource": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "n", "name": "web"},
        "replicaRequirements": {"resourceRequest": {"cpu": "1"}},
        "rescheduleTriggeredAt": "2025-01-02T00:00:00Z",
        "placement": {
            "replicaScheduling": {
                "replicaSchedulingType": "Divided",
                "replicaDivisionPreference": "Aggregated",
            }
        },
    }
    api = {"groupVersion": "apps/v1", "resources": [{"name": "deployments", "kind": "Deployment"}]}
    return {
        "id": "afresh",
        "kind": "select-and-assign",
        "input": {
            "spec": spec,
            "status": {"lastScheduledTime": "2025-01-01T00:00:00Z"},
            "clusters": [
                {"metadata": {"name": name}, "spec": {}, "status": {"apiEnablements": [api]}}
                for name in names
            ],
        },
        "output": attempt,
    }


def test_a_sum_beyond_32_bits_is_told_apart_by_its_own_rule_and_by_nothing_else(tmp_path, capsys):
    no_room = {"error": {"type": "UnschedulableError"}}
    assert run.main([written(tmp_path / "two.jsonl", divided_afresh(2, **no_room))]) == 0
    assert "on purpose: 1 sum-beyond-32-bits" in capsys.readouterr().out
    # Three such numbers wrap around to a positive one: Karmada gives nothing out, as we do.
    assert run.main([written(tmp_path / "three.jsonl", divided_afresh(3, **no_room))]) == 1
    assert run.main([written(tmp_path / "empty.jsonl", divided_afresh(3, suggestedClusters=[]))]) == 0
    assert run.main([written(tmp_path / "other.jsonl", divided_afresh(2, error={"type": "FitError"}))]) == 1
    capsys.readouterr()


def test_a_wrong_call_is_exit_code_2(capsys):
    assert run.main([]) == 2
    assert run.main(["no-such-file.jsonl"]) == 2
    assert "no such file: no-such-file.jsonl" in capsys.readouterr().err
