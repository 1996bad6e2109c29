import pytest

from reconciler.model.override import LabelAnnotationOverrider
from reconciler.overrides.labels import override_labels


def edit(operator, **value):
    return LabelAnnotationOverrider(operator=operator, value=tuple(value.items()))


def labels_after(labels, *overriders, notes=None):
    body = {"metadata": {"name": "web", **({} if labels is None else {"labels": labels})}}
    return override_labels(body, overriders, [] if notes is None else notes)["metadata"].get("labels")


def test_add_sets_and_overwrites():
    assert labels_after({"a": "1"}, edit("add", a="2", b="3")) == {"a": "2", "b": "3"}


def test_add_makes_the_map():
    assert labels_after(None, edit("add", a="1")) == {"a": "1"}


def test_replace_and_remove_pass_over_absent_keys_and_say_so():
    notes = []
    assert labels_after({"a": "1"}, edit("replace", a="2", b="2"), edit("remove", c=""), notes=notes) == {
        "a": "2"
    }
    assert [note.place for note in notes] == [
        ("labelsOverrider", 0, "value", "b"),
        ("labelsOverrider", 1, "value", "c"),
    ]
    assert notes[0].reason == "replace: the object has no label b"


def test_removing_the_last_key_leaves_an_empty_map():
    assert labels_after({"a": "1"}, edit("remove", a="")) == {}


def test_nothing_to_change_gives_the_same_object():
    body = {"metadata": {"labels": {"a": "1"}}}
    assert override_labels(body, [edit("add", a="1")], []) is body


def test_annotations_are_edited_by_the_same_rules():
    body = {"metadata": {"labels": {"a": "1"}}}
    result = override_labels(body, [edit("add", a="2")], [], "annotations")
    assert result["metadata"] == {"labels": {"a": "1"}, "annotations": {"a": "2"}}


@pytest.mark.parametrize("labels", [{"a": 1}, {"a": None}, "text", 5])
def test_a_map_with_anything_but_strings_counts_as_absent(labels):
    assert labels_after(labels, edit("add", b="2")) == {"b": "2"}
    assert labels_after(labels, edit("remove", a="")) == labels


def test_the_template_is_not_edited():
    body = {"metadata": {"labels": {"a": "1"}}}
    override_labels(body, [edit("remove", a="")], [])
    assert body == {"metadata": {"labels": {"a": "1"}}}


def test_metadata_that_a_patch_made_no_object_stays():
    notes = []
    body = {"kind": "Pod", "metadata": "x"}
    assert override_labels(body, [edit("add", a="1")], notes) == body
    assert [note.reason for note in notes] == ["the object's metadata is no object"]
