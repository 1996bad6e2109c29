"""Plain scalars as goyaml.v2 and JSON make them; expected values are worked out by hand from goyaml's rules."""

import math

import pytest

from reconciler.manifests.load import load

TRUE = ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]
FALSE = ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]
NULL = ["", "~", "null", "Null", "NULL"]
INTEGERS = [
    ("0", 0),
    ("-0", 0),
    ("+0", 0),
    ("12", 12),
    ("+12", 12),
    ("-12", -12),
    ("1_000", 1000),
    ("1__0", 10),
    ("12_", 12),
    # Octal with and without the o: the classic mode of a volume.
    ("0755", 493),
    ("0644", 420),
    ("-012", -10),
    ("0o755", 493),
    ("0O17", 15),
    ("00", 0),
    ("0x1F", 31),
    ("0X1f", 31),
    ("-0x10", -16),
    ("0x1_F", 31),
    ("0b101", 5),
    ("-0b11", -3),
    ("0b+11", 3),
    ("9223372036854775807", 9223372036854775807),
    ("-9223372036854775808", -9223372036854775808),
    ("9223372036854775808", 9223372036854775808),
    ("18446744073709551615", 18446744073709551615),
    ("0xFFFFFFFFFFFFFFFF", 18446744073709551615),
    # Not octal, so a float to goyaml; JSON has one kind of number, so the server sees an integer.
    ("08", 8),
    ("1.0", 1),
    ("100.0", 100),
    ("3.", 3),
    ("1e3", 1000),
    ("1E3", 1000),
    ("1e+3", 1000),
    ("-0.0", 0),
    ("1e18", 1000000000000000000),
    # Go prints the shortest digits that give the double, and zeros behind them.
    ("1234567890123456789.0", 1234567890123456800),
]
FLOATS = [
    ("1.5", 1.5),
    ("-1.5", -1.5),
    ("+1.5", 1.5),
    (".5", 0.5),
    ("-.5", -0.5),
    ("1e-3", 0.001),
    ("1_0.5", 10.5),
    (".1_0", 0.1),
    ("18446744073709551616", 18446744073709551616.0),
    ("-9223372036854775809", -9223372036854775808.0),
    ("+9223372036854775808", 9223372036854775808.0),
    ("1e19", 1e19),
    ("1e21", 1e21),
    # Too large for octal, and decimal digits all the same.
    ("07777777777777777777777777", 7777777777777777777777777.0),
]
STRINGS = [
    "yEs", "oN", "nUll", "Y3", "a", "v1", "1Gi", "100m", "10s", "1.2.3", "1,5", "_1", "0x", "0xg", "0o8", "0b", "0b2", "-a", "+", ".", "..",
    # No base 60 (YAML 1.1 has it, goyaml does not): MAC addresses, ports, times.
    "22:22", "1:30", "190:20:30", "1:30.5", "12:30:45",
    # Timestamps are strings again on the way to JSON.
    "2001-01-01", "2001-12-14t21:59:43.10-05:00", "2001-1-1", "2001-13-45", "2026-01-01T00:00:00Z",
    "=", "<<", ".e5", "._5", ".5_", "1e", "1e400", "-1e400", "0x1FFFFFFFFFFFFFFFF", "0b11111111111111111111111111111111111111111111111111111111111111111",
    "nan", "inf", "Infinity", "None", "nil", "٣", "½", "é", "日本",
]  # fmt: skip
NOT_JSON = [".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "-.inf", "-.Inf"]


def value(text: str):
    loaded = load(f"v: {text}\n".encode(), "x.yaml")
    assert loaded.problems == ()
    return loaded.documents[0].body["v"]


def exactly(found, expected):
    return type(found) is type(expected) and found == expected


@pytest.mark.parametrize("text", TRUE)
def test_these_words_are_true(text):
    assert value(text) is True


@pytest.mark.parametrize("text", FALSE)
def test_these_words_are_false(text):
    assert value(text) is False


@pytest.mark.parametrize("text", NULL)
def test_these_words_are_null(text):
    assert value(text) is None


@pytest.mark.parametrize(("text", "expected"), INTEGERS)
def test_these_are_integers(text, expected):
    assert exactly(value(text), expected)


@pytest.mark.parametrize(("text", "expected"), FLOATS)
def test_these_are_floats(text, expected):
    assert exactly(value(text), expected)


@pytest.mark.parametrize("text", STRINGS)
def test_these_are_strings(text):
    assert exactly(value(text), text)


@pytest.mark.parametrize("text", [*TRUE, *FALSE, *NULL, *(text for text, _ in INTEGERS), *STRINGS, *NOT_JSON])
def test_quotes_make_a_string_of_anything(text):
    assert exactly(value(f"'{text}'"), text)
    assert exactly(value(f'"{text}"'), text)
    assert exactly(value(f"!!str {text}"), text)


@pytest.mark.parametrize("text", NOT_JSON)
def test_nan_and_infinity_are_refused(text):
    (problem,) = load(f"a: 1\nv: {text}\n".encode(), "x.yaml").problems
    assert (problem.code, problem.location.line, problem.location.column) == ("R110", 2, 4)


def test_negative_zero_has_no_sign_left():
    assert math.copysign(1, value("-0.0")) == 1


def test_a_number_of_five_thousand_digits_is_read_in_bounded_time():
    # Python refuses to convert that many digits; goyaml finds the float too large and keeps the text.
    assert value("9" * 5000) == "9" * 5000
    assert value("0x" + "f" * 5000) == "0x" + "f" * 5000


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("y", "true"), ("no", "false"), ("True", "true"), ("'y'", "y"),
        ("1", "1"), ("01", "1"), ("0x10", "16"), ("1_0", "10"), ("-0", "0"),
        ("1.5", "1.5"), ("1.0", "1"), ("1e3", "1000"), ("08", "8"),
        # A key's float has 32 bits, and an exponent from 1e6 and below 1e-4.
        ("123456.0", "123456"), ("1234567.0", "1.234567e+06"), ("1e6", "1e+06"), ("1e21", "1e+21"), ("0.0001", "0.0001"),
        ("0.00001", "1e-05"), ("0.1", "0.1"), ("16777217.0", "1.6777216e+07"), ("3.4e39", ".inf"), ("-3.4e39", "-.inf"), ("-0.0", "-0"),
        (".inf", ".inf"), ("-.Inf", "-.inf"), (".NaN", ".nan"),
        ("2001-01-01", "2001-01-01"), ("22:22", "22:22"), ("=", "="), ("!!str 1", "1"), ("!!binary YQ==", "a"),
    ],
)  # fmt: skip
def test_keys_become_the_strings_that_kubernetes_makes_of_them(written, key):
    loaded = load(f"{written}: v\n".encode(), "x.yaml")
    assert loaded.problems == ()
    assert loaded.documents[0].body == {key: "v"}


@pytest.mark.parametrize(
    "written", ["~", "null", "", "18446744073709551615", "[a]", "{a: b}", "!!int 5", "!!null ''"]
)
def test_what_no_json_key_can_be_is_refused(written):
    (problem,) = load(f"a: 1\n? {written}\n: v\n".encode(), "x.yaml").problems
    assert (problem.code, problem.location.line) == ("R111", 2)
    assert problem.location.column == 3 if written else problem.location.column > 0


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("!!str 5", "5"), ("!!str yes", "yes"), ("!!str", ""), ("!!int '3'", 3), ('!!int "0x10"', 16), ("!!float 3", 3), ("!!float 1.5", 1.5),
        ("!!bool yes", True), ("!!bool 'off'", False), ("!!null ''", None), ("!!null ~", None), ("!!timestamp 2001-01-01", "2001-01-01"),
        ("!!timestamp '2001-12-15T02:59:43.1Z'", "2001-12-15T02:59:43.1Z"), ("!!timestamp 2001-1-2 3:4:5", "2001-1-2 3:4:5"),
        ("!!binary aGVsbG8=", "hello"), ("!!binary |\n  aGVs\n  bG8=", "hello"), ("!!map {a: 1}", {"a": 1}), ("!!seq [1]", [1]),
    ],
)  # fmt: skip
def test_core_tags_mean_what_goyaml_makes_of_them(written, expected):
    assert exactly(value(written), expected)


@pytest.mark.parametrize(
    "written",
    ["!!int x", "!!int 1.5", "!!int yes", "!!float x", "!!float 18446744073709551615", "!!bool 1", "!!bool maybe", "!!null x",
     "!!timestamp x", "!!timestamp 2001-13-01", "!!timestamp 2001-01-01T25:00:00Z", "!!binary ???", "!!binary YQ", "!!binary /w=="],
)  # fmt: skip
def test_a_value_that_does_not_fit_its_tag_is_refused(written):
    (problem,) = load(f"a: 1\nv: {written}\n".encode(), "x.yaml").problems
    assert (problem.code, problem.location.line, problem.location.column) == ("R109", 2, 4)


@pytest.mark.parametrize("written", ["!custom x", "!!set {a}", "!!omap [a: 1]", "!<tag:example.org,2026:x> y", "! 12", "!!str {a: 1}", "!!map [1]", "!Ref x", "!!python/object:os.system x"])  # fmt: skip
def test_tags_that_kubernetes_would_drop_are_refused(written):
    (problem,) = load(f"a: 1\nv: {written}\n".encode(), "x.yaml").problems
    assert (problem.code, problem.location.line, problem.location.column) == ("R108", 2, 4)
