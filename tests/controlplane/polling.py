"""Bounded polling: the one way in which these tests wait for something that is not a value."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(
    what: str,
    condition: Callable[[], T],
    *,
    within: float = 30.0,
    every: float = 0.1,
    ignoring: tuple[type[Exception], ...] = (),
) -> T:
    """The first true value of the condition; AssertionError with its last value when there is none in time.

    An AssertionError inside the condition counts as not yet, as do the exceptions to be ignored.
    """
    not_yet: tuple[type[Exception], ...] = (AssertionError, *ignoring)
    deadline = time.monotonic() + within
    while True:
        try:
            value = condition()
            if value:
                return value
            last = repr(value)
        except not_yet as error:
            last = repr(error)
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}; last: {last}")
        time.sleep(every)
