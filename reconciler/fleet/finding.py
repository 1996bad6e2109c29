"""A finding: what a rule says of one field, before its line and column are looked up.

Rules see bodies alone and stay short; the place, the catalogue's severity and its default remedy are added here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.errors import Problem, Severity
from reconciler.manifests.locate import locate
from reconciler.model.manifest import Origin
from reconciler.problems import CATALOGUE

FieldPath = tuple[str | int, ...]
"""Keys and indices from the document's root."""

_LONGEST_QUOTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a rule found. Empty `remedy` and None `severity` mean the catalogue's."""

    code: str
    path: FieldPath = ()
    message: str
    evidence: tuple[str, ...] = ()
    remedy: str = ""
    severity: Severity | None = None


def problem_of(finding: Finding, origin: Origin, subject: str = "") -> Problem:
    """The problem that `finding` is, at its place in `origin`'s file."""
    row = CATALOGUE[finding.code]
    return Problem(
        code=finding.code,
        message=finding.message,
        location=locate(origin, finding.path, key=True),
        evidence=finding.evidence,
        remedy=finding.remedy or row.remedy,
        severity=finding.severity or row.severity,
        subject=subject,
    )


def is_fatal(findings: Iterable[Finding]) -> bool:
    """Whether any of them is an error, so that the document is not acted on."""
    return any(
        (finding.severity or CATALOGUE[finding.code].severity) is Severity.ERROR for finding in findings
    )


def field_text(path: FieldPath) -> str:
    """`spec.rules[0].name`, as people write a field; keys that hold dots or odd characters are quoted."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("-", "").replace("_", "").isalnum() and step.isascii():
            text += f".{step}" if text else step
        else:
            text += f"[{quoted(step)}]"
    return text or "the document"


def quoted(value: object) -> str:
    """`value` in quotes, in printable ASCII and cut short: safe on a terminal and in a comment."""
    text = value if isinstance(value, str) else repr(value)
    shown = ascii(text[:_LONGEST_QUOTE])[1:-1].replace("`", "\\x60")
    return f"'{shown}{'…' if len(text) > _LONGEST_QUOTE else ''}'"
