"""Whole numbers in text, as Go reads them into 64 bits (`strconv.ParseInt`)."""

from __future__ import annotations

import re
from typing import Final

_INTEGER: Final = re.compile(r"[+-]?[0-9]+\Z")
_LONGEST: Final = 1000
"""Digits, leading zeros included: Python converts no endless number."""


def parse_int64(text: str) -> int | None:
    """The number that `text` states; None where it states none, or one that 64 bits do not hold."""
    if len(text) > _LONGEST or not _INTEGER.match(text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None
