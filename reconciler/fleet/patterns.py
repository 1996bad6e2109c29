"""gitignore patterns in time that no pattern can blow up: `.reconcilerignore`, included paths, rules by path.

Promises Git's verdict (`git check-ignore` is the judge in the tests). Written here because pattern files come from
pull requests and the usual translation to regular expressions backtracks; these are matched segment by segment,
each star taking as little as it can and never giving back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

LONGEST: Final = 1024
"""Characters of the longest pattern that is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One line. `segments` hold a compiled segment, or None for `**`; `negated` takes back, `directory` is a `x/`."""

    text: str
    segments: tuple[re.Pattern[str] | None, ...]
    negated: bool = False
    directory: bool = False


class PatternError(ValueError):
    """A line that is no pattern, with the reason."""


@lru_cache(maxsize=4096)
def parse_pattern(line: str) -> Pattern | None:
    """The pattern of a line; None for blank lines and comments. Raises PatternError."""
    text = _without_trailing_spaces(line)
    if not text or text.startswith("#"):
        return None
    if len(text) > LONGEST:
        raise PatternError(f"longer than {LONGEST} characters")
    negated = text.startswith("!")
    body = text[1:] if negated else text
    directory = body.endswith("/")
    anchored = "/" in body.rstrip("/")
    parts = [part for part in body.strip("/").split("/") if part]
    if not parts:
        raise PatternError("names no path")
    segments: list[re.Pattern[str] | None] = [] if anchored else [None]
    for part in parts:
        if part.strip("*") or part == "*":
            segments.append(_segment(part))
        elif not segments or segments[-1] is not None:
            segments.append(None)
    return Pattern(text=text, segments=tuple(segments), negated=negated, directory=directory)


def parse_lines(lines: Iterable[str]) -> tuple[Pattern, ...]:
    """The patterns of some lines, in order. Raises PatternError at the first that is none."""
    return tuple(pattern for line in lines if (pattern := parse_pattern(line)) is not None)


def is_matched(path: str, patterns: Sequence[Pattern]) -> bool:
    """Whether one list of patterns takes the file `path`."""
    return is_ignored(path, {"": tuple(patterns)})


def is_ignored(
    path: str,
    patterns_by_folder: Mapping[str, Sequence[Pattern]],
    known: MutableMapping[str, bool] | None = None,
) -> bool:
    """Git's verdict on the file `path`, where each folder ("" is the root) may have patterns for what is below it.

    What is below a matched directory is matched, whatever is said of it: nothing takes it back, as in Git. `known`
    keeps the verdicts on directories between calls with the same patterns.
    """
    if not patterns_by_folder:
        return False
    folder, _, _ = path.rpartition("/")
    if folder and _is_folder_ignored(folder, patterns_by_folder, {} if known is None else known):
        return True
    return _verdict(tuple(path.split("/")), False, patterns_by_folder)


def _is_folder_ignored(
    folder: str, patterns_by_folder: Mapping[str, Sequence[Pattern]], known: MutableMapping[str, bool]
) -> bool:
    verdict = known.get(folder)
    if verdict is None:
        above, _, _ = folder.rpartition("/")
        verdict = known[folder] = (
            bool(above) and _is_folder_ignored(above, patterns_by_folder, known)
        ) or _verdict(tuple(folder.split("/")), True, patterns_by_folder)
    return verdict


def _verdict(
    parts: tuple[str, ...], is_directory: bool, patterns_by_folder: Mapping[str, Sequence[Pattern]]
) -> bool:
    """What the nearest folder with a word on exactly this path says; its last pattern that fits counts."""
    for depth in range(len(parts) - 1, -1, -1):
        below = parts[depth:]
        for pattern in reversed(patterns_by_folder.get("/".join(parts[:depth]), ())):
            if (is_directory or not pattern.directory) and _fits(pattern.segments, below):
                return not pattern.negated
    return False


def _fits(segments: tuple[re.Pattern[str] | None, ...], parts: tuple[str, ...]) -> bool:
    """Whether the whole of `parts` is what `segments` say; `**` stands for any number of parts."""
    reached = {0}
    for index, segment in enumerate(segments):
        if segment is None:
            least = min(reached)
            # A final `**` needs something below; elsewhere it may stand for nothing.
            reached = set(range(least + (index == len(segments) - 1), len(parts) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(parts) and segment.fullmatch(parts[at])}
        if not reached:
            return False
    return len(parts) in reached


@lru_cache(maxsize=4096)
def _segment(text: str) -> re.Pattern[str]:
    """A segment as a regular expression whose stars are atomic: they take the first fit and keep it."""
    chunks: list[str] = [""]
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "*":
            if chunks[-1] or len(chunks) == 1:
                chunks.append("")
        elif char == "?":
            chunks[-1] += "."
        elif char == "[":
            end, expression = _bracket(text, at)
            chunks[-1] += expression
            at = end
        elif char == "\\":
            if at == len(text):
                raise PatternError("ends in a backslash")
            chunks[-1] += re.escape(text[at])
            at += 1
        else:
            chunks[-1] += re.escape(char)
    if len(chunks) == 1:
        return re.compile(chunks[0], re.DOTALL)
    middle = "".join(f"(?>.*?{chunk})" for chunk in chunks[1:-1])
    return re.compile(f"{chunks[0]}{middle}.*{chunks[-1]}", re.DOTALL)


def _bracket(text: str, at: int) -> tuple[int, str]:
    """A `[...]` whose inside begins at `at`: where it ends, and the expression."""
    negated = text[at : at + 1] in ("!", "^")
    at += negated
    members = ""
    first = True
    while True:
        if at >= len(text):
            raise PatternError("opens a bracket and does not close it")
        char = text[at]
        if char == "]" and not first:
            break
        if char == "[" and text[at + 1 : at + 2] == ":":
            raise PatternError("names a character class such as [:alpha:], which is not taken here")
        if char == "\\":
            at += 1
            char = text[at : at + 1]
        upper = text[at + 2 : at + 3]
        if text[at + 1 : at + 2] == "-" and upper not in ("", "]"):
            if char <= upper:
                members += f"{re.escape(char)}-{re.escape(upper)}"
            at += 3
        else:
            members += re.escape(char)
            at += 1
        first = False
    if not members:  # an empty range such as [z-a] fits nothing
        return at + 1, "." if negated else "(?!)"
    return at + 1, f"[{'^' if negated else ''}{members}]"


def _without_trailing_spaces(line: str) -> str:
    """Git drops trailing spaces unless a backslash keeps one."""
    text = line.rstrip("\r\n")
    while text.endswith((" ", "\t")) and not text[:-1].endswith("\\"):
        text = text[:-1]
    return text


def is_glob_match(text: str, glob: str) -> bool:
    """Whether `text` is what `glob` says, `*` being any text and `?` any character (brackets as in gitignore)."""
    return _segment(glob).fullmatch(text) is not None
