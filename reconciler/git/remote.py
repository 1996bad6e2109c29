"""Remotes by the `git` program: what is fetched is what was asked for, what is pushed is compare-and-swap.

Every call has a deadline, every refusal carries the server's own words, no message carries a credential. The rendered
branch is pushed with its projections in one atomic push where that is possible, else before them; never after.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

from reconciler.errors import FetchFailed, GitError, LostRace, PushRejected
from reconciler.git.branches import check_names
from reconciler.git.command import Answer, run_program
from reconciler.git.credentials import connect
from reconciler.git.errors import scrub
from reconciler.git.references import RefUpdate, full_name, list_references, resolve, update_references
from reconciler.git.repository import Repository
from reconciler.git.urls import Address, Role, parse_address, role_url
from reconciler.settings import BranchNames, RemoteUrls

CHUNK: Final = 50
"""References in one push: hosts limit them, and one that is refused holds up fewer others."""

_WORDS: Final = 4000
_ABSENT: Final = re.compile(r"couldn't find remote ref (\S+)")
_REFUSED_CREDENTIAL: Final = re.compile(
    r"terminal prompts disabled|could not read (Username|Password)|Authentication failed|Permission denied \(|"
    r"returned error: 40[13]|HTTP Basic: Access denied|Invalid username or (password|token)"
)
_REDIRECTED: Final = re.compile(r"returned error: 30\d|redirect", re.IGNORECASE)
_PUSHED: Final = re.compile(r"(?P<flag>[ +\-*!=])\t(?P<source>[^:\t]*):(?P<name>[^\t]+)\t(?P<summary>.*)")
_COLLATERAL: Final = re.compile(r"atomic (push|transaction) fail", re.IGNORECASE)
_STALE: Final = re.compile(
    r"stale info|fetch first|non-fast-forward|failed to update ref|cannot lock ref|reference already exists",
    re.IGNORECASE,
)
_CUT_OFF: Final = re.compile(r"index-pack (died|failed)|invalid index-pack output|signal 25")
_NO_ATOMIC: Final = "does not support --atomic"


# Fetches that run, by repository, and repositories in which one was cut off: a large half-written pack must not stay.
_fetching_lock: Final = Lock()
_fetching: Final[dict[str, int]] = {}
_left_over: Final[set[str]] = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Where a role's branches are, and how it is reached.

    `credentials` is a mounted directory with Flux's keys; None means none, or on a `laptop` the user's own helpers and agent
    (`interactive`: which may ask at the terminal). `timeout` and `stall` are seconds. `largest_pack` bounds the bytes of one
    fetch (0: any) and `strict` has Git check every object, for what others may write. `plain_http` permits a credential
    over http:// to another machine.
    """

    role: Role
    url: str
    credentials: Path | None = None
    laptop: bool = False
    interactive: bool = False
    timeout: float = 300.0
    stall: float = 30.0
    largest_pack: int = 0
    strict: bool = False
    plain_http: bool = False

    @property
    def address(self) -> Address:
        """The checked address. Raises SettingsError."""
        return parse_address(self.url)

    @property
    def place(self) -> tuple[str, Path | None]:
        """Two remotes with the same place can share one push."""
        return self.url, self.credentials

    def tracking(self, branch: str) -> str:
        """The local reference that remembers where this remote's branch was seen last."""
        return f"refs/remotes/{self.role}/{branch.removeprefix('refs/heads/')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a publication led to: full names pushed, and by name the words of those that refused."""

    pushed: tuple[str, ...] = ()
    rejected: Mapping[str, str] = field(default_factory=dict)


def remote_for(
    urls: RemoteUrls, role: Role, *, cluster: str = "", credentials: Mapping[Role, Path] | None = None, laptop: bool = False,
    interactive: bool = False, timeout: float = 300.0,
) -> Remote:  # fmt: skip
    """The remote of a role. A role without a URL of its own has the source's, and then its credential unless it has one.

    What an agent wrote (reports) is fetched with limits. Raises SettingsError for an address that is refused.
    """
    given = credentials or {}
    url = role_url(urls, role, cluster)
    shared = given.get(Role.SOURCE) if url == urls.source else None
    hostile = role is Role.REPORT
    remote = Remote(
        role=role,
        url=url,
        credentials=given.get(role, shared),
        laptop=laptop,
        interactive=interactive,
        timeout=timeout,
        largest_pack=64 << 20 if hostile else 0,
        strict=hostile,
    )
    _ = remote.address
    return remote


def fetch(repository: Repository, remote: Remote, branches: Sequence[str]) -> dict[str, str]:
    """Fetch branches (`main`, or `reconciler/report/*`) and nothing else; name to commit, absent ones left out.

    The tracking references follow the remote, whatever it did; histories are compared by `history.check_history`. Asks for
    the named references only (protocol v2). Raises FetchFailed with the server's words, SettingsError for the address.
    """
    wanted = [full_name(branch) for branch in branches]
    while wanted:
        refspecs = [f"+{name}:{remote.tracking(name)}" for name in wanted]
        answer = _fetch_git(
            repository,
            remote,
            ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--prune", "--force"],
            refspecs,
        )
        if not answer.code and not answer.timed_out:
            break
        absent = _ABSENT.search(answer.err)
        if absent is None or absent[1] not in wanted:
            raise FetchFailed(_failure("fetch from", remote, answer))
        # Git names one at a time; a fleet that begins has a hundred of them.
        there = remote_references(repository, remote, wanted)
        wanted = [name for name in wanted if name != absent[1] and (name.endswith("*") or name in there)]
    found: dict[str, str] = {}
    for branch in branches:
        name = full_name(branch)
        tracking = remote.tracking(name)
        if name not in wanted:
            _set(repository, {tracking: ""})
        elif name.endswith("*"):
            start = remote.tracking("")
            for reference, oid in list_references(repository, tracking.removesuffix("*")).items():
                found[reference.removeprefix(start)] = oid
        else:
            found[name.removeprefix("refs/heads/")] = resolve(repository, tracking)
    return found


def remote_references(
    repository: Repository, remote: Remote, names: Sequence[str] = ("refs/heads/*",)
) -> dict[str, str]:
    """The references a remote has, full name to id; `names` may be globs. Raises FetchFailed."""
    answer = _git(repository, remote, ["ls-remote", "--quiet", "--refs"], [full_name(name) for name in names])
    if answer.code or answer.timed_out:
        raise FetchFailed(_failure("list", remote, answer))
    rows = [line.split("\t", 1) for line in answer.out.splitlines() if "\t" in line]
    return {name: oid for oid, name in rows}


def check_remote_names(repository: Repository, remote: Remote, branches: BranchNames) -> None:
    """`branches.check_names` on a remote; asked once, at start. Raises FetchFailed, or GitError for a branch in our way."""
    parts = branches.prefix.split("/")
    parents = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    check_names(remote_references(repository, remote, parents), branches)


def push(
    repository: Repository, remote: Remote, updates: Sequence[RefUpdate], *, atomic: bool = True
) -> None:
    """Push commits to references, each only if it is where `old` says (empty: not there); `new` empty deletes.

    With `atomic` all of them or none. A reference that is at `new` already counts as pushed. Raises LostRace when another
    writer was first, else PushRejected, with the server's words by reference; references not named in it were pushed.
    """
    _push(repository, remote, [(remote, update) for update in updates], atomic=atomic)


def publish(
    repository: Repository,
    truth: tuple[Remote, RefUpdate] | None,
    projections: Iterable[tuple[Remote, RefUpdate]] = (),
    *,
    chunk: int = CHUNK,
) -> Published:
    """Push the rendered commit (None: it is there already), and its projections with it or after it, never before.

    Raises LostRace or PushRejected when the truth itself is refused: then no projection was pushed either. Projections that
    are refused are named in the answer and leave the others alone.
    """
    waiting: dict[tuple[str, Path | None], list[tuple[Remote, RefUpdate]]] = {}
    for remote, update in projections:
        waiting.setdefault(remote.place, []).append((remote, update))
    pushed: list[str] = []
    if truth is not None:
        remote, update = truth
        beside = waiting.get(remote.place, [])
        if beside and len(beside) < chunk and _together(repository, truth, beside):
            del waiting[remote.place]
            pushed += [update.name, *(one.name for _, one in beside)]
        else:
            push(repository, remote, [update])
            pushed.append(update.name)
    rejected: dict[str, str] = {}
    for group in waiting.values():
        for start in range(0, len(group), chunk):
            part = group[start : start + chunk]
            names = [one.name for _, one in part]
            try:
                _push(repository, part[0][0], part, atomic=False)
            except PushRejected as error:
                rejected |= error.reasons or dict.fromkeys(names, str(error))
            pushed += [name for name in names if name not in rejected]
    return Published(pushed=tuple(pushed), rejected=rejected)


def _push(
    repository: Repository, remote: Remote, moves: Sequence[tuple[Remote, RefUpdate]], *, atomic: bool
) -> None:
    """Push to one place; each reference is remembered under its own role."""
    if not moves:
        return
    updates = [update for _, update in moves]
    options = ["push", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags"]
    if atomic and len(updates) > 1:
        options.append("--atomic")
    options += [f"--force-with-lease={update.name}:{update.old}" for update in updates]
    answer = _git(repository, remote, options, [f"{update.new}:{update.name}" for update in updates])
    reasons = _reasons(answer)
    if not reasons and (answer.code or answer.timed_out):
        raise PushRejected(_failure("push to", remote, answer))
    if not (reasons and atomic):
        done = {where.tracking(one.name): one.new for where, one in moves if one.name not in reasons}
        _set(repository, done)
    if not reasons:
        return
    words = "; ".join(f"{name}: {reason}" for name, reason in sorted(reasons.items()))
    own = [reason for reason in reasons.values() if not _COLLATERAL.search(reason)]
    kind = LostRace if own and all(_STALE.search(reason) for reason in own) else PushRejected
    raise kind(f"push to the {remote.role} remote {scrub(remote.url)} was refused: {words}", reasons)


def _together(
    repository: Repository, truth: tuple[Remote, RefUpdate], beside: Sequence[tuple[Remote, RefUpdate]]
) -> bool:
    """One atomic push of all. False: the server cannot, or something but the truth was refused; nothing is pushed then."""
    remote, update = truth
    try:
        _push(repository, remote, [truth, *beside], atomic=True)
    except PushRejected as error:
        own = error.reasons.get(update.name, "")
        if not error.reasons and _NO_ATOMIC not in str(error):
            raise  # not reached, or no answer: the truth must be tried again first
        if _STALE.search(own) and not _COLLATERAL.search(own):
            raise LostRace(str(error), error.reasons) from error
        # A hook or a host's limit may refuse the many and take the one: the truth alone says.
        return False
    return True


def _fetch_git(
    repository: Repository, remote: Remote, options: Sequence[str], names: Sequence[str]
) -> Answer:
    """Run a fetch; when one was cut off and no other runs in this repository, what it left half-written goes."""
    key = str(repository.directory)
    with _fetching_lock:
        _fetching[key] = _fetching.get(key, 0) + 1
    cut_off = True
    try:
        answer = _git(repository, remote, options, names)
        cut_off = answer.code != 0 or answer.timed_out
    finally:
        with _fetching_lock:
            _fetching[key] -= 1
            if cut_off:
                _left_over.add(key)
            if not _fetching[key] and key in _left_over:
                _left_over.discard(key)
                for pattern in ("tmp_pack_*", "tmp_idx_*", "tmp_rev_*"):
                    for path in repository.pack_directory.glob(pattern):
                        path.unlink(missing_ok=True)
    return answer


def _git(repository: Repository, remote: Remote, options: Sequence[str], names: Sequence[str]) -> Answer:
    settings = [("safe.directory", str(repository.directory))]
    if remote.strict:
        # Objects above the threshold are streamed: a bomb does not have to fit into memory.
        settings += [("fetch.fsckObjects", "true"), ("core.bigFileThreshold", "4m")]
    with connect(
        remote.address,
        remote.credentials,
        laptop=remote.laptop,
        interactive=remote.interactive,
        plain_http=remote.plain_http,
        stall=remote.stall,
        settings=settings,
    ) as connection:
        answer = run_program(
            ["git", f"--git-dir={repository.directory}", *options, "--", remote.url, *names],
            environment=connection.environment,
            timeout=remote.timeout,
            largest_file=remote.largest_pack if options[0] == "fetch" else 0,
            interactive=connection.interactive,
            # A helper on a laptop may stay for hours; an operator's git must keep the lock when we are killed.
            keep_open=() if remote.laptop else repository.lock,
        )
        return Answer(
            code=answer.code,
            out=answer.out,
            err=scrub(answer.err, connection.secrets),
            timed_out=answer.timed_out,
        )


def _reasons(answer: Answer) -> dict[str, str]:
    """What was refused, by reference: Git's summary, then what the server said to the person who pushes."""
    rejected: dict[str, str] = {}
    for line in answer.out.splitlines():
        match = _PUSHED.fullmatch(line)
        if match is not None and match["flag"] == "!":
            rejected[match["name"]] = scrub(match["summary"].strip())
    said = " ".join(_server_words(answer.err))[:_WORDS]
    return {
        name: f"{summary}: {said}" if said and "remote rejected" in summary else summary
        for name, summary in rejected.items()
    }


def _server_words(err: str) -> list[str]:
    lines = (line.removeprefix("remote:").strip() for line in err.splitlines() if line.startswith("remote:"))
    return [line for line in lines if line]


def _failure(doing: str, remote: Remote, answer: Answer) -> str:
    """One line for people: what was tried, what Git and the server said, and what to look at."""
    start = f"cannot {doing} the {remote.role} remote {scrub(remote.url)}"
    if answer.timed_out:
        return f"{start}: no answer within {remote.timeout:g} s"
    lines = [line.strip() for line in answer.err.splitlines() if line.strip()]
    words = "; ".join(dict.fromkeys(lines))[-_WORDS:] or f"git ended with {answer.code}"
    hint = ""
    if remote.largest_pack and _CUT_OFF.search(words):
        hint = f" (it may not send more than {remote.largest_pack} bytes)"
    elif _REFUSED_CREDENTIAL.search(words):
        where = (
            f"the credential in {remote.credentials}"
            if remote.credentials
            else "there is no credential for it"
        )
        hint = f" (look at: {where})"
    elif remote.credentials and _REDIRECTED.search(words):
        hint = " (redirects are not followed with a credential: set the address that it redirects to)"
    return f"{start}: {words}{hint}"


def _set(repository: Repository, targets: Mapping[str, str]) -> None:
    """Remember what a remote has. Nobody competes for these but a fetch of ours: the last word counts."""
    for last in (False, False, True):
        updates = []
        for name, new in targets.items():
            old = resolve(repository, name)
            if old != new:
                updates.append(RefUpdate(name=name, old=old, new=new))
        try:
            update_references(repository, updates)
        except PushRejected as error:
            if last:
                raise GitError(f"cannot remember what the remote has: {error}") from error
        else:
            return
