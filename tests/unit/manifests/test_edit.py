"""Path-copying edits."""

import pytest

from reconciler.manifests.edit import get_in, remove_in, set_in
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest, Origin

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "spec": {
        "replicas": 2,
        "template": {"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b"}]}},
    },
}


def test_a_value_deep_inside_is_replaced_and_the_original_stays():
    path = ("spec", "template", "spec", "containers", 0, "image")
    edited = set_in(DEPLOYMENT, path, "y")
    assert get_in(edited, path) == "y"
    assert get_in(DEPLOYMENT, path) == "x"


def test_what_is_beside_the_path_is_shared_not_copied():
    edited = set_in(DEPLOYMENT, ("spec", "replicas"), 3)
    assert edited["spec"]["template"] is DEPLOYMENT["spec"]["template"]


def test_missing_and_null_mappings_on_the_way_are_made():
    assert set_in({}, ("a", "b"), 1) == {"a": {"b": 1}}
    assert set_in({"a": None}, ("a", "b"), 1) == {"a": {"b": 1}}


def test_an_index_equal_to_the_length_appends_and_beyond_it_is_an_error():
    assert set_in({"a": [1]}, ("a", 1), 2) == {"a": [1, 2]}
    with pytest.raises(IndexError):
        set_in({"a": [1]}, ("a", 2), 2)
    with pytest.raises(IndexError):
        set_in({"a": [1]}, ("a", -1), 2)


@pytest.mark.parametrize("path", [("a", "b"), ("a", 0), (0,)])
def test_a_step_that_fits_no_container_is_an_error(path):
    with pytest.raises(KeyError):
        set_in({"a": "text"}, path, 1)


def test_removing_copies_the_path_and_keeps_empty_containers():
    body = {"a": {"b": 1}, "c": [1, 2]}
    assert remove_in(body, ("a", "b")) == {"a": {}, "c": [1, 2]}
    assert remove_in(body, ("c", 0)) == {"a": {"b": 1}, "c": [2]}
    assert body == {"a": {"b": 1}, "c": [1, 2]}


@pytest.mark.parametrize("path", [("x",), ("a", "x"), ("c", 5), ("a", "b", "c"), ("c", "0"), ()])
def test_removing_what_is_not_there_gives_the_same_object(path):
    body = {"a": {"b": 1}, "c": [1, 2]}
    assert remove_in(body, path) is body


def test_a_manifest_keeps_identity_and_origin_and_loses_its_digest():
    manifest = Manifest(
        id=ObjectId(group="apps", kind="Deployment", namespace="n", name="d"),
        body=DEPLOYMENT,
        origin=Origin(path="a.yaml"),
        digest="abc",
    )
    edited = set_in(manifest, ("spec", "replicas"), 3)
    assert (edited.id, edited.origin, edited.digest) == (manifest.id, manifest.origin, "")
    assert get_in(edited, ("spec", "replicas")) == 3
    assert remove_in(manifest, ("spec", "absent")) is manifest


def test_a_default_stands_for_what_is_absent_and_not_for_null():
    assert get_in({"a": None}, ("a",), 5) is None
    assert get_in({"a": None}, ("b",), 5) == 5
    assert get_in({"a": [1]}, ("a", 1), 5) == 5
    assert get_in({"a": 1}, ("a", "b"), 5) == 5
