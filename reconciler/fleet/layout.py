"""Which files of a commit are read (DESIGN section 2, "What is read"), and why each other one is not.

Names and patterns alone decide here; what a document is, is decided after it was read. A path that held an object in
the previous render never drops out silently: unless somebody excluded it in words, that is a problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.errors import Location, Problem, Severity
from reconciler.fleet.foreign import UNREAD_FILES
from reconciler.fleet.patterns import (
    Pattern,
    PatternError,
    is_ignored,
    is_matched,
    parse_lines,
    parse_pattern,
)
from reconciler.model.fleet import Skipped, Source, SourceFile
from reconciler.problems import CATALOGUE

SETTINGS_PATH: Final = "reconciler.yaml"
IGNORE_NAME: Final = ".reconcilerignore"
_DOTTED: Final = "in a directory or file whose name begins with a dot"
_EXTENSIONS: Final = (".yaml", ".yml", ".json")
_LARGEST_IGNORE: Final = 64 * 1024
_MOST_PATTERNS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The files to read, sorted by path; what was left out; and where reading is impossible (`unreadable`)."""

    files: tuple[SourceFile, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    problems: tuple[Problem, ...] = ()
    unreadable: tuple[str, ...] = ()


@dataclass(slots=True)
class _Drawing:
    files: list[SourceFile] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)


def lay_out(
    source: Source, *, include: Iterable[str] = (), previous_paths: frozenset[str] = frozenset()
) -> Layout:
    """What of `source` is read. `include` are valid gitignore patterns (none: everything)."""
    drawing = _Drawing()
    places = _Places(source)
    ignored, broken = _ignore_files(source, drawing)
    included = parse_lines(include)
    known: dict[str, bool] = {}
    troubled = {problem.location.path for problem in source.problems if problem.location is not None}
    for file in sorted(source.files, key=lambda each: each.path):
        path = file.path
        is_candidate = path.endswith(_EXTENSIONS) or _name(path) in UNREAD_FILES
        if not is_candidate or path in troubled:
            continue
        excluded = _excluded(path, included, ignored, known)
        if excluded:
            drawing.skipped.append(Skipped(path=path, reason=excluded))
            continue
        apart = places.apart(path)
        if apart:
            drawing.skipped.append(Skipped(path=path, reason=apart))
            if path in previous_paths:
                drawing.problems.append(nothing_there(path, apart))
                drawing.unreadable.add(path)
        elif broken and _is_below(path, broken):
            drawing.unreadable.add(path)
        elif tool := UNREAD_FILES.get(_name(path)):
            drawing.skipped.append(Skipped(path=path, reason=f"configuration of {tool.name}"))
            drawing.problems.append(foreign_configuration(Location(path=path), tool.name, tool.remedy))
            if path in previous_paths:
                drawing.problems.append(nothing_there(path, f"it is configuration of {tool.name}"))
                drawing.unreadable.add(path)
        else:
            drawing.files.append(file)
    for problem in source.problems:
        path = problem.location.path if problem.location is not None else ""
        # A name that Git or a file system would misread is said, whatever it begins with.
        place = _folder(path) if problem.code == "R120" else path
        if _excluded(path, included, ignored, known) or places.apart(place):
            continue
        drawing.problems.append(problem)
        if problem.severity is Severity.ERROR:
            drawing.unreadable.add(path)
            # A submodule or a bad name may stand for a whole directory.
            drawing.unreadable.update(each for each in previous_paths if each.startswith(f"{path}/"))
    return Layout(
        files=tuple(drawing.files),
        skipped=tuple(drawing.skipped),
        problems=tuple(drawing.problems),
        unreadable=tuple(sorted(drawing.unreadable)),
    )


def nothing_there(path: str, reason: str) -> Problem:
    """The problem of a path that held an object and is now left out."""
    row = CATALOGUE["R131"]
    return Problem(
        code="R131",
        message="this path held an object in the last render, and none is read from it now",
        location=Location(path=path),
        evidence=(reason,),
        remedy=row.remedy,
    )


def foreign_configuration(location: Location, tool: str, remedy: str) -> Problem:
    """The warning about another tool's configuration."""
    return Problem(
        code="R132",
        message=f"configuration of {tool}: it is not read",
        location=location,
        remedy=remedy,
        severity=Severity.WARNING,
    )


def _excluded(
    path: str,
    included: tuple[Pattern, ...],
    ignored: Mapping[str, tuple[Pattern, ...]],
    known: dict[str, bool],
) -> str:
    """Why somebody's words leave this path out; empty where they do not. The settings are always read."""
    if path == SETTINGS_PATH:
        return ""
    if is_ignored(path, ignored, known):
        return f"excluded in {IGNORE_NAME}"
    if included and not is_matched(path, included):
        return f"not among the included paths of {SETTINGS_PATH}"
    return ""


class _Places:
    """Why the place of a path leaves it out; each directory is looked at once."""

    def __init__(self, source: Source) -> None:
        self._charts = {_folder(file.path) for file in source.files if _name(file.path) == "Chart.yaml"}
        self._folders: dict[str, str] = {"": "in the directory of a Helm chart" if "" in self._charts else ""}

    def apart(self, path: str) -> str:
        """The reason, or empty where the path is read."""
        folder, _, name = path.rpartition("/")
        return self._folder(folder) or (_DOTTED if name.startswith(".") else "")

    def _folder(self, folder: str) -> str:
        reason = self._folders.get(folder)
        if reason is None:
            reason = self.apart(folder)
            if not reason and folder in self._charts:
                reason = "in the directory of a Helm chart"
            self._folders[folder] = reason
        return reason


def _ignore_files(source: Source, drawing: _Drawing) -> tuple[dict[str, tuple[Pattern, ...]], frozenset[str]]:
    """Patterns by folder, and the folders whose ignore file cannot be used."""
    patterns: dict[str, tuple[Pattern, ...]] = {}
    broken: set[str] = set()
    for file in sorted(source.files, key=lambda each: each.path):
        if _name(file.path) != IGNORE_NAME:
            continue
        folder = _folder(file.path)
        found, problems = _read_ignore_file(file)
        patterns[folder] = found
        if problems:
            drawing.problems.extend(problems)
            drawing.unreadable.add(file.path)
            broken.add(folder)
    return patterns, frozenset(broken)


def _read_ignore_file(file: SourceFile) -> tuple[tuple[Pattern, ...], list[Problem]]:
    row = CATALOGUE["R133"]
    if len(file.data) > _LARGEST_IGNORE:
        return (), [
            _bad_pattern(
                file.path, 0, f"{len(file.data):,} bytes; {_LARGEST_IGNORE:,} is the limit", row.remedy
            )
        ]
    lines = file.data.decode(errors="replace").split("\n")
    found: list[Pattern] = []
    problems = []
    for number, line in enumerate(lines, 1):
        try:
            pattern = parse_pattern(line)
        except PatternError as error:
            problems.append(
                _bad_pattern(file.path, number, f"this line is no pattern: it {error}", row.remedy)
            )
            continue
        if pattern is not None:
            found.append(pattern)
    if len(found) > _MOST_PATTERNS:
        words = f"{len(found):,} patterns; {_MOST_PATTERNS:,} is the limit"
        return (), [_bad_pattern(file.path, 0, words, row.remedy)]
    return tuple(found), problems


def _bad_pattern(path: str, line: int, message: str, remedy: str) -> Problem:
    return Problem(
        code="R133",
        message=message,
        location=Location(path=path, line=line, column=1 if line else 0),
        remedy=remedy,
    )


def _is_below(path: str, folders: frozenset[str]) -> bool:
    parts = path.split("/")
    return any("/".join(parts[:depth]) in folders for depth in range(len(parts)))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _name(path: str) -> str:
    return path.rpartition("/")[2]
