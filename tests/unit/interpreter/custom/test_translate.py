"""Reading Lua: what is refused, with its place, and that lines stay where they are. What a translation does is run in tests/unit/lua."""

import pytest

from reconciler.interpreter.custom.syntax.tokens import Kind, LuaSyntaxError, tokens
from reconciler.interpreter.custom.syntax.translate import DEEPEST, LARGEST_SCRIPT, translate


def refused(script):
    with pytest.raises(LuaSyntaxError) as caught:
        translate(script)
    return caught.value.line, caught.value.column, caught.value.message


def values(script):
    return [token.value for token in tokens(script) if token.kind in (Kind.STRING, Kind.NUMBER)]


def test_escapes_in_strings_are_bytes():
    assert values(r'"\065\n\\\"\z"') == [b'A\n\\"z']
    assert values("'ä'") == ["ä".encode()]


def test_a_backslash_continues_a_string_on_the_next_line():
    assert values('"a\\\nb" 1') == [b"a\nb", 1.0]


def test_long_strings_lose_their_first_line_break_and_keep_the_others():
    assert values("[[\none\ntwo]]") == [b"one\ntwo"]
    assert values("[==[a]]b]=]]==]") == [b"a]]b]=]"]


def test_numbers():
    assert values("0x1F 3. .5 1e2 1E-1 007") == [31.0, 3.0, 0.5, 100.0, 0.1, 7.0]


def test_comments_of_both_kinds_are_skipped_and_count_lines():
    found = [
        token for token in tokens("-- one\n--[[ two\nthree ]] x --[=[ ]] ]=]\ny") if token.kind is Kind.NAME
    ]
    assert [(token.text, token.line) for token in found] == [("x", 3), ("y", 4)]


@pytest.mark.parametrize(
    ("script", "place", "words"),
    [
        ("x = = 1", (1, 5), "is not expected here"),
        ("local x = ?", (1, 11), "is no part of Lua"),
        ("x = 'a\n'", (1, 5), "does not end on its line"),
        ("x = [[a", (1, 5), "never closed"),
        ("x = 1x", (1, 5), "malformed number"),
        ("x = 3..2", (1, 5), "malformed number"),
        ("x = 1e999", (1, 5), "malformed number"),
        ('x = "\\300"', (1, 5), "above 255"),
        ("\n\nif x then", (3, 10), "`end` or `else` or `elseif` is expected"),
        ("for i = 1 do end", (1, 11), "`,` is expected"),
        ("end", (1, 1), "the end of the script is expected"),
        ("return 1 x()", (1, 10), "the end of the script is expected"),
        ("x", (1, 1), "a statement is expected here, not `x`"),
        ("f() = 1", (1, 5), "is not expected here"),
        ("a, f() = 1, 2", (1, 4), "nothing can be assigned"),
        ("break", (1, 1), "no loop to leave"),
        ("goto nowhere", (1, 6), "no label `nowhere`"),
        ("::a:: ::a::", (1, 9), "a label `a` in this block already"),
        ("function f() return ... end", (1, 21), "outside a function that takes it"),
        ("local goto = 1", (1, 7), "a name is expected here"),
        ("x = f()\n(g or h)()", (2, 1), "a call here, or a new statement"),
        ("local function f( end", (1, 19), "a name is expected"),
        ("x = {1, 2", (1, 10), "`}` is expected here"),
        ("x = {[1 = 2}", (1, 9), "`]` is expected here"),
    ],
)
def test_what_is_not_lua_is_refused_with_its_place(script, place, words):
    line, column, message = refused(script)
    assert words in message
    assert (line, column) == place


def test_a_label_of_another_function_is_not_in_sight():
    assert "no label" in refused("::top:: local f = function() goto top end")[2]


def test_jumps_that_cross_one_another_are_refused():
    script = "do goto b ::a:: x = 1 ::b:: if y then goto a end end"
    assert "cross one another" in refused(script)[2]


def test_a_jump_over_a_local_that_is_used_behind_the_label_is_refused():
    assert "passes the declaration" in refused("goto b local x = 1 ::b:: f(x)")[2]


def test_a_jump_to_the_end_of_a_block_may_pass_locals():
    assert translate("for i = 1, 2 do goto continue local x = 1 ::continue:: end").code


def test_depth_is_bounded():
    deepest = DEEPEST // 2 - 2
    assert translate("x = " + "(" * deepest + "1" + ")" * deepest).code
    for opening, closing in (("(", ")"), ("{", "}"), ("- ", ""), ("f(", ")")):
        assert "levels in one another" in refused("x = " + opening * 5000 + "1" + closing * 5000)[2]
    assert "levels" in refused("do " * 5000 + "end " * 5000)[2]
    assert "levels" in refused("x = " + "2 ^ " * 5000 + "2")[2]


def test_long_chains_are_not_deep():
    assert translate("x = " + "1 + " * 5000 + "1").code
    assert translate("x = " + "a .. " * 5000 + "a").code
    assert translate("x = a" + ".b" * 5000).code
    assert translate("if a then elseif b then " + "elseif c then " * 2000 + "end").code


def test_size_is_bounded():
    assert "are the limit" in refused("-" * (LARGEST_SCRIPT + 1))[2]


def test_every_token_stays_on_its_line():
    script = "local a = {\n  x = 1,\n  [f()] = 'two',\n}\nlocal b = #a ..\n  'x' ..\n  f {\n 1 }\nreturn [[\n\n]], b"
    lines = translate(script).code.split("\n")
    assert len(lines) == script.count("\n") + 1
    for line, word in ((1, "x"), (2, "f"), (4, "b"), (5, '"x"'), (6, "f"), (8, "return")):
        assert word in lines[line]


def test_names_are_told_so_that_it_is_known_what_a_script_can_reach():
    names = translate("local x = require('kube') y.os = 1").names
    assert {"x", "require", "kube", "y", "os"} <= names


def test_the_names_of_helpers_are_none_of_the_script():
    code = translate("local _0_new = {} local _1_x = #_0_new").code
    assert "_2_new" in code
    assert "_2_length" in code
