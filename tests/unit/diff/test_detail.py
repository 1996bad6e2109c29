"""The detailed view of one object."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import example, given

from reconciler.diff.detail import object_detail
from reconciler.diff.objects import field_changes
from tests.unit.diff.builders import deployment, plain
from tests.unit.diff.test_objects import BODIES


def test_an_equal_object_has_no_detail():
    assert object_detail(deployment(), deployment()) == {}


def test_values_are_side_by_side():
    detail = object_detail(deployment(), deployment(image="web:2"))
    path = "root['spec']['template']['spec']['containers'][0]['image']"
    assert detail == {"values_changed": {path: {"new_value": "web:2", "old_value": "web:1"}}}


def test_a_changed_type_is_told_as_one():
    detail = object_detail({"a": 1}, {"a": True})
    assert list(detail) == ["type_changes"]


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
        (["-v"], ["-v", "-v"], "-v"),
        ([False], [False, False], False),
        ([{"name": "x"}], [{"name": "x"}, {"name": "x"}], {"name": "x"}),
        ([["a", "b"]], [["a", "b"], ["b", "a"]], ["b", "a"]),
        ([{"x": ["a"]}], [{"x": ["a"]}, {"x": ["a", "a"]}], {"x": ["a", "a"]}),
    ],
)
def test_one_more_of_an_item_that_is_there_is_added(before: object, after: object, added: object):
    detail = object_detail({"args": before}, {"args": after})
    assert detail == {"iterable_item_added": {"root['args'][1]": added}}


def test_items_that_change_places_have_moved():
    detail = object_detail({"args": ["a", "b"]}, {"args": ["b", "a"]})
    assert {path: row["new_path"] for path, row in detail["iterable_item_moved"].items()} == {
        "root['args'][0]": "root['args'][1]",
        "root['args'][1]": "root['args'][0]",
    }


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
