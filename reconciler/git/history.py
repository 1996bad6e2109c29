"""Whether a branch still contains what was rendered last: a rewritten source history is never followed silently."""

from __future__ import annotations

from reconciler.errors import HistoryRewritten
from reconciler.git.errors import translated
from reconciler.git.repository import Repository, raw


def check_history(repository: Repository, previous: str, tip: str, *, accepted: str = "") -> bool:
    """Compare the source commit that was rendered last with the branch's tip; True when `accepted` was needed.

    `previous` empty: nothing was rendered yet. Raises HistoryRewritten when the tip does not contain it, unless the operator
    accepted this history by a commit that the tip is or contains (recorded as the trailer `Accepted-History`). A history
    that is accepted stays so for its descendants, for nothing else (DESIGN §5, promise 6).
    """
    if not previous or contains(repository, tip, previous):
        return False
    if accepted and contains(repository, tip, accepted):
        return True
    raise HistoryRewritten(
        f"the source history was rewritten: {tip} does not contain {previous}, which was rendered last. Nothing is rendered "
        f"until the branch contains it again, or you go on with --accept-history {tip}"
    )


def contains(repository: Repository, tip: str, commit: str) -> bool:
    """Whether a commit is the tip or an ancestor of it. A commit that is not stored here is not."""
    if tip == commit:
        return True
    if not repository.has(raw(commit)):
        return False
    with translated(f"cannot compare the histories of {tip} and {commit}"):
        return bool(repository.handle.descendant_of(tip, commit))
