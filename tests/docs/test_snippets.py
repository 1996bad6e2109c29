"""What the pages tell people to type works, and shows what they say it shows."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from reconciler.cli.main import root
from reconciler.fleet import schema
from reconciler.model.identity import group_of
from tests.docs.markdown import PAGES, ROOT, blocks, name_of

CONSOLES = [page for page in PAGES if blocks(page, "console")]
ANYTHING = "..."


class Session:
    """A shell in which one command follows the other: directory and exit code are kept."""

    def __init__(self, home: Path) -> None:
        self.directory = home
        self.code = 0
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "NO_COLOR": "1",
            "LANG": "C.UTF-8",
        }

    def type(self, command: str) -> str:
        """What the command prints, both streams in one; its exit code is the next one's `$?`."""
        script = f'(exit {self.code})\n{command}\ncode=$?\npwd > "$HOME/.directory"\nexit $code'
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        self.code = done.returncode
        self.directory = Path((Path(self.environment["HOME"]) / ".directory").read_text().strip())
        return done.stdout


def steps(page):
    """In the page's order: ("file", path, text), and ("type", command, expected output, line)."""
    for block in blocks(page, "console", "yaml"):
        if block.file:
            yield ("file", block.file, block.text, block.line)
        elif block.language == "console":
            command, expected, line = None, [], block.line
            for number, text in enumerate(block.text.splitlines(), start=block.line + 1):
                if text.startswith("$ "):
                    if command is not None:
                        yield ("type", command, expected, line)
                    command, expected, line = text[2:], [], number
                else:
                    expected.append(text)
            assert command is not None, f"line {block.line} begins with no command"
            yield ("type", command, expected, line)


def fits(expected, output):
    """Whether the output is as expected; `...` stands for any text, on a line of its own for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == ANYTHING else re.escape(line).replace(re.escape(ANYTHING), ".*") + r" *\n"
        for line in expected
    )
    return re.fullmatch(pattern, output if output.endswith("\n") or not output else output + "\n")


@pytest.mark.parametrize("page", CONSOLES, ids=name_of)
def test_the_commands_of_a_page_show_what_it_says(page, tmp_path):
    session = Session(tmp_path)
    commands = 0
    for what, subject, expected, line in steps(page):
        if what == "file":
            path = tmp_path / subject
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(expected)
            continue
        output = session.type(subject)
        commands += 1
        assert fits(expected, output), f"{name_of(page)}:{line}: $ {subject}\n{output}"
    assert commands


def test_a_page_that_promises_other_output_is_found_out():
    assert fits(["a", "...", "d"], "a\nb\nc\nd\n")
    assert fits(["at ..."], "at 12\n")
    assert not fits(["a"], "a\nb\n")
    assert not fits(["a", "b"], "a\n")
    assert fits([], "")
    assert not fits([], "oh\n")


def invocations(page):
    """Every `reconciler ...` that a page tells people to type: (line, words)."""
    text = page.read_text().replace("\\\n", " ")
    for number, line in enumerate(text.splitlines(), start=1):
        candidates = re.findall(r"`(reconciler [^`]+)`", line)
        if re.match(r"(    |\$ )reconciler [a-z]", line) and "`" not in line:
            candidates.append(line.strip().removeprefix("$ "))
        for candidate in candidates:
            command = re.split(r"[|>;#]|&&", candidate)[0]
            if not re.search(r"…|\.\.\. |<|\[", command):
                yield number, shlex.split(command)[1:]


TYPED = [
    pytest.param(words, id=f"{name_of(page)}:{number}")
    for page in PAGES
    if "reference/cli" not in name_of(page)
    for number, words in invocations(page)
]


@pytest.mark.parametrize("words", TYPED)
def test_what_a_page_tells_people_to_type_is_understood(words):
    context = click.Context(root, info_name="reconciler")
    command = root
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, name
        context, command = click.Context(found, info_name=name, parent=context), found
    if rest == ["--help"] or words == ["--version"]:
        return
    placeholders = [word.replace("NAME", "name").replace("CLUSTER", "cluster") for word in rest]
    given = {word.split("=")[0] for word in placeholders if word.startswith("--")}
    # A verb that is only mentioned need not carry what it requires; a flag that is written must exist.
    context.resilient_parsing = not given
    try:
        command.parse_args(context, placeholders)
    except click.BadParameter as error:
        # A file that only the reader has is no mistake of the page.
        if not isinstance(error.param.type, click.Path):
            raise


def documents():
    for page in PAGES:
        for block in blocks(page, "yaml"):
            if not block.broken:
                yield pytest.param(block, id=f"{name_of(page)}:{block.line}")


@pytest.mark.parametrize("block", list(documents()))
def test_a_document_on_a_page_is_valid(block):
    for body in yaml.safe_load_all(block.text):
        if isinstance(body, dict) and group_of(str(body.get("apiVersion", ""))) in schema.POLICY_GROUPS:
            findings = [finding for finding in schema.check(body) if body.get("spec") is not None]
            assert findings == [], findings


def test_the_readme_quotes_the_demo_and_its_two_commands():
    text = (ROOT / "README.md").read_text()
    screen = "\n".join(text.splitlines()[:20])
    assert "    make demo " in screen
    assert "    make test " in screen
    shown = subprocess.run(
        [sys.executable, "-m", "reconciler", "demo"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    (quoted,) = blocks(ROOT / "README.md", "text")
    assert quoted.text in shown
