"""Broken fleets and exactly the problems they give: path, line, column and code, written by hand.

`problems/<code>-<what>/fleet/` is a fleet, `expected.txt` its problems; `tree.txt` adds what a folder cannot hold
(see `trees`). A commit of it is read as the commands read one. RECONCILER_ACCEPT=1 rewrites the expectations.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import FleetError, Problem
from reconciler.fleet import assemble
from reconciler.fleet.layout import IGNORE_NAME
from reconciler.loop.decide import decide
from reconciler.model.observation import Observation
from reconciler.model.tree import PreviousRender
from reconciler.problems import CATALOGUE
from tests.cases.sources import source_of
from tests.cases.trees import Tree, commit_tree, tree_of

HERE = Path(__file__).parent
CASES = sorted(path for path in (HERE / "problems").iterdir() if path.is_dir())
LINE = re.compile(r"(?P<place>.+?) (?P<code>R\d{3})\Z")

# A case shows the problems of its own stage: of files and documents (R1, R2), or of the whole decision (R3, R4).
READ = ("R1", "R2")
DECIDED = ("R3", "R4")

# Codes that reading a fleet does not say, by the test that shows them: a lint of its own, and edits of people's files.
ELSEWHERE = {
    "R121": "unit/manifests/test_portability.py",
    "R124": "unit/manifests/test_rewrite.py",
    "R305": "unit/loop/test_plugins.py",
    "R433": "unit/loop/test_asking.py",
}

# DESIGN section 5, promise 8: what a stranger may send, by the cases that send it.
PROMISE_8 = {
    "YAML bombs": ["R113-billion-laughs", "R113-anchor-holds-itself", "R106-deep-flow", "R108-python-object"],
    "huge files": ["R105-hundred-megabytes", "R105-three-mebibytes-and-one-byte"],
    "symbolic links out of the tree": ["R118-link-out-of-the-repository", "R118-absolute-link"],
    "path traversal through names": [
        "R120-dot-dot-in-a-tree",
        "R134-path-in-the-group",
        "R134-path-in-the-kind",
        "R138-path-traversal",
        "R138-dots-as-role",
        "R138-slash-in-a-role",
        "R139-namespace-traversal",
    ],
    "hostile Markdown and terminals": [
        "R138-hostile-markdown",
        "R138-terminal-escape",
        "R138-right-to-left",
        "R120-name-with-a-line-break",
    ],
    "patterns that take for ever": [
        "R272-expression-that-takes-for-ever",
        "R133-pattern-that-would-backtrack",
    ],
    "trees without measure": ["R123-too-many-levels"],
}
# The two items that are no fleet's files, by the suites that send them.
PROMISE_8_ELSEWHERE = {
    "Lua that loops or allocates": "lua/test_hostile.py",
    "a hostile report": "reports/test_hostile_reports.py",
}
HOSTILE = sorted(name for names in PROMISE_8.values() for name in names)

SECONDS = 20
MEMORY = 1024**3


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_fleet_gives_exactly_its_problems_twice(case, tmp_path):
    found = problems_of(tree_of(case), tmp_path, whole=case.name.startswith(DECIDED))
    lines = sorted(f"{problem.location} {problem.code}" for problem in found)
    expected = case / "expected.txt"
    if os.environ.get("RECONCILER_ACCEPT"):
        expected.write_text("".join(f"{line}\n" for line in lines))
    assert lines == _expected(case)
    assert found, "a case shows at least one problem"
    for problem in found:
        _is_fit_to_be_shown(problem)


def problems_of(tree: Tree, folder: Path, *, whole: bool) -> tuple[Problem, ...]:
    """What is wrong with the fleet, said the same a second time, and said by the whole decision as well.

    `whole`: everything that the decision says, not what it says of files and documents alone.
    """
    try:
        source = source_of(tree, folder)
    except FleetError as error:
        return error.problems
    fleet = assemble(source, previous_paths=tree.previous_paths)
    backwards = replace(source, files=source.files[::-1])
    assert assemble(backwards, previous_paths=tree.previous_paths) == fleet
    if not tree.previous_paths:
        decision = decide(source, Observation(), PreviousRender(), now=source.time, assume_unreported=True)
        said = [problem for problem in decision.problems if problem.code.startswith(READ)]
        assert said == list(fleet.problems)
        if whole:
            return decision.problems
    return fleet.problems


def _is_fit_to_be_shown(problem: Problem) -> None:
    """Words that no terminal and no comment misreads, and a remedy."""
    assert problem.code in CATALOGUE
    assert problem.remedy, problem
    text = "".join(
        [problem.message, problem.subject, *problem.evidence, problem.remedy, str(problem.location)]
    )
    assert text.isprintable(), problem
    assert len(text) < 2000


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_ends_in_its_problem_within_bounds(name, tmp_path):
    """The command itself, in a process with a limit on time and on memory that an endless answer would break."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))

    case = HERE / "problems" / name
    commit_tree(tree_of(case), tmp_path)
    done = subprocess.run(
        [
            Path(sys.executable).with_name("reconciler"),
            "validate",
            tmp_path,
            "--revision",
            "main",
            "-o",
            "json",
        ],
        preexec_fn=limited,
        timeout=6 * SECONDS,
        check=False,
        capture_output=True,
        text=True,
    )
    if name == "R123-too-many-levels":  # nothing of the tree was read: the command could not run
        assert done.returncode == 2
        assert "R123" in done.stderr
        return
    assert done.returncode == 1, done.stderr
    problems = json.loads(done.stdout)["problems"]
    assert {problem["code"] for problem in problems} >= {line[-4:] for line in _expected(case)}
    assert "Traceback" not in done.stderr


def test_every_code_of_files_and_fleet_documents_has_a_case():
    shown = {LINE.match(line)["code"] for case in CASES for line in _expected(case)}
    missing = {code for code in CATALOGUE if code.startswith(READ)} - shown - ELSEWHERE.keys()
    assert not missing, f"no case shows {sorted(missing)}"
    assert shown <= CATALOGUE.keys()


def test_a_code_that_is_shown_elsewhere_is_shown_there_and_not_here():
    shown = {LINE.match(line)["code"] for case in CASES for line in _expected(case)}
    assert not shown & ELSEWHERE.keys()
    for code, path in ELSEWHERE.items():
        assert f'"{code}"' in (HERE.parent / path).read_text()


def test_a_case_is_named_after_a_code_that_it_shows():
    for case in CASES:
        code = case.name.partition("-")[0]
        assert any(line.endswith(f" {code}") for line in _expected(case)), case.name


def test_every_kind_of_attack_has_a_case_that_exists():
    names = {case.name for case in CASES}
    for attack, cases in PROMISE_8.items():
        assert cases, attack
        assert set(cases) <= names, attack


@pytest.mark.parametrize("path", PROMISE_8_ELSEWHERE.values(), ids=PROMISE_8_ELSEWHERE)
def test_what_is_no_file_of_a_fleet_has_a_suite_of_its_own(path):
    assert "def test_" in (HERE / path).read_text()


def test_cases_hold_no_file_that_git_would_ignore_on_its_way_here():
    ignored = subprocess.run(
        ["git", "status", "--porcelain", "--ignored", "--", str(HERE / "problems")],
        cwd=HERE,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "!!" not in ignored
    assert any((case / "fleet" / IGNORE_NAME).exists() for case in CASES)


def _expected(case: Path) -> list[str]:
    return (case / "expected.txt").read_text().splitlines()
