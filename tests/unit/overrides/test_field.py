import functools

import pytest

from reconciler.model.override import FieldOverrider, PatchOperation
from reconciler.overrides.embedded import json_text, parse_json, parse_yaml
from reconciler.overrides.field import override_field
from reconciler.overrides.outcome import OverriderError
from reconciler.overrides.yaml_style import compare_keys, yaml_text


def operation(operator, path, value=None):
    return PatchOperation(operator=operator, path=path, value=value, has_value=True)


def edit(text, *, json=(), yaml=(), path="/data/f"):
    body = {"kind": "ConfigMap", "data": {"f": text}}
    return override_field(body, [FieldOverrider(field_path=path, json=json, yaml=yaml)])["data"]["f"]


def test_yaml_is_edited_and_written_with_sorted_keys():
    text = "key: \n  key1: value\nb: [1, 2]\na: yes # lost\n"
    result = edit(text, yaml=(operation("replace", "/key/key1", "updated_value"),))
    assert result == "a: true\nb:\n- 1\n- 2\nkey:\n  key1: updated_value\n"


def test_json_keeps_its_key_order_and_the_spelling_of_its_numbers():
    result = edit(
        '{"b": 2.50, "a": {"x": 1e3}}',
        json=(operation("add", "/c", "<v>"), operation("replace", "/a/x", 1.0)),
    )
    assert result == '{"b":2.50,"a":{"x":1},"c":"\\u003cv\\u003e"}'


def test_an_empty_text_stays_empty_as_json_and_is_an_error_as_yaml():
    assert edit("", json=(operation("add", "/a", 1),)) == ""
    with pytest.raises(OverriderError):
        edit("", yaml=(operation("add", "/a", 1),))


def test_without_operations_the_field_becomes_empty():
    assert edit("text") == ""


def test_yaml_operations_win_over_json_ones():
    assert (
        edit("a: 1", yaml=(operation("replace", "/a", 2),), json=(operation("replace", "/a", 3),)) == "a: 2\n"
    )


@pytest.mark.parametrize("path", ["", "data/f", "/data/absent", "/data", "/list/1", "/list/x"])
def test_the_field_must_exist_and_be_a_string(path):
    body = {"kind": "ConfigMap", "data": {"f": "{}"}, "list": ["a"]}
    with pytest.raises(OverriderError) as caught:
        override_field(body, [FieldOverrider(field_path=path, json=(operation("add", "/a", 1),))])
    assert caught.value.place == ("fieldOverrider", 0, "fieldPath")


def test_a_pointer_may_name_escaped_keys_and_list_items():
    body = {"kind": "ConfigMap", "data": {"a/b": ["{}"]}}
    result = override_field(
        body, [FieldOverrider(field_path="/data/a~1b/0", json=(operation("add", "/k", 1),))]
    )
    assert result == {"kind": "ConfigMap", "data": {"a/b": ['{"k":1}']}}


@pytest.mark.parametrize("text", ["web", "3", '"text"', "{", "[NaN]"])
def test_text_that_is_no_json_document_is_refused(text):
    with pytest.raises(OverriderError):
        edit(text, json=(operation("replace", "", {}),))


@pytest.mark.parametrize("text", ["a: b: c", "plain", "[", "a: &x [*x]", "a: 1\na: 2"])
def test_text_that_is_no_yaml_document_is_refused(text):
    with pytest.raises(OverriderError):
        edit(text, yaml=(operation("add", "/k", 1),))


def test_a_failing_operation_names_itself():
    with pytest.raises(OverriderError) as caught:
        edit("{}", json=(operation("add", "/a", 1), operation("remove", "/b")))
    assert caught.value.place == ("fieldOverrider", 0, "json", 1)


def test_json_text_escapes_what_go_escapes():
    assert json_text({"a": "<&>\u2028é\n", "n": None, "b": True}) == (
        '{"a":"\\u003c\\u0026\\u003e\\u2028é\\n","n":null,"b":true}'
    )


def test_json_numbers_are_read_as_they_stand():
    assert json_text(parse_json("[1e3, 0.10, 12345678901234567890]")) == "[1e3,0.10,12345678901234567890]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"y": "yes", "n": "1", "s": "text"}, '"n": "1"\ns: text\n"y": "yes"\n'),
        ({"a": None, "b": True, "c": 1.5, "d": 1234567.5}, "a: null\nb: true\nc: 1.5\nd: 1.2345675e+06\n"),
        ({"a": "one\ntwo\n", "b": "x\ny"}, "a: |\n  one\n  two\nb: |-\n  x\n  y\n"),
        ({"a": [{"b": 1, "c": []}, {}]}, "a:\n- b: 1\n  c: []\n- {}\n"),
        (
            {"a": "12:30:45", "b": "2001-01-01", "c": "#x", "d": "a: b"},
            "a: \"12:30:45\"\nb: \"2001-01-01\"\nc: '#x'\nd: 'a: b'\n",
        ),
        ({"a": "", "b": "~", "c": "0x1f", "d": ".5"}, 'a: ""\nb: "~"\nc: "0x1f"\nd: ".5"\n'),
        ("text", "text\n"),
        ([], "[]\n"),
    ],
)
def test_yaml_text_is_plain_where_it_can_be(value, text):
    assert yaml_text(value) == text
    assert parse_yaml(text) == value


def test_long_plain_text_is_folded_at_80_columns():
    text = yaml_text({"a": "word " * 30 + "end"})
    # The word that reaches column 80 is the last of its line.
    assert [len(line) for line in text.splitlines()] == [82, 75]
    assert parse_yaml(text) == {"a": "word " * 30 + "end"}


def test_keys_sort_in_natural_order():
    keys = ["key10", "key2", "Key1", "key1", "a", "_a", "1", "10", "2", "k/x", "k01", "k1"]
    assert sorted(keys, key=functools.cmp_to_key(compare_keys)) == [
        *["_a", "1", "2", "10", "Key1", "a", "k/x", "k1", "k01", "key1", "key2", "key10"]
    ]
