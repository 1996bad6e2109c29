"""What may stand in a tree of files beside plain files, and what is said about it: links, submodules, names, sizes.

Shared by reading a commit and reading a work tree, so that both say the same.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final, NamedTuple

from reconciler.errors import FleetError, Location, Problem, Severity
from reconciler.git.objects import TREE, Entry, is_dot_git
from reconciler.problems import CATALOGUE

LARGEST_FILE: Final = 3 * 1024 * 1024
"""Bytes. The limit of `manifests.load`, so that larger blobs are not even read."""

_READ_SUFFIXES: Final = (".yaml", ".yml", ".json")
_READ_NAMES: Final = frozenset({".reconcilerignore", "Kustomization"})

MOST_ENTRIES: Final = 500_000
MOST_BYTES: Final = 1024**3
DEEPEST: Final = 100
REGULAR: Final = frozenset({b"100644", b"100755", b"100664"})
CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Link(NamedTuple):
    """A symbolic link: where it stands and what it holds (None: more than a path can be)."""

    path: str
    target: str | None


def is_candidate(name: str) -> bool:
    """Whether a file of this name is read: it could be a manifest, or says what is to be read."""
    return name.endswith(_READ_SUFFIXES) or name in _READ_NAMES


def shown(name: bytes) -> str:
    """A name as text; bytes that are no UTF-8 become replacement characters."""
    return name.decode(errors="replace")


def unfit(entry: Entry, name: str, *, is_read: bool) -> str:
    """Why this name cannot be trusted, or nothing. Files that nobody reads may be named as they like, except `.git`."""
    if not name or name in {".", ".."} or "/" in name:
        return "this name leads to another place"
    if is_dot_git(name):
        return "some file systems take this name for Git's own directory"
    if is_read or entry.mode == TREE:
        if entry.name != name.encode():
            return "this name is not UTF-8"
        if CONTROL.search(name):
            return "this name holds control characters"
    return ""


def inside(link: Link) -> str | None:
    """The path in the repository that a link names, or None where it leaves the repository."""
    if link.target is None or "\0" in link.target or posixpath.isabs(link.target):
        return None
    target = posixpath.normpath(posixpath.join(posixpath.dirname(link.path), link.target))
    return None if target == ".." or target.startswith("../") else target


def link_problem(link: Link, kind: str) -> Problem | None:
    """`kind` is what the link leads to inside the repository: "file", "directory", or empty."""
    could_be_manifest = is_candidate(posixpath.basename(link.path))
    if not kind:
        words = "a symbolic link that leads out of the repository or nowhere: it is not followed"
        # A link that no manifest could be behind is only worth a word.
        severity = Severity.ERROR if could_be_manifest else Severity.WARNING
        return problem_at("R118", link.path, words, severity=severity)
    if kind == "file" and not could_be_manifest:
        return None
    return problem_at(
        "R119", link.path, "a symbolic link: its target is read where it is", severity=Severity.WARNING
    )


def too_large(path: str, size: int) -> Problem:
    """The problem of a file of that many bytes (R105)."""
    return problem_at("R105", path, f"{size:,} bytes, and {LARGEST_FILE:,} is the limit")


def problem_at(code: str, path: str, message: str, *, severity: Severity = Severity.ERROR) -> Problem:
    """A problem of a whole file or directory."""
    return Problem(
        code=code,
        message=message,
        location=Location(path=CONTROL.sub("\ufffd", path)),
        remedy=CATALOGUE[code].remedy,
        severity=severity,
    )


def measureless(path: str, words: str) -> FleetError:
    """What ends the reading of a tree that is built to exhaust its reader (R123)."""
    problem = problem_at("R123", path.rstrip("/"), f"the tree is not read: {words}")
    return FleetError(problem.message, (problem,))
