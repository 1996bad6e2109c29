"""How hypothesis looks: at the same examples each time, so that a change is judged by what it changes.

`make search` looks at new and many more ones (`RECONCILER_SEARCH`: how many times as many).
"""

from __future__ import annotations

from hypothesis import settings

from tests.searching import FACTOR, examples

settings.register_profile("tests", max_examples=examples(100), derandomize=FACTOR == 1, deadline=None)
settings.load_profile("tests")
