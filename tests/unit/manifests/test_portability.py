"""Warnings about plain scalars that tools read differently (R121)."""

import pytest

from reconciler.errors import Severity
from reconciler.manifests.portability import portability_warnings


def warnings(text, path="x.yaml"):
    found = portability_warnings(text.encode(), path)
    assert {(problem.code, problem.severity) for problem in found} <= {("R121", Severity.WARNING)}
    return [(problem.location.line, problem.location.column, problem.message) for problem in found]


def test_words_and_numbers_of_yaml_1_1_are_named_at_their_place():
    text = "a: yes\nb:\n- Off\n- {mode: 0755, k: 1_000}\non: x\ny: 1\n---\nc: n\n"
    assert warnings(text) == [
        (1, 4, "`yes` is true to kubectl"),
        (3, 3, "`Off` is false to kubectl"),
        (4, 10, "a number that begins with 0 is octal to kubectl"),
        (4, 19, "a number with underscores is text to YAML 1.2"),
        (5, 1, 'the key `on` is "true" to kubectl'),
        (6, 1, 'the key `y` is "true" to kubectl'),
        (8, 4, "`n` is false to kubectl"),
    ]


@pytest.mark.parametrize(
    "text",
    ["a: true\nb: False\nc: ~\n", "a: 'yes'\n\"on\": \"0755\"\n", "a: 0\nb: 10\nc: 0x10\nd: 0.5\ne: -0\n", "a: !!str yes\n", "a: |\n  yes\n", "a: yesterday\nb: 2026-01-01\nc: 1_a\n", "a: [", ""],
)  # fmt: skip
def test_what_every_tool_reads_alike_is_not_mentioned(text):
    assert warnings(text) == []


def test_json_has_no_such_words():
    assert warnings('{"a": "yes", "on": "0755"}', "x.json") == []


def test_a_value_behind_aliases_is_named_once():
    assert [place[:2] for place in warnings("a: &x {b: no}\nc: *x\nd: *x\n")] == [(1, 11)]
