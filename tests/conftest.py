"""How hypothesis looks: at the same examples each time, so that a change is judged by what it changes.

`make search` looks at new and many more ones (`RECONCILER_SEARCH`: how many times as many). And what git knows in a test: neither
the repository in whose hook the tests run, nor anybody's settings.
"""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from tests.searching import FACTOR, examples

settings.register_profile(
    "tests",
    max_examples=examples(100),
    derandomize=FACTOR == 1,
    deadline=None,
    # How long it takes says something of the machine; and a law that few examples are about is looked at often enough in a search.
    suppress_health_check=[HealthCheck.too_slow, *([HealthCheck.filter_too_much] if FACTOR > 1 else [])],
)
settings.load_profile("tests")
if FACTOR == 1:
    # One value in twenty is drawn from the constants in all of our modules that happen to be loaded: other examples with every
    # commit, and with every way to share tests out between processes. That is for the search.
    providers._get_local_constants = lambda: providers._local_constants

for name in [name for name in os.environ if name.startswith("GIT_") and name != "GIT_EXEC_PATH"]:
    del os.environ[name]
os.environ["GIT_CONFIG_NOSYSTEM"] = "1"
os.environ["GIT_CONFIG_GLOBAL"] = str(Path(__file__).with_name("gitconfig"))
