"""Path patterns mean what Git's do, and no pattern takes long."""

import random
import re
import subprocess

import pytest

from reconciler.fleet.patterns import (
    LONGEST,
    PatternError,
    is_glob_match,
    is_ignored,
    is_matched,
    parse_lines,
)


def matched(patterns: str, path: str) -> bool:
    return is_matched(path, parse_lines(patterns.split("\n")))


@pytest.mark.parametrize(
    ("patterns", "path", "expected"),
    [
        ("drafts/", "drafts/a.yaml", True),
        ("drafts/", "apps/drafts/a.yaml", True),
        ("/drafts/", "apps/drafts/a.yaml", False),
        ("drafts/", "drafts", False),
        ("*.json", "a/b.json", True),
        ("a/*.json", "a/b/c.json", False),
        ("a/**/c.json", "a/c.json", True),
        ("a/**", "a", False),
        ("**/b", "a/b", True),
        ("*\n!keep.yaml", "keep.yaml", False),
        ("a/\n!a/keep.yaml", "a/keep.yaml", True),
        ("# comment\n\n  ", "a", False),
        ("\\#odd", "#odd", True),
        ("\\!odd", "!odd", True),
        ("trailing   ", "trailing", True),
        ("kept\\ ", "kept ", True),
        ("[a-c]?.yaml", "bx.yaml", True),
        ("[!a-c].yaml", "b.yaml", False),
        ("[]x].yaml", "].yaml", True),
        ("[z-a].yaml", "m.yaml", False),
    ],
)
def test_a_pattern_takes_a_path(patterns, path, expected):
    assert matched(patterns, path) is expected


@pytest.mark.parametrize("line", ["[a", "a\\", "/", "!", "[[:alpha:]]", "x" * (LONGEST + 1)])
def test_a_line_that_is_no_pattern_is_refused_with_a_reason(line):
    with pytest.raises(PatternError, match=r"."):
        parse_lines([line])


def test_the_nearest_folder_with_a_word_decides():
    tables = {"": parse_lines(["*.yaml"]), "apps": parse_lines(["!web.yaml"])}
    assert is_ignored("web.yaml", tables)
    assert not is_ignored("apps/web.yaml", tables)
    assert is_ignored("apps/db.yaml", tables)
    assert is_ignored("apps/x/web.yaml", {"": parse_lines(["apps/"]), "apps": parse_lines(["!*"])})


def test_globs_of_names():
    assert is_glob_match("db-main", "db-*")
    assert not is_glob_match("xdb-main", "db-*")
    assert is_glob_match("abc", "a?c")
    assert is_glob_match("anything", "*")


def test_git_agrees(tmp_path):
    """`git check-ignore` is the judge of 600 random pattern files over some fifty paths."""
    chance = random.Random(20261122)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    names = ["a", "b", "ab", "abc", "x.yaml", "foo", "foo.bar", "-", "a b"]
    paths = sorted({"/".join(chance.choices(names, k=chance.randint(1, 4))) for _ in range(60)})
    pieces = ["a", "b", "*", "?", "[ab]", "[!a]", "foo", ".", "yaml", "ab", "[a-c]", "\\a"]
    for _ in range(600):
        lines = [_line(chance, pieces) for _ in range(chance.randint(1, 4))]
        (tmp_path / ".gitignore").write_text("\n".join(lines) + "\n")
        answer = subprocess.run(
            ["git", "-C", tmp_path, "check-ignore", "--no-index", "--stdin", "--verbose", "--non-matching"],
            input="\n".join(paths),
            text=True,
            capture_output=True,
            check=False,
        ).stdout.splitlines()
        patterns = parse_lines(lines)
        for path, verdict in zip(paths, answer, strict=True):
            rule = verdict.partition("\t")[0].split(":", 2)[2]
            assert is_matched(path, patterns) is (bool(rule) and not rule.startswith("!")), (lines, path)


def _line(chance: random.Random, pieces: list[str]) -> str:
    segments = []
    for _ in range(chance.randint(1, 3)):
        text = "".join(chance.choices(pieces, k=chance.randint(1, 3)))
        # Text and `**` in one segment: gitignore(5) says "regular asterisks", and Git's own shortcut disagrees.
        segments.append("**" if chance.random() < 0.2 else re.sub(r"\*+", "*", text))
    negated = "!" if chance.random() < 0.25 else ""
    anchored = "/" if chance.random() < 0.3 else ""
    directory = "/" if chance.random() < 0.25 else ""
    return f"{negated}{anchored}{'/'.join(segments)}{directory}"


def test_no_pattern_takes_long():
    """What backtracking would need longer than the universe has: done within the run of this test."""
    hostile = parse_lines(["*a" * 200 + "b", "**/*" * 100 + "/x", "/".join(["**", "a*"] * 100)])
    long_name = "a" * 250
    assert not is_matched("/".join([long_name] * 40), hostile)
