"""The clock of scripts: UTC, and what the verbs mean in GopherLua."""

from datetime import UTC, datetime

import pytest

from reconciler.lua.clock import ClockError, calendar, date_text, moment_of

MOMENT = int(datetime(2031, 7, 4, 15, 6, 7, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("%Y-%m-%dT%H:%M:%SZ", "2031-07-04T15:06:07Z"),
        ("%F %X", "2031-07-04 15:06:07"),
        ("%A %B %d", "Friday July 04"),
        ("%I %p %P", "03 PM pm"),
        ("%b %y %w", "Jul 31 5"),
        ("%z %Z", "+0000 UTC"),
        ("%c", "04 Jul 31 15:06 UTC"),
        ("%x", "15/06/07"),
        ("100%% %k %", "100% %k %"),
    ],
)
def test_verbs(pattern, text):
    assert date_text(pattern, MOMENT) == text


def test_fields_beyond_their_range_count_on():
    assert moment_of(2031, 7, 4, 15, 6, 7) == MOMENT
    assert moment_of(2031, 13, 1, 0, 0, 0) == moment_of(2032, 1, 1, 0, 0, 0)
    assert moment_of(2031, 1, 32, 0, 0, -1) == moment_of(2031, 1, 31, 23, 59, 59)


def test_the_calendar_goes_on_beyond_the_years_that_can_be_written():
    # A cycle of 400 years has 146097 days.
    cycle = 146097 * 86400
    assert moment_of(2031 + 400 * 30, 7, 4, 15, 6, 7) == MOMENT + 30 * cycle
    assert moment_of(2031 - 400 * 6, 7, 4, 15, 6, 7) == MOMENT - 6 * cycle


@pytest.mark.parametrize("moment", [1e18, -1e18, float("inf"), float("nan")])
def test_a_moment_that_cannot_be_written_is_refused(moment):
    with pytest.raises(ClockError):
        calendar(moment)
    with pytest.raises(ClockError):
        moment_of(10**12, 1, 1, 0, 0, 0)
