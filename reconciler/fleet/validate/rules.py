"""The literal table of rules by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from reconciler.fleet.finding import Finding

Rule = Callable[[Mapping[str, Any]], Iterable[Finding]]

RULES: Final[Mapping[tuple[str, str], tuple[Rule, ...]]] = {}
"""(group, kind) to its rules, in the order in which they are asked."""
