"""From documents to a Fleet: which documents count, schema checks, decoding, defaults, validation.

Pure. Every finding is a Problem with its place; what is refused is remembered, so that what it governs can be held.
"""

from __future__ import annotations

from reconciler.errors import Problem
from reconciler.fleet.assemble import assemble
from reconciler.model.fleet import Source

__all__ = ["assemble", "check"]


def check(source: Source) -> tuple[Problem, ...]:
    """Every problem of the fleet that `source` states, in the order in which they are shown."""
    return assemble(source).problems
