"""Bare repositories (the remote) and clones (another person), both driven by the `git` command.

Promises: no configuration of this machine or user reaches git, and the author is the same everywhere unless a test
says otherwise. These are witnesses: what they say about a repository is what git says.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_IDENTITY: Final = {
    "GIT_AUTHOR_NAME": "Ada Author",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada Author",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}


class GitCommandError(Exception):
    """`git` failed; `message` is what it wrote to its error output (a server's words included)."""

    def __init__(self, arguments: tuple[str, ...], message: str, exit_code: int | None) -> None:
        super().__init__(f"git {' '.join(arguments)}: {message}")
        self.message = message
        self.exit_code = exit_code


def isolated_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment in which git knows nothing but what it is told, and never asks a person."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        **_IDENTITY,
        **(extra or {}),
    }


def run_git(
    *arguments: str,
    directory: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout: float = 60.0,
) -> str:
    """What git prints; GitCommandError when it fails or does not end in time."""
    try:
        result = subprocess.run(
            ["git", *arguments],
            cwd=directory,
            env=isolated_environment(env),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GitCommandError(arguments, f"no answer within {timeout:g} s", None) from error
    if result.returncode != 0:
        raise GitCommandError(arguments, result.stderr.strip(), result.returncode)
    return result.stdout


def bare_repository(path: Path, *, default_branch: str = "main") -> BareRepository:
    """Make an empty bare repository that takes atomic pushes and answers for any commit it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    run_git("init", "--quiet", "--bare", f"--initial-branch={default_branch}", str(path))
    repository = BareRepository(path)
    repository.git("config", "receive.advertiseAtomic", "true")
    repository.git("config", "receive.advertisePushOptions", "true")
    repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
    # Nothing goes on in it after a push has been answered.
    repository.git("config", "receive.autogc", "false")
    return repository


class BareRepository:
    """A bare repository seen from its own machine."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @property
    def url(self) -> str:
        """Its `file://` URL."""
        return self.path.as_uri()

    def git(self, *arguments: str) -> str:
        """What git says inside it, without the last newline."""
        return run_git(*arguments, directory=self.path).rstrip("\n")

    def refs(self) -> dict[str, str]:
        """Commit by full ref name."""
        rows = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(row.split(" ") for row in rows)

    def branches(self) -> dict[str, str]:
        """Commit by branch name."""
        prefix = "refs/heads/"
        return {
            name.removeprefix(prefix): commit
            for name, commit in self.refs().items()
            if name.startswith(prefix)
        }

    def log(self, revision: str, form: str = "%H") -> list[str]:
        """One line a commit, newest first, in git's own format language."""
        return self.git("log", f"--format={form}", revision).splitlines()

    def files(self, revision: str, path: str = ".") -> list[str]:
        """Paths of all files in a commit (under a folder)."""
        return self.git(
            "-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", revision, "--", path
        ).splitlines()

    def read(self, revision: str, path: str) -> str:
        """The text of one file in a commit."""
        return run_git("show", f"{revision}:{path}", directory=self.path)

    def find(self, revision: str, path: str) -> str | None:
        """The same, or None where there is no such branch or file: one look, however often the branch moves."""
        found = run_git("cat-file", "--batch", directory=self.path, stdin=f"{revision}:{path}\n")
        head, _, text = found.partition("\n")
        return None if head.endswith(" missing") else text.removesuffix("\n")

    def check(self) -> None:
        """`git fsck --strict`: raises GitCommandError when anything is wrong with any object."""
        self.git("fsck", "--full", "--strict", "--no-dangling")

    def refuse_pushes(self, message: str, *, refs: str = "*") -> None:
        """From now on refuse pushes that touch a ref matching this shell pattern, with these words to the pusher.

        `refs="*"` refuses the whole push (pre-receive hook); a narrower pattern refuses those refs alone (update).
        """
        quoted = "'" + message.replace("'", "'\\''") + "'"
        if refs == "*":
            self._hook("pre-receive", f"#!/bin/sh\necho {quoted} >&2\nexit 1\n")
        else:
            body = f'case "$1" in\n{refs}) echo {quoted} >&2; exit 1 ;;\nesac\nexit 0\n'
            self._hook("update", f"#!/bin/sh\n{body}")

    def accept_pushes(self) -> None:
        """Take back `refuse_pushes`."""
        for name in ("pre-receive", "update"):
            (self.path / "hooks" / name).unlink(missing_ok=True)

    def _hook(self, name: str, script: str) -> None:
        path = self.path / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        # Whole or not there: somebody may be pushing.
        half = path.with_name(f"{name}.new")
        half.write_text(script)
        half.chmod(half.stat().st_mode | stat.S_IXUSR)
        half.replace(path)


class Clone:
    """A work tree that somebody else has: writes files, commits, pushes, pulls. `env` reaches every git command."""

    def __init__(self, path: Path, url: str, *, env: Mapping[str, str] | None = None) -> None:
        """Clone `url` into `path`."""
        self.path = path.absolute()
        self.env = dict(env or {})
        path.parent.mkdir(parents=True, exist_ok=True)
        run_git(
            "clone",
            "--quiet",
            "--config=gc.auto=0",
            "--config=maintenance.auto=false",
            url,
            str(self.path),
            env=self.env,
        )

    def git(self, *arguments: str, timeout: float = 60.0) -> str:
        """What git says inside it, without the last newline."""
        return run_git(*arguments, directory=self.path, env=self.env, timeout=timeout).rstrip("\n")

    def write(self, files: Mapping[str, str | None]) -> None:
        """Write files by path; None removes one."""
        for name, content in files.items():
            path = self.path / name
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)

    def commit(self, message: str, files: Mapping[str, str | None] | None = None) -> str:
        """Commit these files and everything else that has changed; the new commit's id."""
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.head

    def push(self, *refspecs: str) -> None:
        """Push `HEAD` to its branch, or these refspecs."""
        self.git("push", "--quiet", "origin", *(refspecs or ("HEAD",)))

    def commit_and_push(self, message: str, files: Mapping[str, str | None]) -> str:
        """Both; the new commit's id."""
        commit = self.commit(message, files)
        self.push()
        return commit

    def pull(self) -> None:
        """Fetch and fast-forward the current branch."""
        self.git("pull", "--quiet", "--ff-only")

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return self.git("rev-parse", "HEAD")
