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


def test_a_wrong_call_is_exit_code_2(capsys):
    assert run.main([]) == 2
    assert run.main(["no-such-file.jsonl"]) == 2
    assert "no such file: no-such-file.jsonl" in capsys.readouterr().err
