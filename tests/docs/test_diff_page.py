"""The page on the machine-readable diff names every field and every rule."""

from __future__ import annotations

from pathlib import Path

from reconciler.diff.dangers import RULES
from reconciler.diff.machine import difference_json
from tests.unit.diff.builders import compare, deployment, tree

PAGE = (Path(__file__).parents[2] / "docs/reference/diff.md").read_text()


def names(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {name for each in value.values() for name in names(each)}
    if isinstance(value, list):
        return {name for each in value for name in names(each)}
    return set()


def test_every_field_is_on_the_page():
    shape = difference_json(compare(tree({"a": [deployment()]}), tree({"a": [deployment(replicas=1)]})))
    missing = {name for name in names(shape) if f"`{name}`" not in PAGE and f"`{name}[]`" not in PAGE}
    assert missing - {"apiVersion", "kind"} == set()


def test_every_rule_of_danger_is_on_the_page():
    assert {rule for rule in RULES if f"`{rule}`" not in PAGE} == set()
