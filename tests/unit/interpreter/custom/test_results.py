"""From Lua's tables to JSON: the rules of spec rendering-and-status §3.4, with expected values worked out from its text."""

import pytest

from reconciler.interpreter.custom.results import (
    ResultError,
    json_of_dump,
    list_of_dump,
    object_of_dump,
    resolve_empties,
    type_name,
)


def table(*pairs):
    return [list(pair) for pair in pairs]


def test_an_empty_table_is_a_list():
    assert json_of_dump([]) == []


def test_a_table_from_one_to_n_is_a_list():
    assert json_of_dump(table((1, "a"), (2, "b"))) == ["a", "b"]


def test_a_table_of_strings_is_an_object():
    assert json_of_dump(table(("a", 1), ("b", table((1, True))))) == {"a": 1, "b": [True]}


@pytest.mark.parametrize(
    ("dump", "words"),
    [
        (table((1, "a"), (3, "c")), "holes"),
        (table((2, "b")), "holes"),
        (table((0, "a")), "holes"),
        (table((1.5, "a")), "holes"),
        (table((1, "a"), ("b", 2)), "both strings and other keys"),
        (table(("b", 2), (1.5, 1)), "both strings and other keys"),
        (table((True, 1)), "neither strings nor"),
        (table(("a", {"again": True})), "reached twice"),
        ({"type": "function"}, "a function has no JSON form"),
        (table(("a", {"type": "nan"})), "a nan has no JSON form"),
    ],
)
def test_what_has_no_json_form_is_an_error(dump, words):
    with pytest.raises(ResultError, match=words):
        json_of_dump(dump)


def test_whole_numbers_are_integers_up_to_64_bits():
    values = [json_of_dump(value) for value in (5.0, -0.0, 1e15, 0.5, 1e20)]
    assert values == [5, 0, 10**15, 0.5, 1e20]
    assert [type(value) for value in values] == [int, int, int, float, float]


def test_a_whole_number_beyond_53_bits_has_the_fewest_digits_that_name_it():
    assert json_of_dump(float(2**53)) == 9007199254740992
    assert json_of_dump(1234567890123456789.0) == 1234567890123456800
    assert json_of_dump(-1234567890123456789.0) == -1234567890123456800


def test_a_whole_result_that_is_empty_is_an_object_or_a_list_as_asked():
    assert object_of_dump([]) == {}
    assert list_of_dump([]) == []
    assert list_of_dump(None) == []


def test_the_wrong_kind_of_result_is_an_error():
    with pytest.raises(ResultError, match="not nil"):
        object_of_dump(None)
    with pytest.raises(ResultError, match="not a list"):
        object_of_dump(table((1, 2)))
    with pytest.raises(ResultError, match="not an object"):
        list_of_dump(table(("a", 2)))
    with pytest.raises(ResultError, match="not string"):
        list_of_dump("a")


def test_without_references_every_nested_empty_table_goes():
    value = {"a": [], "b": {"c": []}, "d": [[], [1], {"e": []}]}
    assert resolve_empties(value, ()) == {"b": {}, "d": [[1], {}]}


def test_a_reference_says_what_an_empty_table_is():
    references = ({"spec": {"emptyDir": {}, "args": []}},)
    given = {"spec": {"emptyDir": [], "args": [], "other": []}}
    assert resolve_empties(given, references) == {"spec": {"emptyDir": {}, "args": []}}


def test_an_object_in_one_reference_beats_a_list_in_another():
    assert resolve_empties({"a": []}, ({"a": []}, {"a": {}})) == {"a": {}}


def test_positions_in_lists_do_not_count():
    references = ({"containers": [{"x": 1}, {"securityContext": {}}]},)
    given = {"containers": [{"securityContext": []}, {"x": 1, "args": []}]}
    assert resolve_empties(given, references) == {"containers": [{"securityContext": {}}, {"x": 1}]}


def test_inputs_are_unchanged():
    given, reference = {"a": [], "b": {"c": []}}, {"a": {}}
    resolve_empties(given, (reference,))
    assert given == {"a": [], "b": {"c": []}}
    assert reference == {"a": {}}


def test_types_have_luas_names():
    dumps = [None, True, 1, 1.5, "a", [], {"type": "function"}, {"type": "inf"}, {"again": True}]
    assert [type_name(dump) for dump in dumps] == [
        *("nil", "boolean", "number", "number", "string", "table", "function", "number", "table")
    ]
