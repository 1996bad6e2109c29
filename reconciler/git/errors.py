"""Foreign errors of Git (pygit2, the file system, the `git` program) become ours here, with their cause kept.

Every message that leaves `reconciler/git` has passed `scrub`: no credential, no userinfo of a URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import pygit2

from reconciler.errors import ForeignCommit, GitError, Location, Problem, Severity

_USERINFO: Final = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/@\s'\"]+@", re.IGNORECASE)
_AUTHORIZATION: Final = re.compile(r"(?i)(authorization:\s*\w+\s+)\S+")


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without the given secrets, without userinfo in URLs and without Authorization headers."""
    for secret in sorted({one for one in secrets if one}, key=len, reverse=True):
        text = text.replace(secret, "***")
    text = _USERINFO.sub(r"\g<scheme>***@", text)
    return _AUTHORIZATION.sub(r"\1***", text)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise what libgit2 and the file system raise inside as a GitError that says what was being done."""
    try:
        yield
    except (pygit2.GitError, OSError, ValueError, KeyError) as error:
        words = str(error).strip("'\"") or type(error).__name__
        raise GitError(scrub(f"{doing}: {words}")) from error


def foreign_commit_problem(error: ForeignCommit, branch: str) -> Problem:
    """The problem that people see when a machine branch was written by somebody else (R602)."""
    return Problem(
        code="R602",
        message=f"branch {branch} carries a commit that is not ours",
        evidence=(str(error),),
        remedy="move the commit elsewhere and reset the branch to the last commit of ours, or delete the branch",
        subject=branch,
    )


def large_directory_problem(path: str, entries: int, limit: int) -> Problem:
    """The warning for a directory that hosts show only in part (R601)."""
    return Problem(
        code="R601",
        message=f"directory {path} of the render tree has {entries} entries; hosts show about {limit}",
        location=Location(path=path),
        remedy="spread the objects over more namespaces, or read the tree with git instead of the host's pages",
        severity=Severity.WARNING,
        subject=path,
    )
