import copy

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.override import PatchOperation
from reconciler.overrides.outcome import OverriderError
from reconciler.overrides.patch import apply_patch


def operation(operator, path, value=None):
    return PatchOperation(operator=operator, path=path, value=value, has_value=True)


def add(path, value=1):
    return operation("add", path, value)


def replace(path, value=1):
    return operation("replace", path, value)


def remove(path):
    return operation("remove", path)


@pytest.mark.parametrize(
    ("document", "operations", "result"),
    [
        ({"a": {}}, [add("/a/b")], {"a": {"b": 1}}),
        ({"a": 2}, [add("/a")], {"a": 1}),
        ({"a": [1, 2]}, [add("/a/1", 9)], {"a": [1, 9, 2]}),
        ({"a": [1, 2]}, [add("/a/2", 9)], {"a": [1, 2, 9]}),
        ({"a": [1, 2]}, [add("/a/-", 9)], {"a": [1, 2, 9]}),
        ({"a": [1, 2]}, [add("/a/-1", 9)], {"a": [1, 2, 9]}),
        ({"a": [1, 2]}, [add("/a/-3", 9)], {"a": [9, 1, 2]}),
        ({"a": [1, 2]}, [replace("/a/-1", 9)], {"a": [1, 9]}),
        ({"a": [1, 2]}, [remove("/a/-2")], {"a": [2]}),
        ({"a": [1, 2]}, [remove("/a/+0")], {"a": [2]}),
        ({"a": None}, [replace("/a")], {"a": 1}),
        ({"a/b": {"c~d": 1}}, [replace("/a~1b/c~0d", 2)], {"a/b": {"c~d": 2}}),
        ({"a": 1}, [replace("", {"b": 2}), add("/c", 3)], {"b": 2, "c": 3}),
        # The text before the first slash is ignored.
        ({"a": 1}, [replace("x/a", 2)], {"a": 2}),
        ({"a": {}}, [add("/a", None)], {"a": None}),
        ({"a": {}}, [replace("/a/", 5)], {"a": {"": 5}}),
    ],
)
def test_operations_do_what_rfc_6902_and_karmada_say(document, operations, result):
    assert apply_patch(document, operations) == result


@pytest.mark.parametrize(
    ("document", "wrong"),
    [
        ({}, add("/a/b")),
        ({"a": [1]}, add("/a/2")),
        ({"a": [1]}, add("/a/-3")),
        ({"a": [1]}, add("/a/x")),
        ({}, replace("/a")),
        ({"a": []}, replace("/a/0")),
        ({"a": []}, replace("/a/-")),
        ({}, remove("/a")),
        ({"a": [1]}, remove("/a/1")),
        ({"a": None}, add("/a/b")),
        ({"a": "text"}, add("/a/b")),
        ({"a": {"b": 1}}, replace("/a//b")),
        ({"a": 1}, replace("a")),
        ({"a": 1}, remove("")),
        ({"a": 1}, replace("", 5)),
    ],
)
def test_an_operation_that_fails_fails_the_whole_patch_and_names_itself(document, wrong):
    with pytest.raises(OverriderError) as caught:
        apply_patch({"first": 0, **document}, [replace("/first", 1), wrong])
    assert caught.value.place == ("plaintext", 1)


def test_an_edit_below_two_slashes_is_thrown_away_and_noted():
    notes = []
    assert apply_patch({"a": 1}, [replace("//a", 2)], ("plaintext",), notes) == {"a": 1}
    assert notes[0].place == ("plaintext", 0)


def test_what_is_not_touched_is_shared_and_nothing_is_edited_in_place():
    document = {"a": {"b": [1, {"c": 2}]}, "d": {"e": 3}}
    before = copy.deepcopy(document)
    result = apply_patch(document, [replace("/a/b/1/c", 9), add("/a/f", 1), remove("/a/b/0")])
    assert document == before
    assert result["d"] is document["d"]


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab/~", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab/~"), inner, max_size=3),
    max_leaves=8,
)


@given(
    document=st.dictionaries(st.sampled_from("ab/~"), _values, max_size=4),
    steps=st.lists(st.sampled_from(["a", "b", "/", "~", "0", "1", "-"]), min_size=1, max_size=4),
    operator=st.sampled_from(["add", "remove", "replace"]),
    value=_values,
)
def test_an_independent_implementation_agrees_wherever_it_applies(document, steps, operator, value):
    path = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
    try:
        expected = jsonpatch.apply_patch(document, [{"op": operator, "path": path, "value": value}])
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
        with pytest.raises(OverriderError):
            apply_patch(document, [operation(operator, path, value)])
        return
    assert apply_patch(document, [operation(operator, path, value)]) == expected
