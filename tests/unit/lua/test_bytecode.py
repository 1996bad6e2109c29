"""Compiled Lua without its names and lines, run by Lua itself."""

import lupa.lua51

from reconciler.lua.bytecode import stripped

TEXT = b"""
local outer = 2.5
local function add(...)
  local sum, names = outer, { true, false, nil, "a\\0b" }
  for _, each in ipairs({ ... }) do
    sum = sum + each
  end
  return sum, names[4]
end
return add(...)
"""


def test_what_is_left_runs_alike_and_names_nothing():
    lua = lupa.lua51.LuaRuntime(encoding=None, unpack_returned_tuples=True)
    code = lua.eval(b"function(text) return string.dump(loadstring(text, '=chunk')) end")(TEXT)
    short = stripped(code)
    assert b"names" in code
    assert b"chunk" in code
    assert b"names" not in short
    assert b"chunk" not in short
    load = lua.eval(b"loadstring")
    assert load(short)(1, 2) == load(code)(1, 2) == (5.5, b"a\0b")
    assert stripped(short) == short


def test_another_layout_is_left_as_it_is():
    assert stripped(b"\x1bLuaR and whatever") == b"\x1bLuaR and whatever"
