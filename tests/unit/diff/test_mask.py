"""No value of a Secret gets past the mask."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.mask import AFTER, BEFORE, HIDDEN, masked, masked_pair

SECRET: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {
        "name": "password",
        "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"key":"aHVudGVyMg=="}}',
            "team": "shop",
        },
    },
    "data": {"key": "aHVudGVyMg==", "same": "c2FtZQ=="},
    "stringData": {"plain": "hunter2"},
}


def test_data_and_string_data_and_the_copy_kubectl_keeps_are_hidden():
    shown = masked(SECRET)
    assert shown["data"] == {"key": HIDDEN, "same": HIDDEN}
    assert shown["stringData"] == {"plain": HIDDEN}
    assert shown["metadata"]["annotations"] == {
        "kubectl.kubernetes.io/last-applied-configuration": HIDDEN,
        "team": "shop",
    }
    assert shown["metadata"]["name"] == "password"


def test_a_changed_value_is_seen_to_have_changed_and_no_more():
    after = copy.deepcopy(SECRET)
    after["data"]["key"] = "bmV3"
    before_shown, after_shown = masked_pair(SECRET, after)
    assert before_shown is not None
    assert after_shown is not None
    assert before_shown["data"] == {"key": BEFORE, "same": HIDDEN}
    assert after_shown["data"] == {"key": AFTER, "same": HIDDEN}


def test_a_key_that_comes_or_goes_is_seen_by_its_name():
    after = {**SECRET, "data": {"key": "aHVudGVyMg==", "new": "bmV3"}}
    before_shown, after_shown = masked_pair(SECRET, after)
    assert before_shown is not None
    assert after_shown is not None
    assert set(before_shown["data"]) == {"key", "same"}
    assert after_shown["data"] == {"key": HIDDEN, "new": HIDDEN}


def test_data_of_a_wrong_shape_is_hidden_whole():
    body = {"apiVersion": "v1", "kind": "Secret", "data": "hunter2", "stringData": ["hunter2"]}
    assert masked(body) == {"apiVersion": "v1", "kind": "Secret", "data": HIDDEN, "stringData": HIDDEN}


def test_other_kinds_are_left_as_they_are():
    body = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}}
    assert masked(body) is body
    sealed = {"apiVersion": "example.com/v1", "kind": "Secret", "data": {"a": "b"}}
    assert masked(sealed) is sealed


def test_the_original_is_not_changed():
    kept = copy.deepcopy(SECRET)
    masked(SECRET)
    masked_pair(SECRET, None)
    assert kept == SECRET


VALUES = st.text("abcdefXYZ0123456789", min_size=12, max_size=20).map(lambda text: f"secret-{text}")
SECRETS = st.fixed_dictionaries(
    {"apiVersion": st.just("v1"), "kind": st.just("Secret")},
    optional={
        "data": st.dictionaries(st.sampled_from("abc"), VALUES) | VALUES | st.lists(VALUES) | st.none(),
        "stringData": st.dictionaries(st.sampled_from("abc"), VALUES | st.lists(VALUES)),
    },
)


@given(SECRETS, SECRETS)
def test_no_secret_text_survives_whatever_the_shape(before: dict[str, Any], after: dict[str, Any]):
    shown = json.dumps([masked(before), masked(after), *masked_pair(before, after)])
    assert "secret-" not in shown
