"""The engine on a real process: values in and out, limits, and what happens when the process is lost."""

import json
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.interpreter.custom.engine import FailureKind, LuaFailure, LuaResult
from reconciler.lua.engine import LuaEngine
from reconciler.lua.worker import SCRIPTS

NOW = datetime(2031, 1, 1, tzinfo=UTC)


PATIENCE = 60.0
"""Seconds for a call that must come to its own end: how long a busy machine takes for it is not what is asked here."""


@pytest.fixture(scope="module")
def engine():
    with LuaEngine(seconds=PATIENCE) as engine:
        yield engine


def run(engine, script, *arguments, results=1):
    return engine.call(script, "f", arguments, results=results, now=NOW)


def values(engine, script, *arguments, results=1):
    result = run(engine, script, *arguments, results=results)
    assert isinstance(result, LuaResult), result
    return list(result.values)


def until(is_so):
    """Wait, for a minute at most, until something is so."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def failure(engine, script, *arguments):
    result = run(engine, script, *arguments)
    assert isinstance(result, LuaFailure), result
    return result


def test_arguments_arrive_as_tables_and_null_vanishes(engine):
    given = {"b": [1, None, 2.5], "a": {"x": None, "y": True}, "e": [], "o": {}}
    assert values(engine, "function f(a) return a end", given) == [
        [["a", [["y", True]]], ["b", [[1, 1], [2, 2.5]]], ["e", []], ["o", []]]
    ]


def test_as_many_results_come_back_as_were_asked_for(engine):
    script = "function f() return 1, nil, 'x', 4 end"
    assert values(engine, script, results=3) == [1, None, "x"]
    assert values(engine, "function f() end", results=2) == [None, None]


def test_long_lists_and_wide_objects_arrive_whole(engine):
    script = "function f(l, o) local n = 0 for _ in pairs(o) do n = n + 1 end return #l, l[#l], n end"
    assert values(engine, script, list(range(1000)), {f"k{i}": i for i in range(777)}, results=3) == [
        1000,
        999,
        777,
    ]


def test_text_is_bytes_and_comes_back_as_unicode(engine):
    script = "function f(a) return a, #a, a:sub(1, 1) end"
    assert values(engine, script, 'é\x00\n"\\', results=3) == ['é\x00\n"\\', 6, "\ufffd"]


def test_keys_are_in_the_order_in_which_they_came(engine):
    script = """
    function f()
      local t = {z = 1, "first", y = nil, [10] = 10}
      t.y = 2 t.x = 3 t.z = nil t.z = 4 t[2] = "second"
      local keys = {}
      for key in pairs(t) do keys[#keys + 1] = key end
      return keys
    end
    """
    assert values(engine, script) == [[[1, 1], [2, 2], [3, 10], [4, "z"], [5, "y"], [6, "x"]]]


def test_keys_of_arguments_are_sorted_so_that_equal_objects_give_equal_answers(engine):
    script = "function f(a) local keys = {} for key in pairs(a) do keys[#keys + 1] = key end return table.concat(keys) end"
    assert values(engine, script, {"b": 1, "a": 2, "c": 3}) == ["abc"]


def test_jumps(engine):
    script = """
    function f()
      local found = {}
      for i = 1, 4 do
        for j = 1, 4 do
          if j == i then goto next end
          if j == 4 then goto done end
          if i == 3 then break end
          found[#found + 1] = i * 10 + j
        end
        found[#found + 1] = "after" .. i
        ::next::
      end
      ::done::
      return table.concat(found, " ")
    end
    """
    assert values(engine, script) == ["21 after3 41 42 43"]


def test_nothing_of_one_call_is_left_for_the_next(engine):
    script = "count = (count or 0) + 1 string.extra = (string.extra or 0) + 1 function f() return count, string.extra end"
    for _ in range(3):
        assert values(engine, script, results=2) == [1, 1]


def test_more_scripts_than_the_process_holds_are_all_answered(engine):
    scripts = [f"function f() return {number} end" for number in range(SCRIPTS + 20)]
    for _ in range(2):
        assert [values(engine, script)[0] for script in scripts[:30]] == list(range(30))
        assert [values(engine, script)[0] for script in scripts] == list(range(len(scripts)))


def test_the_kube_library_is_there(engine):
    script = 'local kube = require("kube") function f() return kube.resourceAdd("1", "500m"), kube.resourceAdd() end'
    assert values(engine, script, results=2) == ["1500m", "0"]


def test_an_error_of_the_kube_library_can_be_caught_as_text(engine):
    script = 'local kube = require("kube") function f() local ok, why = pcall(kube.resourceAdd, "much") return ok, type(why) end'
    assert values(engine, script, results=2) == [False, "string"]


def test_the_clock_is_told_and_its_use_is_reported(engine):
    result = run(engine, "function f() return os.time() end")
    assert result == LuaResult(values=(int(NOW.timestamp()),), reads_clock=True)
    assert not run(engine, "function f() return 1 end").reads_clock


def test_chance_is_the_same_everywhere(engine):
    script = "function f() return math.random(), math.random(6), math.random(3, 4) end"
    first = values(engine, script, results=3)
    assert values(engine, script, results=3) == first
    with LuaEngine(seconds=PATIENCE) as other:
        assert values(other, script, results=3) == first
    assert 0 <= first[0] < 1
    assert 1 <= first[1] <= 6
    assert first[2] in (3, 4)


def test_addresses_are_the_same_everywhere(engine):
    assert values(engine, "function f() return tostring({}), tostring(f) end", results=2) == [
        "table: 0x00000001",
        "function: 0x00000002",
    ]


def test_what_is_printed_comes_back_bounded(engine):
    result = run(engine, "function f() for i = 1, 1000 do print('line', i, nil) end return 1 end")
    assert result.printed[:2] == ("line\t1\tnil", "line\t2\tnil")
    assert len(result.printed) == 100


# ---- failures


def test_errors_name_the_line_of_the_script(engine):
    assert failure(engine, "function f(a)\n\n  return a.b.c\nend", {}).line == 3
    assert failure(engine, "local x = 1\nerror('at load')\nfunction f() end").line == 2
    assert failure(engine, "function f()\n  return table.concat({{}})\nend").line == 2
    assert failure(engine, "function f()\n  return {} .. 'x'\nend").line == 2


def test_the_line_of_a_call_that_is_returned_is_known(engine):
    assert failure(engine, "function f()\n  return string.rep('x', 3)\nend").line == 2
    script = "function g(...) return ... end\nfunction f(n) if n == 0 then return g(1, nil, 3) end return f(n - 1) end"
    assert values(engine, script, 10_000, results=3) == [1, None, 3]


def test_text_that_is_not_lua_never_reaches_the_process():
    with LuaEngine() as idle:
        assert failure(idle, "function f(\n = end").kind is FailureKind.SYNTAX
        assert idle.process_id is None


def test_what_lua_itself_cannot_take_is_a_syntax_failure(engine):
    script = "function f() " + " ".join(f"local a{i} = {i}" for i in range(250)) + " end"
    result = failure(engine, script)
    assert result.kind is FailureKind.SYNTAX
    assert "local variables" in result.message


def test_the_budget_decides_and_decides_alike():
    script = "function f(n)\n  local s = 0\n  for i = 1, n do s = s + i end\n  return s\nend"
    with LuaEngine(instructions=100_000, seconds=PATIENCE) as engine:
        assert values(engine, script, 1000) == [500500]
        results = {failure(engine, script, 10_000_000) for _ in range(3)}
    assert {(each.kind, each.line) for each in results} == {(FailureKind.INSTRUCTIONS, 3)}


@pytest.mark.parametrize(
    "body",
    [
        "while true do pcall(function() while true do end end) end",
        "pcall(pcall, function() while true do end end) return 1",
        "local ok = xpcall(function() while true do end end, function(m) return m end) return ok",
        "for _ in pairs({1}) do for word in (('x '):upper() .. 'y'):gmatch('%a') do while true do end end end",
        "local s = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' return s:find('a*a*a*a*a*a*a*b')",
        "while true do kube.resourceAdd('1') end",
        "local t = {} while true do t = {t} end",
        "local s = 'x' while true do s = (s .. s):sub(1, 1000) end",
    ],
)
def test_the_budget_ends_everything(body):
    with LuaEngine(instructions=200_000, seconds=PATIENCE) as engine:
        result = failure(engine, f'local kube = require("kube") function f() {body} end')
        assert result.kind is FailureKind.INSTRUCTIONS, result
        assert values(engine, "function f() return 1 end") == [1]


def test_memory_ends_in_its_own_failure_and_a_fresh_process(engine):
    grow = "function f()\n  local s = 'x'\n  for _ = 1, 22 do s = s .. s end\n  local t = {}\n  while true do t[#t + 1] = s .. #t end\nend"
    assert values(engine, "function f() return 1 end") == [1]
    before = engine.process_id
    assert failure(engine, grow).kind is FailureKind.MEMORY
    assert values(engine, "function f() return 1 end") == [1]
    assert engine.process_id != before


def test_an_object_that_would_not_fit_is_refused_before_it_is_built(engine):
    result = failure(engine, "function f(a) return #a end", [{"a": 1}] * 100_000)
    assert result.kind is FailureKind.MEMORY
    assert "too large" in result.message


def test_a_process_that_does_not_answer_is_killed_and_replaced():
    with LuaEngine(seconds=1.0, grace=0.5) as engine:
        assert values(engine, "function f() return 1 end") == [1]
        stopped = engine.process_id
        os.kill(stopped, signal.SIGSTOP)
        result = failure(engine, "function f() return 2 end")
        assert result.kind is FailureKind.TIME
        assert not Path(f"/proc/{stopped}").exists()
        assert values(engine, "function f() return 3 end") == [3]
        # The script that was lost is not tried again at once: it may be the reason.
        assert failure(engine, "function f() return 2 end").kind is FailureKind.TIME


def test_a_process_that_dies_between_calls_is_replaced_without_a_word(engine):
    assert values(engine, "function f() return 1 end") == [1]
    os.kill(engine.process_id, signal.SIGKILL)
    status = Path(f"/proc/{engine.process_id}/status")
    until(lambda: "State:\tZ" in status.read_text())
    assert values(engine, "function f() return 4 end") == [4]


def test_the_process_ends_with_its_owner():
    engine = LuaEngine(seconds=PATIENCE)
    assert values(engine, "function f() return 1 end") == [1]
    pid = engine.process_id
    del engine
    assert not Path(f"/proc/{pid}").exists()


def test_the_process_can_open_nothing_and_knows_nothing():
    with LuaEngine(seconds=PATIENCE) as engine:
        os.environ["RECONCILER_SECRET_OF_A_TEST"] = "s3cret"
        try:
            values(engine, "function f() return 1 end")
            process = Path(f"/proc/{engine.process_id}")
            assert b"s3cret" not in (process / "environ").read_bytes()
            limits = (process / "limits").read_text()
            assert "Max open files            0                    0" in limits
            assert len(list((process / "fd").iterdir())) == 3
        finally:
            del os.environ["RECONCILER_SECRET_OF_A_TEST"]


def test_python_in_the_process_can_open_nothing_either():
    # The same locks, tried from the inside by Python itself.
    import subprocess

    code = """
import json, socket, sys
from reconciler.lua import worker
worker._give_up_everything()
found = {}
for name, attempt in {
    "open": lambda: open("/etc/passwd"),
    "socket": lambda: socket.socket(),
    "import": lambda: __import__("csv"),
    "exec": lambda: exec("1"),
    "fork": lambda: __import__("os").fork(),
}.items():
    try:
        attempt()
        found[name] = "done"
    except (OSError, ImportError) as error:
        found[name] = type(error).__name__
print(json.dumps(found))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) == {"open", "socket", "import", "exec", "fork"}
    assert "done" not in json.loads(done.stdout).values()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("local t = {1, 2, nil} return table.remove(t), #t", [None, 2]),
        ("local t = {1, nil, x = 2} return table.remove(t), t.x", [None, 2]),
        ("return pcall(table.concat, {1}, 1)", [False, None]),
        ("return pcall(string.sub, 'abc', '2')", [False, None]),
        ("return string.byte('abc', -1), string.byte('abc', 0)", [99, None]),
        ("return string.byte('abc', 0.5, 1)", [None, None]),
        ("return string.byte('c', -3), string.byte('c', 2)", [None, None]),
        ("return string.byte('ab', -4), string.byte('ab', -2, -4)", [None, None]),
        ("return string.byte('abc', -4, 1)", [97, None]),
        ("return table.concat({5}, ','), table.concat({5, 6}, ',')", [5, "5,6"]),
        ("return unpack({1}, 2^31)", [None, None]),
        ("return pcall(unpack, {1}, 1, 2^31)", [False, None]),
        ("return math.mod(36, -2^31), math.mod(5, 3)", [36 - 2**31, 2]),
        ("return string.find('a%', '%'), string.find('abc', '%bx')", [None, None]),
        ("return pcall(table.sort, {2, 1, nil})", [False, None]),
        (
            "return os.time({year = -1, month = 13, day = 1}) == os.time({year = 0, month = 1, day = 1}), nil",
            [True, None],
        ),
    ],
)
def test_what_gopher_lua_has_otherwise_than_lua(engine, body, found):
    script = f"function f() local a, b = (function() {body} end)() return a, a ~= false and b or nil end"
    assert values(engine, script, results=2) == found


def test_text_that_is_raised_names_its_line_and_other_values_stay_what_they_are(engine):
    script = """function f()
      local ok, text = pcall(function()
        error("no")
      end)
      local _, number = pcall(error, 5)
      local _, bare = pcall(error, "no", 0)
      local _, asserted = pcall(function() assert(false, "so") end)
      local _, message = xpcall(function() error({code = 7}) end, function(e) return e.code end)
      return text, number, bare, asserted, message
    end"""
    assert values(engine, script, results=5) == ["<string>:3: no", 5, "no", "<string>:7: so", 7]
    assert failure(engine, "function f()\n error('no', 0) end").message == "no"
    assert failure(engine, "function f()\n error('no') end").message == "no"


def test_numbers_and_text_that_json_holds_and_orjson_does_not(engine):
    assert values(engine, "function f(a) return a.n, #a.t end", {"n": 10**30, "t": "\ud800"}, results=2) == [
        1e30,
        3,
    ]
    deep = {}
    for _ in range(300):
        deep = {"a": deep}
    assert values(engine, "function f(a) return a.a ~= nil end", deep) == [True]
