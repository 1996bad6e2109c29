"""What can go wrong, as values and as exceptions.

A mistake in the fleet is a `Problem`: a value that is collected and shown with all the others. An exception ends a
pass, or one cluster's part of it. Foreign exceptions are translated in `kube/` and `git/`, with `from`.

    ReconcilerError
      FleetError        the fleet must change; carries problems              -> author, by pull request
      SettingsError     our own configuration is wrong; exit code 2          -> operator
      GitError          FetchFailed*, PushRejected* (LostRace*),
                        HistoryRewritten, ForeignCommit                      -> operator
      ClusterError      Unreachable*, Throttled*, Forbidden, Unauthorized,
                        FieldConflict, Rejected, CredentialRefused, Outdated,
                        Halted                                       -> the cluster's owner
    * retryable; nothing else is retried.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a problem stops: an error holds what it governs, a warning is only said."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Location:
    """A place in the fleet repository. `line` and `column` count from 1; 0 means the file as a whole."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.path
        return f"{self.path}:{self.line}:{self.column}" if self.column else f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that somebody must know or change: where, code, what; then the evidence; then one remedy.

    `code` is a key of `reconciler.problems.CATALOGUE`. `subject` names the object concerned (`Deployment shop/web`).
    Never holds a body: objects and lines are named, values that may be secret are not quoted.
    """

    code: str
    message: str
    location: Location | None = None
    evidence: tuple[str, ...] = ()
    remedy: str = ""
    severity: Severity = Severity.ERROR
    subject: str = ""

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        mark = "warning " if self.severity is Severity.WARNING else ""
        lines = [f"{where}{mark}{self.code} {self.message}"]
        lines += [f"  {line}" for line in self.evidence]
        if self.remedy:
            lines.append(f"  help: {self.remedy}")
        return "\n".join(lines)

    def sort_key(self) -> tuple[str, int, int, str, str]:
        """The order in which problems are shown: by place, then code, then words."""
        at = self.location or Location(path="")
        return (at.path, at.line, at.column, self.code, self.message)


class ReconcilerError(Exception):
    """The root of every exception that this program raises on purpose."""

    retryable = False


class FleetError(ReconcilerError):
    """The fleet must change before this can go on; carries its problems."""

    def __init__(self, message: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class SettingsError(ReconcilerError):
    """A flag, an environment variable or a settings file of ours is wrong (exit code 2)."""


class GitError(ReconcilerError):
    """Git could not do what was asked. The message quotes the server's own words where there are any."""


class FetchFailed(GitError):  # noqa: N818 - named for what happened, as the tree above draws it
    """A remote could not be read."""

    retryable = True


class PushRejected(GitError):  # noqa: N818
    """A remote refused a push; `reasons` holds the server's words by reference name."""

    retryable = True

    def __init__(self, message: str, reasons: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.reasons = dict(reasons or {})


class LostRace(PushRejected):
    """Another writer moved a reference first: nothing was written; read it again and decide anew."""


class HistoryRewritten(GitError):  # noqa: N818
    """The source history no longer contains the commit that was rendered last (DESIGN §5, promise 6)."""


class ForeignCommit(GitError):  # noqa: N818
    """A machine branch carries a commit that is not ours (DESIGN §2)."""


class ClusterError(ReconcilerError):
    """One member cluster could not do what was asked."""

    def __init__(self, message: str, *, cluster: str = "") -> None:
        super().__init__(message)
        self.cluster = cluster


class Unreachable(ClusterError):  # noqa: N818
    """No answer, or none in time."""

    retryable = True


class Throttled(ClusterError):  # noqa: N818
    """The server asked us to come back later; `retry_after` is in seconds.

    `may_have_happened`: it did not finish in time, so that nobody knows whether a write was carried out.
    """

    retryable = True

    def __init__(
        self, message: str, *, cluster: str = "", retry_after: float = 1.0, may_have_happened: bool = False
    ) -> None:
        super().__init__(message, cluster=cluster)
        self.retry_after = retry_after
        self.may_have_happened = may_have_happened


class Unauthorized(ClusterError):  # noqa: N818
    """The credential is not accepted (401)."""


class Forbidden(ClusterError):  # noqa: N818
    """The credential is accepted and lacks the right (403)."""


class FieldConflict(ClusterError):  # noqa: N818
    """Another field manager owns a field, or the object exists and is not ours."""


class Rejected(ClusterError):  # noqa: N818
    """The server understood and refused: invalid, immutable, admission, not found.

    `fields` names the places that it complains of; `immutable` says that they cannot change. `missing` is what a 404
    names, as (group, resource, name); empty texts where the server did not say.
    """

    def __init__(
        self,
        message: str,
        *,
        cluster: str = "",
        status: int = 0,
        reason: str = "",
        fields: tuple[str, ...] = (),
        immutable: bool = False,
        missing: tuple[str, str, str] = ("", "", ""),
    ) -> None:
        super().__init__(message, cluster=cluster)
        self.status = status
        self.reason = reason
        self.fields = fields
        self.immutable = immutable
        self.missing = missing


class CredentialRefused(ClusterError):  # noqa: N818
    """A credential breaks one of the rules of DESIGN §6 and was not used; `code` is a row R53x of the catalogue."""

    def __init__(self, message: str, *, code: str, cluster: str = "") -> None:
        super().__init__(message, cluster=cluster)
        self.code = code


class Outdated(ClusterError):  # noqa: N818
    """Another writer has changed our record in the cluster since we read it: this pass must not write any more."""


class Halted(ClusterError):  # noqa: N818
    """A write was not sent, because nothing may be written just now (suspension, a lost lease, the end); carries why."""
