"""Structural differences; the JSON text, and deepdiff beside it, judge whether there is one."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from deepdiff import DeepDiff
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.objects import FieldAction, FieldChange, field_changes, path_text, same

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"app.kubernetes.io/name": "web"}},
    "spec": {
        "replicas": 3,
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "web:1",
                        "ports": [{"containerPort": 80}, {"containerPort": 443, "protocol": "TCP"}],
                        "args": ["--a", "--b"],
                    },
                    {"name": "side", "image": "side:1"},
                ]
            }
        },
    },
}


def changed(path: list[Any], value: Any) -> dict[str, Any]:
    body = copy.deepcopy(DEPLOYMENT)
    node: Any = body
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return body


def lines(before: Any, after: Any) -> list[tuple[str, str, Any, Any]]:
    return [(c.where, c.action.value, c.before, c.after) for c in field_changes(before, after)]


def test_an_equal_object_has_no_changes():
    assert field_changes(DEPLOYMENT, copy.deepcopy(DEPLOYMENT)) == ()


def test_a_changed_scalar_is_named_by_its_path():
    after = changed(["spec", "replicas"], 5)
    assert lines(DEPLOYMENT, after) == [("spec.replicas", "changed", 3, 5)]


def test_containers_are_compared_by_name_not_by_position():
    containers = DEPLOYMENT["spec"]["template"]["spec"]["containers"]
    after = changed(
        ["spec", "template", "spec", "containers"],
        [{"name": "new", "image": "new:1"}, containers[0], containers[1] | {"image": "side:2"}],
    )
    where = "spec.template.spec.containers"
    assert lines(DEPLOYMENT, after) == [
        (f"{where}[name=side].image", "changed", "side:1", "side:2"),
        (f"{where}[name=new]", "added", None, {"name": "new", "image": "new:1"}),
    ]


def test_a_list_in_another_order_is_said_to_be_reordered():
    containers = DEPLOYMENT["spec"]["template"]["spec"]["containers"]
    after = changed(["spec", "template", "spec", "containers"], containers[::-1])
    assert lines(DEPLOYMENT, after) == [
        (
            "spec.template.spec.containers",
            "reordered",
            ["[name=web]", "[name=side]"],
            ["[name=side]", "[name=web]"],
        )
    ]


def test_ports_are_told_apart_by_port_and_protocol():
    before = {"ports": [{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]}
    after = {"ports": [{"containerPort": 53, "protocol": "UDP", "name": "dns"}]}
    assert lines(before, after) == [
        ("ports[containerPort,protocol=53,TCP]", "removed", {"containerPort": 53, "protocol": "TCP"}, None),
        ("ports[containerPort,protocol=53,UDP].name", "added", None, "dns"),
    ]


def test_lists_whose_items_repeat_a_name_are_compared_by_position():
    before = {"items": [{"name": "a", "v": 1}, {"name": "a", "v": 2}]}
    after = {"items": [{"name": "a", "v": 1}, {"name": "a", "v": 3}]}
    assert lines(before, after) == [("items[1].v", "changed", 2, 3)]


def test_lists_of_scalars_are_compared_by_position():
    after = changed(["spec", "template", "spec", "containers", 0, "args"], ["--a", "--c", "--d"])
    where = "spec.template.spec.containers[name=web].args"
    assert lines(DEPLOYMENT, after) == [
        (f"{where}[1]", "changed", "--b", "--c"),
        (f"{where}[2]", "added", None, "--d"),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [(True, 1), (False, 0), (1, 1.0), (0, None), ("1", 1), ({}, []), ({}, None), ([], None)],
)
def test_values_of_unlike_types_differ_even_where_python_calls_them_equal(before: Any, after: Any):
    (change,) = field_changes({"x": before}, {"x": after})
    assert (change.where, change.action) == ("x", FieldAction.CHANGED)
    assert not same(before, after)


def test_null_and_absent_differ():
    assert lines({"x": None}, {}) == [("x", "removed", None, None)]
    assert lines({}, {"x": None}) == [("x", "added", None, None)]


def test_keys_with_dots_and_slashes_are_quoted_in_a_path():
    assert path_text(("metadata", "labels", "app.kubernetes.io/name")) == (
        'metadata.labels["app.kubernetes.io/name"]'
    )
    assert path_text(("data", "")) == 'data[""]'


def test_inputs_are_not_changed():
    before, after = copy.deepcopy(DEPLOYMENT), changed(["spec", "replicas"], 5)
    kept = copy.deepcopy(after)
    field_changes(before, after)
    assert (before, after) == (DEPLOYMENT, kept)


SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b"])
BODIES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "x", "y", "z"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(BODIES, BODIES)
def test_there_is_a_change_exactly_where_the_json_texts_differ(before: Any, after: Any):
    assert bool(field_changes(before, after)) == (_json(before) != _json(after))


@given(BODIES, BODIES)
def test_what_deepdiff_sees_is_seen_here(before: Any, after: Any):
    # Only this way round: in a list DeepDiff takes [False] and [0] for the same item, as Python does.
    if DeepDiff(before, after, ignore_type_in_groups=[], ignore_numeric_type_changes=False):
        assert field_changes(before, after)


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@given(BODIES, BODIES)
def test_a_difference_reads_the_same_from_the_other_side(before: Any, after: Any):
    swap = {FieldAction.ADDED: FieldAction.REMOVED, FieldAction.REMOVED: FieldAction.ADDED}

    def key(change: FieldChange) -> tuple[str, str]:
        return (change.where, change.action.value)

    forth = sorted(key(change) for change in field_changes(before, after))
    back = sorted((c.where, swap.get(c.action, c.action).value) for c in field_changes(after, before))
    assert forth == back
