"""The examples that laws are tried on: the same ones in every run, whatever else is loaded."""

from __future__ import annotations

import importlib.util
import sys

from hypothesis import given, settings
from hypothesis import strategies as st


def drawn() -> list[tuple[str, int]]:
    """What a law sees when it is asked once more."""
    seen = []

    @settings(max_examples=200, derandomize=True, database=None)
    @given(st.text(), st.integers())
    def law(text, number):
        seen.append((text, number))

    law()
    return seen


def test_a_module_more_with_constants_of_its_own_gives_no_other_examples(tmp_path):
    before = drawn()
    words = [f"a constant of {number}" for number in range(500)]
    path = tmp_path / "loaded_lately.py"
    path.write_text(f"WORDS = {words}\nNUMBERS = {list(range(10_000, 10_500))}\n")
    specification = importlib.util.spec_from_file_location("loaded_lately", path)
    sys.modules["loaded_lately"] = module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
        assert drawn() == before
    finally:
        del sys.modules["loaded_lately"]
