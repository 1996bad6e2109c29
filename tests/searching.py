"""How many examples a law is tried on."""

from __future__ import annotations

import os
from typing import Final

FACTOR: Final = int(os.environ.get("RECONCILER_SEARCH", "1"))


def examples(number: int) -> int:
    """`number` of them, or as many more as the search asks for."""
    return number * FACTOR
