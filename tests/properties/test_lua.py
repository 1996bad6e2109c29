"""Our Lua answers as GopherLua does: random programs, with the Lua that Karmada runs as witness."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.interpreter.custom.engine import LuaResult
from reconciler.lua.engine import LuaEngine
from tests import golua
from tests.searching import examples

LAW = settings(max_examples=examples(25), deadline=None)
PROGRAMS = 40
"""In one example: starting the witness costs more than its answers."""

NOW = datetime(2031, 1, 1, tzinfo=UTC)
RESULTS = 6


@pytest.fixture(scope="module")
def engine():
    # Answers are compared here, not how long a busy machine takes for one.
    with LuaEngine(seconds=60.0) as engine:
        yield engine


def literal(text):
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode()) + '"'


KEYS = st.sampled_from(['"a"', '"b"', '"c"', "1", "2", "3", "4", "5", "7", "1.5", "true", "-1", "0"])
STARTS = st.sampled_from(
    [
        "{}",
        "{1,2,3}",
        "{x=1,y=2}",
        "{1,nil,3}",
        '{"p",q=1,["a"]=2}',
        "{[2]=1,b=3}",
        "{b=nil,a=1,f()}",
        "{f(),[4]=9,f()}",
    ]
)
STEPS = st.one_of(
    st.builds("t[{}]={} ".format, KEYS, st.sampled_from(["nil", "1", "2", "3"])),
    st.builds("table.insert(t,{}) ".format, st.sampled_from(["8", "9", "nil"])),
    st.builds("table.insert(t,{},{}) ".format, st.integers(-1, 6), st.integers(10, 20)),
    st.sampled_from(
        [
            'u[#u+1]=table.remove(t) or "none" ',
            "u[#u+1]=#t ",
            "u[#u+1]=next(t) ",
            "for k,v in pairs(t) do u[#u+1]=tostring(k)..tostring(v) end ",
            "for i,v in ipairs(t) do u[#u+1]=i..tostring(v) end ",
            "u[#u+1]=select('#',unpack(t)) ",
            "for i=1,5 do if t[i]==nil then goto next end if i==4 then break end u[#u+1]=i ::next:: end ",
        ]
    ),
    st.builds('u[#u+1]=table.remove(t,{}) or "none" '.format, st.integers(0, 6)),
)
TABLES = st.builds(
    "local t={} local u={{}} {} return t,u,#t".format, STARTS, st.lists(STEPS, max_size=12).map("".join)
)

ITEMS = [
    "a",
    "b",
    "c",
    ".",
    "%a",
    "%d",
    "%s",
    "%w",
    "%A",
    "[abc]",
    "[^a]",
    "[a-c]",
    "[%d-]",
    "(a)",
    "(b*)",
    "()",
    "(.-)",
]
ITEMS += [
    "a*",
    "b+",
    ".-",
    "c?",
    "%b()",
    "%1",
    "$",
    "^",
    "%.",
    "-",
    "x",
    "%-",
    "[]]",
    "]",
    ")",
    "[",
    "%z",
    "%f",
]
PATTERNS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "", "^"]),
    st.lists(st.sampled_from(ITEMS), min_size=1, max_size=6).map("".join),
    st.sampled_from(["", "", "$"]),
)
SUBJECTS = st.text("abc1 .()-xA]", max_size=10)
SEARCHES = st.one_of(
    st.builds(lambda s, p: f"return string.find({literal(s)},{literal(p)})", SUBJECTS, PATTERNS),
    st.builds(
        lambda s, p, i: f"return string.match({literal(s)},{literal(p)},{i})",
        SUBJECTS,
        PATTERNS,
        st.sampled_from(["nil", "1", "2", "-2", "0"]),
    ),
    st.builds(
        lambda s, p: (
            f"local r={{}} for a,b in string.gmatch({literal(s)},{literal(p)}) do r[#r+1]=a r[#r+1]=b or '-' end return r"
        ),
        SUBJECTS,
        PATTERNS,
    ),
)

NUMBERS = st.one_of(
    st.integers(-(10**6), 10**16),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from([0.1, 1 / 3, 123456.5, 1234567.5, 1e-5, 1e21, 100000.0]),
)
# Stock Lua 5.1 has one constant for 0 and -0 (`custom.syntax.translate`), so a negative zero is not written.
NUMBERS = NUMBERS.filter(lambda number: str(number) != "-0.0").map(lambda number: f"({number!r})")
FLAGS = st.sampled_from(["", "", "-", "0", "+"])
WIDTHS = st.sampled_from(["", "", "5", "12"])
NUMBER_FORMATS = st.builds(
    lambda flags, width, precision, verb, number: (
        f'return string.format("%{flags}{width}{precision}{verb}", {number})'
    ),
    FLAGS,
    WIDTHS,
    st.sampled_from(["", ".2", ".10"]),
    st.sampled_from("dfgeGEi"),
    NUMBERS,
)
TEXT_FORMATS = st.builds(
    lambda flags, width, verb, text: f'return string.format("%{flags}{width}{verb}", {literal(text)})',
    st.sampled_from(["", "-"]),
    WIDTHS,
    st.sampled_from("svqx"),
    st.text('ab"\\\n\x01é\u20ac', max_size=6),
)
TEXTS = st.one_of(
    NUMBER_FORMATS,
    TEXT_FORMATS,
    st.builds("return tostring({0}), {0} .. '', {0} .. 1".format, NUMBERS),
    st.builds(
        lambda text: f"return tonumber({literal(text)}), tonumber({literal(text)}, 16)",
        st.text("0123456789.xeaf -+", max_size=6),
    ),
    st.builds(
        lambda text, first, last: (
            f"local s={literal(text)} return s:sub({first},{last}), s:byte({first}), #s, s:reverse()"
        ),
        st.text("abcdef", max_size=6),
        st.integers(-8, 8),
        st.integers(-8, 8),
    ),
)


@pytest.mark.parametrize("programs", [TABLES, SEARCHES, TEXTS], ids=["tables", "patterns", "texts"])
def test_we_answer_as_gopherlua_does(engine, programs):
    @LAW
    @given(st.lists(programs, min_size=PROGRAMS, max_size=PROGRAMS, unique=True))
    def law(bodies):
        scripts = [f"local function g() return 6, 7 end f = g function run() {body} end" for body in bodies]
        witness = golua.call([(script, "run", (), RESULTS) for script in scripts])
        for script, theirs in zip(scripts, witness, strict=True):
            ours = engine.call(script, "run", (), results=RESULTS, now=NOW)
            if not isinstance(ours, LuaResult):
                # Malformed patterns: GopherLua lets some of them pass that we refuse as stock Lua does.
                assert theirs.error or "malformed pattern" in ours.message, (script, theirs, ours)
            else:
                assert not theirs.error, (script, theirs, ours)
                assert plain(ours.values) == plain(theirs.values), script

    law()


def plain(value):
    """The same value with whole numbers as integers."""
    if isinstance(value, float) and value == int(value):
        return int(value)
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value
