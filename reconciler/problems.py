"""The catalogue of problem codes: permanent, never reused, one documentation page and one test case each.

R1 files, R2 policies and other fleet documents, R3 scheduling, R4 overrides and interpretation, R5 delivery,
R6 Git and status. A code says who must act through its hundred: R1-R4 the author, R5 the cluster's owner,
R6 the operator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reconciler.errors import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One row: `title` names the mistake, `meaning` explains it on the code's page, `remedy` is the default help."""

    code: str
    title: str
    meaning: str
    remedy: str
    severity: Severity = Severity.ERROR


def _row(
    code: str, title: str, meaning: str, remedy: str, severity: Severity = Severity.ERROR
) -> tuple[str, Code]:
    return code, Code(code=code, title=title, meaning=meaning, remedy=remedy, severity=severity)


_FILES: Final = (
    # R1xx: rows are appended by number.
)

_POLICIES: Final = (
    # R2xx
)

_SCHEDULING: Final = (
    # R3xx
)

_OVERRIDES: Final = (
    # R4xx
)

_DELIVERY: Final = (
    # R5xx
)

_GIT: Final = (
    # R6xx
)

CATALOGUE: Final[dict[str, Code]] = dict((*_FILES, *_POLICIES, *_SCHEDULING, *_OVERRIDES, *_DELIVERY, *_GIT))
