"""Everything that has a name of its own has its words: problems, reasons, metrics, settings, verbs, plugins."""

import re
from functools import cache

import click
import pytest
from prometheus_client import generate_latest

from docs import generate, picture
from reconciler import events, telemetry
from reconciler.cli.main import HINTS, VERBS, root
from reconciler.fleet import schema, unsupported
from reconciler.fleet.metadata import check_reserved
from reconciler.problems import CATALOGUE
from tests.cases.test_problems import ELSEWHERE
from tests.docs.markdown import PAGES, ROOT, headings, links, name_of

REFERENCE = ROOT / "docs" / "reference"
SOURCE = {path: path.read_text() for path in (ROOT / "reconciler").rglob("*.py")}


def test_the_generated_pages_are_up_to_date(capsys):
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


def test_every_code_in_the_source_is_in_the_catalogue_and_every_row_is_used():
    used = {
        code
        for path, text in SOURCE.items()
        if path.name != "problems.py"
        for code in re.findall(r'"(R[1-6]\d\d)"', text)
    }
    assert used <= CATALOGUE.keys()
    assert CATALOGUE.keys() - used == set(), "a code that nothing says"


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_problem_has_a_page_and_a_case(code):
    assert (REFERENCE / "problems" / f"{code}.md").is_file()
    assert code in shown_codes(), f"nothing shows {code}"


@cache
def shown_codes():
    """The codes that come of something: of a fleet, of a hostile script, or, of delivery and Git, in a test that asks for them.

    Not counted: that a test only names a code.
    """
    cases = ROOT / "tests" / "cases"
    texts = [path.read_text() for path in cases.glob("problems/*/expected.txt")]
    texts += [path.read_text() for path in cases.glob("render/*/expected.txt")]
    texts += [path.read_text().splitlines()[0] for path in cases.glob("lua/hostile/*.lua")]
    shown = {code for text in texts for code in re.findall(r"\bR[1-4]\d\d\b", text)}
    for folder in ("unit", "contract", "e2e"):
        for path in (ROOT / "tests" / folder).rglob("test_*.py"):
            for line in path.read_text().splitlines():
                if re.search(r"\bassert\b|\bmatch=|^\s+[\[(]", line) or "code" in line:
                    shown |= set(re.findall(r"\bR[56]\d\d\b", line))
    return shown | problem_cases_elsewhere()


def problem_cases_elsewhere():
    """Codes of files that reading a fleet does not say, with the test that shows them."""
    return {code for code, path in ELSEWHERE.items() if f'"{code}"' in (ROOT / "tests" / path).read_text()}


def test_what_a_remedy_tells_people_to_write_is_accepted():
    remedy = CATALOGUE["R503"].remedy
    assert 'fleet-reconciler/recreate: "true"' in remedy
    body = {"metadata": {"name": "x", "annotations": {"fleet-reconciler/recreate": "true"}}}
    assert check_reserved(body) == ()


@pytest.mark.parametrize("reason", list(events.Reason))
def test_every_reason_is_documented(reason):
    assert f"| `{reason.value}` |" in (REFERENCE / "events.md").read_text()


def test_no_reason_is_documented_that_does_not_exist():
    documented = set(re.findall(r"^\| `(\w+)` \|", (REFERENCE / "events.md").read_text(), re.MULTILINE))
    assert documented == {reason.value for reason in events.Reason}


def test_the_metrics_page_names_the_metrics_and_no_others():
    exposed = set(re.findall(rb"^# TYPE (\w+) ", generate_latest(telemetry.REGISTRY), re.MULTILINE))
    names = {name.decode() for name in exposed if not name.endswith(b"_created")}
    documented = set(
        re.findall(r"^\| `(fleet_reconciler_\w+)`", (REFERENCE / "metrics.md").read_text(), re.MULTILINE)
    )
    assert documented == names


def test_the_metrics_page_names_every_event_of_the_log_and_no_others():
    said = {
        event
        for text in SOURCE.values()
        for event in re.findall(r'(?:log|say)\S*\(\s*"([a-z]+\.[a-z]+)"', text)
    }
    documented = set(
        re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", (REFERENCE / "metrics.md").read_text(), re.MULTILINE)
    )
    assert documented == said


def verbs():
    """Every command below the root, with the words that call it."""
    context = click.Context(root, info_name="reconciler")
    for verb in VERBS:
        command = root.get_command(context, verb)
        yield (verb,), command
        if isinstance(command, click.Group):
            inner = click.Context(command, info_name=verb, parent=context)
            for name in command.list_commands(inner):
                yield (verb, name), command.get_command(inner, name)


@pytest.mark.parametrize("words_and_command", list(verbs()), ids=lambda pair: "-".join(pair[0]))
def test_every_verb_has_an_example_and_help_for_each_option(words_and_command):
    words, command = words_and_command
    assert "Example:" in (command.help or "")
    assert (
        f"reconciler {' '.join(words)}" in command.help or "reconciler" in command.help.split("Example:")[1]
    )
    silent = [
        option.opts[-1]
        for option in command.params
        if isinstance(option, click.Option) and not option.help and option.opts[-1] not in SELF_EVIDENT
    ]
    assert silent == [], "options without help"


SELF_EVIDENT = {"--log-level", "--region", "--provider", "-o", "--output"}


def test_every_verb_has_a_page():
    for verb in VERBS:
        assert (REFERENCE / "cli" / f"{verb}.md").is_file()


def test_a_hint_for_a_foreign_verb_names_a_verb_that_exists():
    for foreign, hint in HINTS.items():
        assert foreign not in VERBS
        for verb in re.findall(r"`reconciler (\w+)", hint):
            assert verb in VERBS


def test_every_link_on_every_page_leads_somewhere():
    broken = []
    for page in PAGES:
        for link in links(page):
            if link.startswith(("https://", "http://")):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in headings(target)):
                broken.append(f"{name_of(page)}: {link}")
    assert broken == []


def test_every_page_is_reached_from_the_readme():
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        for link in links(page):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.is_dir():
                waiting += sorted(target.glob("*.md"))
            elif target.suffix == ".md" and target.is_file() and target.is_relative_to(ROOT):
                waiting.append(target)
    assert {name_of(page) for page in PAGES} - {name_of(page) for page in seen} == set()


def test_the_picture_has_every_room_and_no_arrow_goes_up():
    floors = picture.layers()
    placed = {room: floor for floor, rooms in enumerate(floors) for room in rooms}
    assert placed.keys() == picture.rooms(), (
        "a package that stands in no import contract, or a contract without its package"
    )
    for room, targets in picture.imports().items():
        for target in targets:
            assert placed[target] > placed[room], f"{room} imports {target}"


def test_the_pure_rooms_are_the_lower_floors_without_a_gap():
    floors, pure = picture.layers(), picture.pure_rooms()
    is_pure = [set(rooms) <= pure for rooms in floors]
    assert is_pure == sorted(is_pure)
    assert pure == {room for rooms, each in zip(floors, is_pure, strict=True) if each for room in rooms}


def test_the_layers_on_the_architecture_page_are_those_of_the_contract():
    text = (ROOT / "docs" / "architecture.md").read_text()
    for rooms in picture.layers():
        assert re.search(rf"^    {re.escape(' | '.join(rooms))}(\s{{2,}}.*)?$", text, re.MULTILINE), rooms


def compatibility():
    """The tables of the compatibility page: names of differences on purpose, and the text of *Not yet*."""
    text = (ROOT / "docs" / "karmada-compatibility.md").read_text()
    different, _, rest = text.partition("## Decided otherwise")
    named = re.findall(r"^\| `([a-z0-9-]+)` \|", different, re.MULTILINE)
    assert len(named) == sum(line.startswith("|") for line in different.splitlines()) - 2, "a row has no rule"
    return named, rest.partition("## Not yet")[2]


def test_every_difference_that_the_parity_runner_knows_is_a_row_and_no_row_is_for_nothing():
    sources = "".join(path.read_text() for path in (ROOT / "tests" / "parity").glob("*.py"))
    named, _ = compatibility()
    assert len(named) == len(set(named)) <= 15
    for name in named:
        assert f'"{name}"' in sources, f"no rule {name}"
    rules = re.findall(r'(?:Difference\(\s*name|rule)="([a-z0-9-]+)"', sources)
    assert set(rules) <= set(named)


def test_what_is_not_supported_yet_is_listed_and_nothing_else_is():
    _, missing = compatibility()
    rows = [line for line in missing.splitlines() if line.startswith("|")][2:]
    for _, kind in unsupported.KINDS:
        assert re.search(rf"\b{kind}\b", missing), kind
    for steps in {steps for fields in unsupported.FIELDS.values() for steps, _ in fields}:
        assert any(f"{steps[-1]}`" in row for row in rows), steps
    kinds = {title for _, title in schema.KIND_SCOPES}
    listed = {word for row in rows for word in re.findall(r"[A-Z][A-Za-z]+", row.split("|")[1])}
    assert listed & kinds <= {kind for _, kind in unsupported.KINDS}


def test_the_changelog_begins_with_what_is_not_released_yet():
    titles = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert titles[0] == "Unreleased"


def test_decisions_are_numbered_without_a_gap_and_say_context_decision_and_consequences():
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text()
        assert text.startswith(f"# {int(page.name[:4])}. ")
        for word in ("Context", "Decision", "Consequences"):
            assert re.search(rf"^(\*\*|## ){word}", text, re.MULTILINE), f"{page.name}: {word}"
