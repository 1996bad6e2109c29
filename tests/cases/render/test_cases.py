"""Every case folder: what it renders to, and the laws that hold for each of them."""

from __future__ import annotations

import copy
import os

import pytest

from reconciler.model.tree import PreviousRender
from reconciler.problems import CATALOGUE
from reconciler.render.memo import Memo
from reconciler.render.tree import tree_digest
from tests.cases.render.fleets import Case, cases, read_back, read_case, text_of

FOLDERS = cases()


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def case(request: pytest.FixtureRequest) -> Case:
    return read_case(request.param)


def test_there_are_cases():
    assert len(FOLDERS) >= 25


def test_a_case_renders_to_what_is_expected_of_it(case: Case):
    previous = case.previous()
    found = text_of(case.fleet("fleet", previous), case.render("fleet", previous), case.show)
    expected = case.folder / "expected.txt"
    if os.environ.get("RECONCILER_ACCEPT"):
        expected.write_text(found)
    assert found == expected.read_text()


def test_rendering_upon_the_own_result_changes_nothing(case: Case):
    first = case.render("fleet", case.previous())
    second = case.render("fleet", read_back(first))
    assert second.tree == first.tree
    assert second.complete == first.complete
    assert read_back(second).bindings == read_back(first).bindings


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shuffled_input_gives_the_same_bytes(case: Case, seed: int):
    previous = case.previous()
    plain, mixed = case.render("fleet", previous), case.render("fleet", previous, seed=seed)
    assert mixed.tree == plain.tree
    assert tree_digest(mixed.tree) == tree_digest(plain.tree)
    assert mixed.problems == plain.problems


def test_a_memo_changes_nothing(case: Case):
    previous = case.previous()
    plain = case.render("fleet", previous)
    memo = Memo()
    if case.has_before:
        case.render("before", PreviousRender(), memo=memo)
    case.render("fleet", previous, memo=memo)
    again = case.render("fleet", previous, memo=memo)
    assert (again.tree, again.bindings, again.problems) == (plain.tree, plain.bindings, plain.problems)


def test_inputs_are_left_as_they_were(case: Case):
    from reconciler.render.render import render
    from tests.cases.render.fleets import NOW

    previous = case.previous()
    fleet = case.fleet("fleet", previous)
    observation = case.observation("fleet", fleet)
    kept = copy.deepcopy((fleet, observation, previous))
    render(fleet, observation, previous, NOW, assume_unreported=case.assume_unreported)
    assert (fleet, observation, previous) == kept


def test_every_folder_says_what_it_shows():
    for folder in FOLDERS:
        assert (folder / "case.yaml").read_text().startswith("shows: "), folder.name
        assert any((folder / "fleet").rglob("*")), folder.name
        assert not {path.name for path in folder.iterdir()} - {
            "case.yaml",
            "fleet",
            "before",
            "expected.txt",
        }, folder.name


def test_every_code_of_rendering_has_a_case():
    text = "".join((folder / "expected.txt").read_text() for folder in FOLDERS)
    # A plugin that fails has to be installed first: unit/loop/test_plugins.py.
    rendering = {code for code in CATALOGUE if code.startswith("R3")} - {"R305"} | {
        "R401",
        "R402",
        "R403",
        "R410",
        "R430",
        "R431",
    }
    assert not {code for code in rendering if f" {code} " not in text}
