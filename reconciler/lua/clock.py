"""`os.time` and `os.date` of scripts: UTC, and never the machine's own clock.

Pure. Moments are seconds since 1970, as Lua counts them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_VERBS: Final = {
    # GopherLua's own table (spec rendering-and-status §3.4): `%a` and `%x` are not what they are in C.
    "a": "mon",
    "A": "%A",
    "b": "%b",
    "B": "%B",
    "c": "%d %b %y %H:%M UTC",
    "d": "%d",
    "F": "%Y-%m-%d",
    "H": "%H",
    "I": "%I",
    "m": "%m",
    "M": "%M",
    "p": "%p",
    "S": "%S",
    "x": "%H/%M/%S",
    "X": "%H:%M:%S",
    "y": "%y",
    "Y": "%Y",
    "z": "+0000",
    "Z": "UTC",
    "w": "%w",
}
_LARGEST: Final = 2**63
_MONTHS: Final = 12
_YEARS_OF_ERA: Final = 400
_DAYS_OF_ERA: Final = 146097


class ClockError(Exception):
    """The moment lies outside the years that can be written."""


def calendar(moment: float) -> datetime:
    """The date and time of a moment. Raises ClockError."""
    try:
        return _EPOCH + timedelta(seconds=int(moment))
    except (OverflowError, ValueError):
        raise ClockError("the moment is outside the years 1 to 9999") from None


def date_text(pattern: str, moment: float) -> str:
    """`os.date` with a pattern other than `*t`. Raises ClockError."""
    when = calendar(moment)
    return re.sub("%(.)", lambda match: _verb(match[1], when), pattern, flags=re.DOTALL)


def _verb(letter: str, when: datetime) -> str:
    if letter == "%":
        return "%"
    if letter == "Y":
        return f"{when.year:04d}"
    if letter == "P":
        return when.strftime("%p").lower()
    written = _VERBS.get(letter)
    return f"%{letter}" if written is None else when.strftime(written)


def moment_of(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    """`os.time` of a table, whose fields may lie beyond their ranges: month 13 is January. Raises ClockError beyond 64 bits."""
    years, months = divmod(month - 1, _MONTHS)
    # The Gregorian calendar repeats itself after 400 years.
    eras, year_of_era = divmod(year + years, _YEARS_OF_ERA)
    first = datetime(year_of_era + _YEARS_OF_ERA, months + 1, 1, tzinfo=UTC)
    days = (first - _EPOCH).days + (eras - 1) * _DAYS_OF_ERA + day - 1
    moment = days * 86400 + hour * 3600 + minute * 60 + second
    if abs(moment) >= _LARGEST:
        raise ClockError("the moment is beyond 64 bits")
    return moment
