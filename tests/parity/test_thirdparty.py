"""The runner for third-party kinds must not be able to agree by accident; and Karmada's documents, where they are at hand."""

import shutil
from pathlib import Path

import pytest

from tests.outside import outside_data
from tests.parity import differing, thirdparty

OWN = Path(__file__).parents[1] / "cases" / "bundled"
KIND = Path("apps.kruise.io/v1alpha1/SidecarSet")
SCRIPT = """\
apiVersion: config.karmada.io/v1alpha1
kind: ResourceInterpreterCustomization
metadata: {name: sidecars}
spec:
  target: {apiVersion: apps.kruise.io/v1alpha1, kind: SidecarSet}
  customizations:
    healthInterpretation:
      luaScript: |
        function InterpretHealth(observedObj)
          return observedObj.status.updatedPods == observedObj.status.matchedPods
        end
    dependencyInterpretation:
      luaScript: |
        function GetDependencies(desiredObj)
          return {{apiVersion = "v1", kind = "Secret", name = "s", namespace = "n"}}
        end
"""
HEALTHY = """\
name: healthy
operation: interprethealth
observedObj: {apiVersion: apps.kruise.io/v1alpha1, kind: SidecarSet, status: {matchedPods: 2, updatedPods: 2}}
output: {healthy: true}
"""


def folder(path, cases, script=SCRIPT):
    (path / KIND / "testdata").mkdir(parents=True)
    (path / KIND / "customizations.yaml").write_text(script)
    (path / KIND / "testdata" / "cases.yaml").write_text(cases)
    return path


def outcome(path, capsys, *more):
    code = thirdparty.main([*more, str(path)])
    return code, capsys.readouterr().out


def test_both_ways_are_counted(tmp_path, capsys):
    code, printed = outcome(folder(tmp_path, HEALTHY), capsys)
    assert code == 0
    assert "scripts        1 cases     1 agreed     0 disagreed" in printed
    assert "bundled        1 cases     1 agreed     0 disagreed" in printed


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("{healthy: true}", "{healthy: false}", "recorded: false"),
        ("{healthy: true}", "{status: {}}", "interprethealth gives no status"),
        ("interprethealth", "InterpretWeather", "the operation is not known"),
        ("interprethealth", "Retain", "desiredObj and observedObj are needed"),
        ("interprethealth", "AggregateStatus", "the kind has no script for this operation"),
        ("observedObj: {apiVersion", "desiredObj: {}\nobservedObj: {apiVersion", "exactly one of"),
        ("name: healthy", "name: healthy\nname: again", "R107"),
    ],
)
def test_a_case_that_does_not_agree_is_shown_with_exit_code_1(tmp_path, capsys, before, after, words):
    code, printed = outcome(folder(tmp_path, HEALTHY.replace(before, after)), capsys)
    assert code == 1
    assert words in printed
    assert "SidecarSet/testdata/cases.yaml" in printed


def test_a_script_that_fails_is_a_disagreement(tmp_path, capsys):
    code, printed = outcome(
        folder(tmp_path, HEALTHY, SCRIPT.replace("return observedObj.status", "return nil.x")), capsys
    )
    assert code == 1
    assert "scripts        1 cases     0 agreed     1 disagreed" in printed
    assert "bundled        1 cases     1 agreed     0 disagreed" in printed


def test_a_document_without_output_must_only_run(tmp_path, capsys):
    assert outcome(folder(tmp_path, HEALTHY.replace("output: {healthy: true}\n", "")), capsys)[0] == 0


def test_customizations_may_stand_elsewhere(tmp_path, capsys):
    scripts = folder(tmp_path / "scripts", "")
    cases = folder(tmp_path / "cases", HEALTHY)
    (cases / KIND / "customizations.yaml").unlink()
    assert outcome(cases, capsys)[0] == 1
    assert outcome(cases, capsys, "--customizations", str(scripts))[0] == 0


def test_a_folder_without_cases_and_a_wrong_call_are_exit_code_2(tmp_path, capsys):
    assert thirdparty.main([str(tmp_path)]) == 2
    for arguments in ([], [str(tmp_path / "nowhere")]):
        with pytest.raises(SystemExit) as caught:
            thirdparty.main(arguments)
        assert caught.value.code == 2
    capsys.readouterr()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"a": {}}, {"a": []}),
        ({"a": None}, {}),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": "1"}),
        ([1, 2], [2, 1]),
    ],
)
def test_objects_that_differ_differ(ours, theirs):
    with pytest.raises(thirdparty.Disagreement):
        thirdparty._same_object(ours, theirs)


def test_what_is_excluded_is_left_out_of_both_sides():
    thirdparty._same_object(
        {"a": "now", "l": [{"t": 1, "x": 2}]}, {"a": "{{EXCLUDE}}", "l": [{"t": "{{EXCLUDE}}", "x": 2}]}
    )
    with pytest.raises(thirdparty.Disagreement):
        thirdparty._same_object({"l": [{"t": 1, "x": 3}]}, {"l": [{"t": "{{EXCLUDE}}", "x": 2}]})


def test_quantities_are_compared_by_value_and_nothing_is_not_an_empty_requirement():
    from reconciler.model.binding import ReplicaRequirements

    thirdparty._same_requirements(
        ReplicaRequirements(resource_request={"cpu": "1000m"}), {"resourceRequest": {"cpu": 1}}
    )
    thirdparty._same_requirements(ReplicaRequirements(), None)
    for ours, theirs in (
        (None, None),
        (ReplicaRequirements(resource_request={"cpu": "1"}), {"resourceRequest": {"cpu": 2}}),
    ):
        with pytest.raises(thirdparty.Disagreement):
            thirdparty._same_requirements(ours, theirs)


def test_karmadas_documents_agree_either_way_and_its_scripts_with_our_own_cases(tmp_path, capsys):
    """Judged where the data stands beside the repository; a lone clone has its own cases (tests/cases/bundled)."""
    data = outside_data("thirdparty-interpreters")
    folders = [OWN] if data is None else [OWN, data]
    if data is None:
        # Without Karmada's scripts there is one way alone.
        for kind in OWN.rglob("testdata"):
            shutil.copytree(kind, tmp_path / kind.relative_to(OWN))
        with thirdparty.LuaEngine(seconds=thirdparty.PATIENCE) as engine:
            tallies = thirdparty.compare(tmp_path, tmp_path, engine)
        assert not tallies["bundled"].disagreements
        return
    code, printed = outcome(data, capsys, "--customizations", str(data), *map(str, folders[:1]))
    assert code == 0, printed


def test_changed_documents_are_answered_alike_by_karmadas_scripts_and_by_our_rules(capsys):
    """A short search; longer ones are run by hand (`python -m tests.parity.differing`)."""
    data = outside_data("thirdparty-interpreters")
    if data is None:
        return
    arguments = ["--rounds", "1", "--customizations", str(data), str(data), str(OWN)]
    code = differing.main(arguments)
    assert code == 0, capsys.readouterr().out


def test_a_rule_that_differs_from_a_script_is_found(tmp_path, capsys):
    script = SCRIPT.replace("observedObj.status.updatedPods ==", "observedObj.status.updatedPods ~=")
    kinds = folder(tmp_path, HEALTHY, script)
    code = differing.main(["--rounds", "20", "--only", "health", "--customizations", str(kinds), str(kinds)])
    assert code == 1
    assert "SidecarSet health\n  steps:" in capsys.readouterr().out
