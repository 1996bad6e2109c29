"""Commits as bytes: encoded and parsed. Same values in, same commit id out.

Times are whole seconds in UTC and come from the caller; nothing here reads a clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from reconciler.errors import ForeignCommit, GitError, SettingsError
from reconciler.git.objects import Kind
from reconciler.git.repository import Repository, raw
from reconciler.git.trailers import parse_trailers

_PERSON: Final = re.compile(r"(?P<name>.*?) ?<(?P<email>[^>]*)> (?P<seconds>-?\d+) (?P<zone>[+-]\d{4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who commits."""

    name: str = "fleet-reconciler"
    email: str = "fleet-reconciler@localhost"

    def __post_init__(self) -> None:
        if not self.name or not self.email or re.search(r"[<>\n\0]", self.name + self.email):
            raise SettingsError(f"{self.name!r} <{self.email}> cannot be the identity of a commit")

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit as read. Ids are hexadecimal; times are UTC."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: str
    author_time: datetime
    committer: str
    committer_time: datetime
    message: str
    trailers: dict[str, str] = field(default_factory=dict)


class Signer(Protocol):
    """Signs the bytes of a commit; the answer is an armoured signature."""

    def sign(self, data: bytes) -> bytes:
        """The signature of these bytes: the same for the same bytes."""


def encode_commit(
    *,
    tree: str,
    parents: tuple[str, ...],
    message: str,
    identity: Identity,
    author_time: datetime,
    committer_time: datetime,
    signer: Signer | None = None,
) -> bytes:
    """The bytes of a commit. Raises GitError for a time without a zone or a message with a zero byte."""
    if "\0" in message:
        raise GitError("a commit message cannot hold a zero byte")
    head = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    head.append(f"author {identity} {_seconds(author_time)} +0000")
    head.append(f"committer {identity} {_seconds(committer_time)} +0000")
    text = message.encode("utf-8", "replace")
    start = "\n".join(head).encode() + b"\n"
    if signer is None:
        return start + b"\n" + text
    armour = signer.sign(start + b"\n" + text).strip().replace(b"\n", b"\n ")
    return start + b"gpgsig " + armour + b"\n\n" + text


def parse_commit(oid: str, data: bytes) -> Commit:
    """Read the bytes of a commit. Raises GitError if they are none."""
    head, _, message = data.partition(b"\n\n")
    fields: dict[str, list[str]] = {}
    for line in head.decode("utf-8", "replace").split("\n"):
        if line.startswith(" "):
            continue  # a signature goes on
        key, _, value = line.partition(" ")
        fields.setdefault(key, []).append(value)
    try:
        author, author_time = _person(fields["author"][0])
        committer, committer_time = _person(fields["committer"][0])
        tree = fields["tree"][0]
    except (KeyError, ValueError, OverflowError, OSError) as error:
        raise GitError(f"commit {oid} is damaged") from error
    text = message.decode("utf-8", "replace")
    return Commit(
        oid=oid,
        tree=tree,
        parents=tuple(fields.get("parent", ())),
        author=author,
        author_time=author_time,
        committer=committer,
        committer_time=committer_time,
        message=text,
        trailers=parse_trailers(text),
    )


def read_commit(repository: Repository, oid: str) -> Commit:
    """Read one commit by its full id."""
    return parse_commit(oid, repository.read(raw(oid), Kind.COMMIT))


def require_ours(commit: Commit, identity: Identity, required: tuple[str, ...]) -> None:
    """Raise ForeignCommit unless the commit is by our identity and carries the trailers that ours carry."""
    if commit.committer != str(identity):
        raise ForeignCommit(f"commit {commit.oid} was made by {commit.committer}, not by {identity}")
    missing = [key for key in required if key not in commit.trailers]
    if missing:
        raise ForeignCommit(f"commit {commit.oid} lacks the trailer {', '.join(missing)}")


def _seconds(time: datetime) -> int:
    if time.tzinfo is None:
        raise GitError(f"the time {time} of a commit has no zone")
    return int(time.timestamp())


def _person(text: str) -> tuple[str, datetime]:
    match = _PERSON.fullmatch(text)
    if match is None:
        raise ValueError(text)
    name = f"{match['name']} <{match['email']}>"
    return name, datetime.fromtimestamp(int(match["seconds"]), tz=UTC)
