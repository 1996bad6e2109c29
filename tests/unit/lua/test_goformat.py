"""Numbers and formats as Go writes them. Expected values follow Go's documentation of fmt; tests/properties asks GopherLua itself."""

import pytest

from reconciler.lua.goformat import FormatError, format_text, number_text, parse_number


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (5.0, b"5"),
        (-0.0, b"0"),
        (1e15, b"1000000000000000"),
        (2.0**62, b"4611686018427387904"),
        (1e20, b"1e+20"),
        (0.1, b"0.1"),
        (1 / 3, b"0.3333333333333333"),
        (123456.5, b"123456.5"),
        (1234567.5, b"1.2345675e+06"),
        (0.0001, b"0.0001"),
        (0.00001, b"1e-05"),
        (-2.5, b"-2.5"),
        (float("inf"), b"+Inf"),
        (float("-inf"), b"-Inf"),
        (float("nan"), b"NaN"),
    ],
)
def test_numbers_as_text(number, text):
    assert number_text(number) == text


@pytest.mark.parametrize(
    ("pattern", "values", "text"),
    [
        (b"%d items", (3.0,), b"3 items"),
        (b"%d", (3.9,), b"3"),
        (b"%5d|%-5d|%05d|%+d", (42.0, 42.0, 42.0, 42.0), b"   42|42   |00042|+42"),
        (b"%5.2f", (1.5,), b" 1.50"),
        (b"%f", (0.1,), b"0.100000"),
        (b"%x %X", (255.0, 255.0), b"ff FF"),
        (b"%x", (b"hi",), b"6869"),
        (b"%g %g %g", (100000.0, 1e6, 1e-5), b"100000 1e+06 1e-05"),
        (b"%v %v %v", (12.0, 1.5, b"a"), b"12 1.5 a"),
        (b"%i", (7.0,), b"7"),
        (b"%q", (b'a"b\n',), b'"a\\"b\\n"'),
        (b"%5s|%-5s|%.2s", (b"ab", b"ab", b"abc"), b"   ab|ab   |ab"),
        (b"%5s|", ("hé".encode(),), "   hé|".encode()),
        (b"%s %s %s", (None, True, 1.5), b"nil true 1.5"),
        (b"%c", (65.0,), b"A"),
        (b"100%%", (), b"100%"),
        (b"%s", (), b"%!s(MISSING)"),
        (b"no verb", (1.0,), b"no verb"),
        (b"%s", (b"a", b"b"), b"a"),
        (b"%d", (b"12",), b"12"),
        (b"%d", (b"x",), b"0"),
        (b"%z", (3.0,), b"%!z(int64=3)"),
        # GopherLua counts `%` less `%%`: of what is given to `%%` one value is left over.
        (b"%%", (None,), b"%%!(EXTRA *lua.LNilType=nil)"),
        (b"%%x", (True,), b"%x%!(EXTRA lua.LBool=true)"),
        (b"x%1.d", (b"1e3",), b"x "),
    ],
)
def test_formats(pattern, values, text):
    assert format_text(pattern, values) == text


@pytest.mark.parametrize("pattern", [b"%999999999d", b"%.9999999f", b"%900000d%900000d"])
def test_what_would_be_too_long_is_refused(pattern):
    with pytest.raises(FormatError):
        format_text(pattern, (1.0, 2.0))


@pytest.mark.parametrize(
    ("text", "base", "number"),
    [
        (b"10", 0, 10.0),
        (b" -5\n", 0, -5.0),
        (b"0x1F", 0, 31.0),
        (b"1.5", 0, 1.5),
        (b"1.5e3", 0, 1500.0),
        (b".5", 0, 0.5),
        (b"ff", 16, 255.0),
        (b"777", 8, 511.0),
        # GopherLua: without a point it is an integer or nothing.
        (b"1e3", 0, None),
        (b"", 0, None),
        (b"1_000", 0, None),
        (b"8", 8, None),
        (b"9999999999999999999", 0, None),
        (b"-9223372036854775808", 0, -(2.0**63)),
        (b"abc", 0, None),
        # Python reads neither of them: more digits than it takes, and a prefix of its own.
        (b"0" * 5000 + b"7", 0, 7.0),
        (b"1" * 5000, 0, None),
        (b"0b11", 2, None),
        (b"1.2.3", 0, None),
        (b"inf.", 0, None),
        (b"0x10", 16, None),
        (b"0b11", 16, 0xB11),
        (b"0o7", 8, None),
        (b"-" + b"0" * 100 + b"12", 0, -12.0),
        (b"9" * 500_000, 0, None),
        (b"1" * 63, 2, float(2**63 - 1)),
        (b"1" * 64, 2, None),
    ],
)
def test_text_as_a_number(text, base, number):
    assert parse_number(text, base) == number


def test_zeros_do_not_stand_beside_a_precision():
    assert format_text(b"%012.2d|%08.3x|%05d", (0.1, 255.0, 3.0)) == b"          00|     0ff|00003"


def test_a_blank_spreads_the_bytes_of_a_text():
    assert format_text(b"% x|%x", (b"abc", b"abc")) == b"61 62 63|616263"
