"""RFC 6902: its own examples, what Karmada's library adds, and what a hostile patch tries."""

import copy
import json
import time

import jsonpatch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.interpreter.custom.results import ResultError
from reconciler.interpreter.webhook.patch import patched
from tests.searching import examples

DOCUMENT = {"spec": {"replicas": 1, "list": ["a", "b"]}, "m~n/o": 8, "": 1, "deep": {"x": {"y": [1]}}}


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "add", "path": "/spec/list/1", "value": "x"}, ("spec", "list", ["a", "x", "b"])),
        ({"op": "add", "path": "/spec/list/-", "value": "x"}, ("spec", "list", ["a", "b", "x"])),
        ({"op": "add", "path": "/spec/list/-1", "value": "x"}, ("spec", "list", ["a", "b", "x"])),
        ({"op": "replace", "path": "/spec/list/-1", "value": "x"}, ("spec", "list", ["a", "x"])),
        ({"op": "remove", "path": "/spec/list/0"}, ("spec", "list", ["b"])),
        ({"op": "replace", "path": "/spec/replicas", "value": None}, ("spec", "replicas", None)),
        ({"op": "move", "from": "/spec/list/0", "path": "/spec/list/1"}, ("spec", "list", ["b", "a"])),
        ({"op": "copy", "from": "/deep/x", "path": "/spec/list"}, ("spec", "list", {"y": [1]})),
        ({"op": "test", "path": "/m~0n~1o", "value": 8}, ("m~n/o", 8)),
    ],
)
def test_each_operation(operation, expected):
    before = copy.deepcopy(DOCUMENT)
    node = patched(DOCUMENT, [operation])
    *path, value = expected
    for step in path:
        node = node[step]
    assert node == value
    assert before == DOCUMENT


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/spec/none", "value": 1},
        {"op": "remove", "path": "/spec/none"},
        {"op": "remove", "path": ""},
        {"op": "add", "path": "/none/x", "value": 1},
        {"op": "add", "path": "/spec/list/3", "value": 1},
        {"op": "add", "path": "/spec/list/-4", "value": 1},
        {"op": "add", "path": "/spec/list/01", "value": 1},
        {"op": "add", "path": "/spec/list/1e0", "value": 1},
        {"op": "replace", "path": "/spec/list/2", "value": 1},
        {"op": "replace", "path": "/spec/list/99999999999999999999", "value": 1},
        {"op": "add", "path": "spec", "value": 1},
        {"op": "add", "path": 7, "value": 1},
        {"op": "add", "path": "/spec/replicas/x", "value": 1},
        {"op": "add", "path": "/spec"},
        {"op": "test", "path": "/spec/replicas", "value": True},
        {"op": "test", "path": "/spec/replicas", "value": 2},
        {"op": "move", "from": "/spec", "path": "/spec/list/0"},
        {"op": "move", "path": "/spec"},
        {"op": "merge", "path": "/spec", "value": {}},
        {"path": "/spec", "value": {}},
        "replace",
        None,
    ],
)
def test_what_does_not_fit_is_refused_with_the_number_of_the_operation(operation):
    with pytest.raises(ResultError, match="operation 1 of the patch: "):
        patched(DOCUMENT, [{"op": "test", "path": "/spec/replicas", "value": 1}, operation])


def test_copies_of_copies_end_before_they_fill_the_memory():
    bomb = [{"op": "copy", "from": "/spec", "path": f"/spec/x{n}"} for n in range(64)]
    started = time.thread_time()
    with pytest.raises(ResultError, match=r"copies more|too large|too deep"):
        patched({"spec": {"a": 1}}, bomb)
    assert time.thread_time() - started < 2


def test_nesting_without_end_is_refused():
    deep = [{"op": "add", "path": "/a" * n, "value": {}} for n in range(1, 400)]
    with pytest.raises(ResultError, match="too deep"):
        patched({}, deep)


SMALL = st.recursive(
    st.none() | st.integers(-2, 2) | st.sampled_from(["", "a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab0"), inner, max_size=3),
    max_leaves=6,
)
POINTERS = st.lists(st.sampled_from(["a", "b", "0", "1", "-"]), max_size=3).map(
    lambda t: "".join(f"/{s}" for s in t)
)
OPERATIONS = st.one_of(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace", "test"]), "path": POINTERS, "value": SMALL}
    ),
    st.fixed_dictionaries({"op": st.just("remove"), "path": POINTERS}),
    st.fixed_dictionaries({"op": st.sampled_from(["move", "copy"]), "from": POINTERS, "path": POINTERS}),
)


@settings(max_examples=examples(300))
@given(
    document=st.dictionaries(st.sampled_from("ab"), SMALL, max_size=2),
    operations=st.lists(OPERATIONS, max_size=3),
)
def test_an_independent_library_agrees(document, operations):
    """Where both have an answer it is the same, and what we take the library takes as well."""
    try:
        ours = patched(document, operations)
    except ResultError:
        return
    theirs = jsonpatch.apply_patch(json.loads(json.dumps(document)), operations)
    assert ours == theirs
