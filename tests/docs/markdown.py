"""Markdown pages as values: fenced blocks with what stands right before them, and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = tuple(
    sorted([ROOT / "README.md", ROOT / "fleet-repo-example" / "README.md", *(ROOT / "docs").rglob("*.md")])
)
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\S*)[^\n]*\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_FILE = re.compile(r"<!-- file: (?P<path>[^;>]+?)(?P<broken>; broken)? -->\s*\Z")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block. `file` is where a comment before it says that it is to be written."""

    language: str
    text: str
    line: int
    file: str = ""
    broken: bool = False


def name_of(page: Path) -> str:
    """A page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a page, in order; only those in the named languages, if any are named."""
    text = page.read_text()
    found = []
    for fence in _FENCE.finditer(text):
        said = _FILE.search(text[: fence.start()])
        if not languages or fence["language"] in languages:
            found.append(
                Block(
                    language=fence["language"],
                    text=fence["body"],
                    line=text[: fence.start()].count("\n") + 1,
                    file=said["path"].strip() if said else "",
                    broken=bool(said and said["broken"]),
                )
            )
    return found


def links(page: Path) -> list[str]:
    """Where a page's links and pictures point to, less what stands in code."""
    text = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", page.read_text()))
    return [first or second for first, second in _LINK.findall(text)]


def headings(page: Path) -> set[str]:
    """The anchors that a code host makes from a page's headings."""
    found = set()
    for line in _FENCE.sub("", page.read_text()).splitlines():
        if line.startswith("#"):
            words = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            found.add(words.replace(" ", "-"))
    return found
