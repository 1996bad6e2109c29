"""The detailed view of one object."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import example, given

from reconciler.diff.detail import Detail, DetailAction, object_detail
from reconciler.diff.objects import field_changes
from tests.unit.diff.builders import deployment, plain
from tests.unit.diff.test_objects import BODIES


def told(before: object, after: object) -> list[str]:
    return [f"{each.action:8} {each}" for each in object_detail({"x": before}, {"x": after})]


def test_an_equal_object_has_no_detail():
    assert object_detail(deployment(), deployment()) == ()


def test_values_are_side_by_side():
    (detail,) = object_detail(deployment(), deployment(image="web:2"))
    path = ("spec", "template", "spec", "containers", 0, "image")
    assert detail == Detail(
        action=DetailAction.CHANGED, path=path, new_path=path, before="web:1", after="web:2"
    )
    assert str(detail) == 'spec.template.spec.containers[0].image: "web:1" → "web:2"'


def test_each_sort_of_difference_has_its_line():
    assert told({"a": 1, "b": 8, "c": 1}, {"a": 2, "b": "8", "d": {"e": None}}) == [
        "changed  x.a: 1 → 2",
        'retyped  x.b: 8 → "8"',
        "removed  x.c: 1",
        'added    x.d: {"e": null}',
    ]
    assert told({"a": 1}, {"a": True}) == ["retyped  x.a: 1 → true"]
    assert told(["a", "b"], ["b", "a", "c"]) == [
        "moved    x[0] → x[1]",
        "moved    x[1] → x[0]",
        'added    x[2]: "c"',
    ]


def test_what_changes_inside_an_item_that_moved_has_both_its_places():
    http, metrics = {"name": "http", "port": 80}, {"name": "metrics", "port": 9}
    assert told([http, metrics], [metrics, {**http, "port": 8080}]) == [
        "moved    x[0] → x[1]",
        "changed  x[0].port → x[1].port: 80 → 8080",
        "moved    x[1] → x[0]",
    ]


def test_any_key_can_be_told_and_no_text_fools_a_terminal():
    (line,) = told({"it's\"\x1b[31m": 1}, {"it's\"\x1b[31m": 2})
    assert line.endswith(": 1 → 2")
    assert line.isprintable()


def test_secrets_are_masked():
    before = plain("v1", "Secret", "x", "shop", data={"key": "b2xk"})
    after = plain("v1", "Secret", "x", "shop", data={"key": "bmV3"})
    text = str(object_detail(before, after))
    assert "b2xk" not in text
    assert "bmV3" not in text
    assert "*** (after)" in text


@pytest.mark.parametrize(
    ("before", "after", "added"),
    [
        (["-v"], ["-v", "-v"], '"-v"'),
        ([False], [False, False], "false"),
        ([{"name": "x"}], [{"name": "x"}, {"name": "x"}], '{"name": "x"}'),
        ([["a", "b"]], [["a", "b"], ["b", "a"]], '["b", "a"]'),
        ([{"x": ["a"]}], [{"x": ["a"]}, {"x": ["a", "a"]}], '{"x": ["a", "a"]}'),
    ],
)
def test_one_more_of_an_item_that_is_there_is_added(before: object, after: object, added: str):
    assert told(before, after) == [f"added    x[1]: {added}"]


@given(BODIES, BODIES)
@example(before={"x": [False]}, after={"x": [False, False]})
def test_there_is_detail_exactly_where_a_field_changed(before: object, after: object):
    assert bool(object_detail({"x": before}, {"x": after})) == bool(
        field_changes({"x": before}, {"x": after})
    )


def test_deepdiff_is_not_imported_by_the_rest_of_the_package():
    code = "import sys; import reconciler.diff.markdown, reconciler.diff.machine, reconciler.diff.text, reconciler.diff.detail; print('deepdiff' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
