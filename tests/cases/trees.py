"""Real Git commits from case folders, with what a folder in Git cannot hold: links, submodules, pipes, huge files.

A case's `tree.txt` has one line for each such thing; texts are in double quotes, with JSON's escapes:

    link PATH TARGET         a symbolic link
    submodule PATH           a submodule
    repeat PATH COUNT TEXT   a file of COUNT times TEXT
    prefix PATH TEXT         what such a file begins with (a line after its `repeat`)
    file PATH TEXT           a file whose name no folder can hold
    entry NAME               an entry of the root tree with this very name, whatever Git says to it
    levels NAME COUNT        so many directories of that name in one another, with a file at the bottom
    pipe PATH                a named pipe: read as a work tree, because no commit can hold one
    previous PATH            a file that held an object in the last render
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(kw_only=True)
class Tree:
    """A case's files by path, as (mode, bytes or submodule id), and what else its description says."""

    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    raw_entries: list[str] = field(default_factory=list)
    pipes: list[str] = field(default_factory=list)
    previous_paths: frozenset[str] = frozenset()


def tree_of(case: Path) -> Tree:
    """What `case` describes: the files below `fleet/`, and the lines of `tree.txt`."""
    tree = Tree()
    folder = case / "fleet"
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            tree.files[path.relative_to(folder).as_posix()] = ("100644", path.read_bytes())
    description = case / "tree.txt"
    for line in description.read_text().splitlines() if description.exists() else ():
        _add(tree, line)
    return tree


def _add(tree: Tree, line: str) -> None:
    match _words(line):
        case ["link", path, target]:
            tree.files[path] = ("120000", target.encode())
        case ["submodule", path]:
            tree.files[path] = ("160000", b"1" * 40)
        case ["repeat", path, count, text]:
            tree.files[path] = ("100644", text.encode() * int(count))
        case ["prefix", path, text]:
            tree.files[path] = ("100644", text.encode() + tree.files[path][1])
        case ["file", path, text]:
            tree.files[path] = ("100644", text.encode())
        case ["levels", name, count]:
            tree.files["/".join([name] * int(count)) + "/web.yaml"] = ("100644", b"a: b\n")
        case ["entry", name]:
            tree.raw_entries.append(name)
        case ["pipe", path]:
            tree.pipes.append(path)
        case ["previous", path]:
            tree.previous_paths |= {path}
        case words:
            raise ValueError(f"no such line in tree.txt: {words}")


def _words(line: str) -> list[str]:
    """Blank-separated words; those in double quotes are JSON texts."""
    words, rest = [], line.strip()
    while rest:
        if rest.startswith('"'):
            text, end = json.JSONDecoder().raw_decode(rest)
            words.append(text)
            rest = rest[end:].lstrip()
        else:
            word, _, rest = rest.partition(" ")
            words.append(shlex.split(word)[0])
            rest = rest.lstrip()
    return words


def commit_tree(tree: Tree, repository: Path) -> str:
    """A commit of `tree` in a new bare repository; returns its id."""
    _git(repository, "init", "--quiet", "--bare", "--initial-branch=main", ".")
    entries = []
    for path, (mode, data) in sorted(tree.files.items()):
        oid = (
            data.decode() if mode == "160000" else _git(repository, "hash-object", "-w", "--stdin", data=data)
        )
        entries.append(f"{mode} {oid}\t{path}\0")
    # An index in the repository's own folder takes names that no work tree could.
    _git(repository, "update-index", "--add", "-z", "--index-info", data="".join(entries).encode())
    root = _git(repository, "write-tree")
    if tree.raw_entries:
        root = _with_entries(repository, root, tree.raw_entries)
    when = {"GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}
    commit = _git(repository, "commit-tree", "-m", "case", root, more=when)
    _git(repository, "update-ref", "refs/heads/main", commit)
    return commit


def write_work_tree(tree: Tree, folder: Path) -> None:
    """The plain files and the pipes of `tree` as a folder."""
    for path, (mode, data) in tree.files.items():
        if mode == "100644":
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    for path in tree.pipes:
        os.mkfifo(folder / path)


def _with_entries(repository: Path, root: str, names: list[str]) -> str:
    """The tree `root` with further entries whose names are not checked."""
    blob = _git(repository, "hash-object", "-w", "--stdin", data=b"a: b\n")
    raw = subprocess.run(
        ["git", "cat-file", "tree", root], cwd=repository, check=True, capture_output=True
    ).stdout
    added = b"".join(f"100644 {name}\0".encode() + bytes.fromhex(blob) for name in names)
    return _git(repository, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", data=added + raw)


def _git(repository: Path, *words: str, data: bytes | None = None, more: dict[str, str] | None = None) -> str:
    environment = {
        **os.environ,
        "GIT_AUTHOR_NAME": "case",
        "GIT_AUTHOR_EMAIL": "case@example.com",
        "GIT_COMMITTER_NAME": "case",
        "GIT_COMMITTER_EMAIL": "case@example.com",
        **(more or {}),
    }
    done = subprocess.run(
        ["git", "-c", "core.protectHFS=false", "-c", "core.protectNTFS=false", *words],
        cwd=repository,
        env=environment,
        input=data,
        check=True,
        capture_output=True,
    )
    return done.stdout.decode().strip()
