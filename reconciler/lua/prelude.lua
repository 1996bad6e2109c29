-- What a script finds in its world: GopherLua's semantics on stock Lua 5.1, and nothing else.
--
-- Loaded once for each call into a fresh state, with the host's functions; returns what runs a script. The order of keys is kept in
-- each table's metatable, which scripts cannot see. Whatever may take long is counted: `used` grows with every instruction, and with
-- every byte that a library function works on. Natives are captured here before anything of the script runs.

local host = ...

local assert, error, getmetatable, ipairs, loadstring, native_next, native_pcall, native_xpcall =
  assert, error, getmetatable, ipairs, loadstring, next, pcall, xpcall
local rawget, rawset, select, setfenv, setmetatable, native_tostring, type, native_unpack =
  rawget, rawset, select, setfenv, setmetatable, tostring, type, unpack
local byte, char, gsub, lower, native_format, reverse, sub, upper =
  string.byte, string.char, string.gsub, string.lower, string.format, string.reverse, string.sub, string.upper
local native_find = string.find
local table_concat, maxn = table.concat, table.maxn
local collectgarbage, floor, huge = collectgarbage, math.floor, math.huge
local getinfo, sethook = debug.getinfo, debug.sethook
local native_math = math
local string_metatable = getmetatable("")

local SCRIPT = "=<string>" -- as in what GopherLua puts before the text of an error
local STEP = 1000 -- instructions between two looks at the meter
local TABLE_COST, KEY_COST, TEXT_COST = 40, 20, 20 -- what is made has to be collected too
local LINE_STEPS = 10 -- steps between two looks at the line
local STOPPED = "the script was stopped"
local LONGEST_STRING = 1000000 -- that a library function takes
local LONGEST_TEXT = 8000000 -- that is put together
local LARGEST_INDEX = 67108864 -- GopherLua keeps integer keys below this in a table's array
local GREATEST_INTEGER = 9223372036854775808 -- the first that has no 64 bits
local MOST_RESULTS = 5000 -- of one function, about as many as GopherLua's registers
local COLLECTED_AT = 200 -- percent of what the last collection left; until a script runs the worker has it higher
local DEEPEST_RESULT = 200
local LARGEST_RESULT = 8000000
local PRINTED_LINES, PRINTED_BYTES = 100, 1000

-- ---- limits

local used, budget, steps, stopped, last_line = 0, huge, 0, nil, 0
local reads_clock = false

local function script_line(level)
  while true do
    local info = getinfo(level, "Sl")
    if not info then
      return 0
    end
    if info.source == SCRIPT and info.currentline > 0 then
      return info.currentline
    end
    level = level + 1
  end
end

local meter

local function stop(kind)
  stopped = kind
  -- From here on every instruction fails, so that no pcall of the script goes on.
  sethook(meter, "", 1)
  error(STOPPED, 0)
end

meter = function()
  if stopped then
    error(STOPPED, 0)
  end
  used = used + STEP
  steps = steps + 1
  if steps % LINE_STEPS == 0 then
    local line = script_line(3)
    last_line = line > 0 and line or last_line
  end
  if used >= budget then
    stop("instructions")
  end
  if host.late() then
    stop("time")
  end
end

local function spend(amount)
  used = used + amount
  if used >= budget then
    stop("instructions")
  end
end

local function fail(message)
  error(message, 0)
end

-- What Python answers: whether it succeeded, then the values or the reason.
local function answered(ok, ...)
  if not ok then
    fail((...))
  end
  return ...
end

-- ---- tables that keep the order of their keys

local function is_index(key)
  return type(key) == "number" and key > 0 and key < LARGEST_INDEX and key % 1 == 0
end

-- Where each key stands among the keys that are no index; made when it is first asked for.
local function places_of(record)
  local places = record.places
  if not places then
    local keys = record.keys
    places = {}
    for place = 1, record.count or 0 do
      places[keys[place]] = place
    end
    record.keys, record.count, record.places = keys or {}, record.count or 0, places
  end
  return places
end

local function fresh_key(t, key, value)
  local record = getmetatable(t)
  if is_index(key) then
    if key > record.length then
      record.length = key
    end
  elseif value ~= nil then
    used = used + KEY_COST
    local places = places_of(record)
    if not places[key] then
      record.count = record.count + 1
      record.keys[record.count] = key
      places[key] = record.count
    end
  end
  rawset(t, key, value)
end

-- A nil at the end counts in the length that GopherLua keeps. `count`: how many values are written, or false where the last may be several.
local function list(t, count)
  used = used + TABLE_COST
  return setmetatable(t, { __newindex = fresh_key, length = count or maxn(t) })
end

local function new()
  used = used + TABLE_COST
  return setmetatable({}, { __newindex = fresh_key, length = 0 })
end

local function fields(t, length, ...)
  used = used + TABLE_COST
  local keys, places, count = {}, {}, 0
  for index = 1, select("#", ...) do
    local key = select(index, ...)
    if not places[key] and rawget(t, key) ~= nil then
      count = count + 1
      keys[count], places[key] = key, count
    end
  end
  return setmetatable(t, { __newindex = fresh_key, length = length or maxn(t), keys = keys, places = places, count = count })
end

local function with_pairs(t, count, first, ...)
  local values = { ... }
  for index = 1, 2 * count, 2 do
    t[values[index]] = values[index + 1]
  end
  if first then
    for index = 2 * count + 1, select("#", ...) do
      t[first + index - 2 * count - 1] = values[index]
    end
  end
  return t
end

local function pass(...)
  return ...
end

local function check_table(value, name)
  if type(value) ~= "table" then
    fail("bad argument #1 to " .. name .. " (table expected, got " .. type(value) .. ")")
  end
end

local function table_length(t)
  local record = getmetatable(t)
  if not record then
    return #t
  end
  local last = record.length
  while last > 0 and rawget(t, last) == nil do
    last = last - 1
  end
  return last
end

local function length(value)
  if type(value) == "string" then
    return #value
  elseif type(value) ~= "table" then
    fail("attempt to get the length of a " .. type(value) .. " value")
  end
  return table_length(value)
end

local function following(t, key)
  check_table(t, "next")
  local record = getmetatable(t)
  if not record then
    return native_next(t, key)
  end
  local place = 0
  if key == nil or is_index(key) then
    for index = (key or 0) + 1, record.length do
      local value = rawget(t, index)
      if value ~= nil then
        return index, value
      end
    end
  else
    place = places_of(record)[key] or 1
  end
  local keys = record.keys
  for index = place + 1, record.count or 0 do
    local value = rawget(t, keys[index])
    if value ~= nil then
      return keys[index], value
    end
  end
  return nil
end

-- ---- text

local identities, identity_count = setmetatable({}, { __mode = "k" }), 0

local function number_text(number)
  if number % 1 == 0 and number > -9.2e18 and number < 9.2e18 then
    return number == 0 and "0" or native_format("%.0f", number)
  end
  spend(100)
  return answered(host.number_text(number))
end

local function text_of(value)
  local kind = type(value)
  if kind == "string" then
    return value
  elseif kind == "number" then
    return number_text(value)
  elseif kind == "table" or kind == "function" or kind == "userdata" then
    if not identities[value] then
      identity_count = identity_count + 1
      identities[value] = identity_count
    end
    return native_format("%s: 0x%08x", kind, identities[value])
  end
  return native_tostring(value)
end

local function joinable(value)
  local kind = type(value)
  if kind == "number" then
    return number_text(value)
  elseif kind ~= "string" then
    fail("attempt to concatenate a " .. kind .. " value")
  end
  return value
end

local function join_parts(parts, separator, count, bytes)
  if bytes > LONGEST_TEXT then
    fail("a text of more than " .. LONGEST_TEXT .. " bytes")
  end
  spend(TEXT_COST + floor(bytes / 64))
  return table_concat(parts, separator, 1, count)
end

local function concat(...)
  local parts, count, bytes = { ... }, select("#", ...), 0
  for index = 1, count do
    local part = joinable(parts[index])
    parts[index] = part
    bytes = bytes + #part
  end
  return join_parts(parts, "", count, bytes)
end

local function checked_string(value, position, name)
  local kind = type(value)
  if kind == "number" then
    value = number_text(value)
  elseif kind ~= "string" then
    fail("bad argument #" .. position .. " to " .. name .. " (string expected, got " .. (kind == "nil" and "no value" or kind) .. ")")
  end
  if #value > LONGEST_STRING then
    fail("argument #" .. position .. " of " .. name .. " has more than " .. LONGEST_STRING .. " bytes")
  end
  spend(floor(#value / 64))
  return value
end

-- A text that is made anew costs more than one that is read.
local function rewritten(text)
  spend(floor(#text / 16))
  return text
end

local function to_number(value, base)
  if type(value) == "number" then
    return value
  elseif type(value) ~= "string" then
    return nil
  end
  spend(100 + floor(#value / 16))
  return (answered(host.parse_number(value, base)))
end

-- Text is no number here, and what does not fit into 64 bits is the least integer: Go's conversion.
local function checked_integer(value, position, name, default)
  if value == nil and default ~= nil then
    return default
  elseif type(value) ~= "number" then
    fail("bad argument #" .. position .. " to " .. name .. " (number expected, got " .. type(value) .. ")")
  elseif not (value > -GREATEST_INTEGER and value < GREATEST_INTEGER) then
    return -GREATEST_INTEGER
  end
  return value < 0 and -floor(-value) or floor(value)
end

-- ---- patterns: GopherLua's, by backtracking that is counted like any other instruction

local match_here

local CLASSES = {
  a = function(c) return c >= 65 and c <= 90 or c >= 97 and c <= 122 end,
  c = function(c) return c <= 31 or c == 127 end,
  d = function(c) return c >= 48 and c <= 57 end,
  l = function(c) return c >= 97 and c <= 122 end,
  p = function(c) return c >= 33 and c <= 47 or c >= 58 and c <= 64 or c >= 91 and c <= 96 or c >= 123 and c <= 126 end,
  s = function(c) return c == 32 or c >= 9 and c <= 13 end,
  u = function(c) return c >= 65 and c <= 90 end,
  w = function(c) return c >= 48 and c <= 57 or c >= 65 and c <= 90 or c >= 97 and c <= 122 end,
  x = function(c) return c >= 48 and c <= 57 or c >= 65 and c <= 70 or c >= 97 and c <= 102 end,
  z = function(c) return c == 0 end,
}

local function any_byte()
  return true
end

local function one_byte(wanted)
  return function(c)
    return c == wanted
  end
end

local function escaped_class(letter)
  if letter == "" then
    return one_byte(-1) -- the end of the pattern, which no byte is
  end
  local class = CLASSES[lower(letter)]
  if not class then
    return one_byte(byte(letter))
  elseif letter == lower(letter) then
    return class
  end
  return function(c)
    return not class(c)
  end
end

-- The set whose "[" is before `at`: its test, and what is behind its "]".
local function byte_set(pattern, at)
  local negated = sub(pattern, at, at) == "^"
  if negated then
    at = at + 1
  end
  local members, count, open_range = {}, 0, false
  while true do
    local letter = sub(pattern, at, at)
    if letter == "" then
      fail("malformed pattern (missing ']')")
    elseif letter == "]" and count > 0 then
      break
    elseif letter == "-" and count > 0 then
      open_range = true
      at = at + 1
    else
      local member
      if letter == "%" then
        member = { test = escaped_class(sub(pattern, at + 1, at + 1)) }
        at = at + 2
      else
        member = { byte = byte(letter), test = one_byte(byte(letter)) }
        at = at + 1
      end
      if open_range then
        local from, to = members[count].byte, member.byte
        members[count] = {
          test = function(c)
            return from ~= nil and to ~= nil and from <= c and c <= to
          end,
        }
        open_range = false
      else
        count = count + 1
        members[count] = member
      end
    end
  end
  if open_range then
    count = count + 1
    members[count] = { test = one_byte(45) }
  end
  return function(c)
    for index = 1, count do
      if members[index].test(c) then
        return not negated
      end
    end
    return negated
  end, at + 1
end

local function add(program, item)
  program[#program + 1] = item
  return item
end

local function compile(pattern)
  local program = { captures = 0 }
  local at, open_captures = 1, {}
  if sub(pattern, 1, 1) == "^" then
    program.at_head, at = true, 2
  end
  while at <= #pattern do
    local letter, second = sub(pattern, at, at), sub(pattern, at + 1, at + 1)
    if letter == "%" and second == "0" then
      fail("invalid capture index")
    elseif letter == "%" and native_find(second, "^[1-9]") then
      add(program, { kind = "back", number = byte(second) - 48 })
      at = at + 2
    elseif letter == "%" and second == "b" then
      local from, to = byte(pattern, at + 2, at + 3)
      add(program, { kind = "balance", from = from or -1, to = to or -1 })
      at = at + 4
    elseif letter == "%" then
      add(program, { kind = "single", test = escaped_class(second) })
      at = at + 2
    elseif letter == "." then
      add(program, { kind = "single", test = any_byte })
      at = at + 1
    elseif letter == "[" then
      local test, behind = byte_set(pattern, at + 1)
      add(program, { kind = "single", test = test })
      at = behind
    elseif letter == "(" then
      program.captures = program.captures + 1
      if second == ")" then
        add(program, { kind = "position", number = program.captures })
        at = at + 2
      else
        add(program, { kind = "open", number = program.captures })
        open_captures[#open_captures + 1] = program.captures
        at = at + 1
      end
    elseif letter == ")" then
      if #open_captures == 0 then
        fail("invalid pattern capture")
      end
      add(program, { kind = "close", number = open_captures[#open_captures] })
      open_captures[#open_captures] = nil
      at = at + 1
    elseif native_find(letter, "[%*%+%-%?]") and program[#program] and program[#program].kind == "single" then
      program[#program].kind = letter
      at = at + 1
    elseif letter == "$" and at == #pattern and #open_captures == 0 then
      program.at_tail = true
      at = at + 1
    else
      add(program, { kind = "single", test = one_byte(byte(letter)) })
      at = at + 1
    end
  end
  if #open_captures > 0 then
    fail("unfinished capture")
  end
  return program
end

local programs = {}

local function program_of(pattern)
  local program = programs[pattern]
  if not program then
    program = compile(pattern)
    programs[pattern] = program
  end
  return program
end

-- What one item decides by itself: the next position, or nil.
local function step_over(item, text, at, starts, ends)
  local kind = item.kind
  if kind == "single" then
    local c = byte(text, at)
    return c and item.test(c) and at + 1 or nil
  elseif kind == "balance" then
    if byte(text, at) ~= item.from then
      return nil
    end
    local depth = 1
    for index = at + 1, #text do
      local c = byte(text, index)
      if c == item.to then
        depth = depth - 1
        if depth == 0 then
          return index + 1
        end
      elseif c == item.from then
        depth = depth + 1
      end
    end
    return nil
  end
  local from, to = starts[item.number], ends[item.number]
  if not from or to == nil or (to == false and from > #text) then
    fail("invalid capture index")
  elseif to == false then
    return at -- what a position holds is no text
  end
  local captured = sub(text, from, to - 1)
  spend(floor(#captured / 64))
  return sub(text, at, at + #captured - 1) == captured and at + #captured or nil
end

-- Where a match of the program's items from `index` on ends that begins at `at`, or nil.
match_here = function(program, index, text, at, starts, ends)
  while true do
    local item = program[index]
    if not item then
      if program.at_tail and at <= #text then
        return nil
      end
      return at
    end
    local kind = item.kind
    if kind == "*" or kind == "+" or kind == "?" then
      local test, last = item.test, kind == "?" and 1 or huge
      local count = 0
      while count < last do
        local c = byte(text, at + count)
        if not c or not test(c) then
          break
        end
        count = count + 1
      end
      for taken = count, kind == "+" and 1 or 0, -1 do
        local found = match_here(program, index + 1, text, at + taken, starts, ends)
        if found then
          return found
        end
      end
      return nil
    elseif kind == "-" then
      while true do
        local found = match_here(program, index + 1, text, at, starts, ends)
        if found then
          return found
        end
        local c = byte(text, at)
        if not c or not item.test(c) then
          return nil
        end
        at = at + 1
      end
    elseif kind == "open" or kind == "close" or kind == "position" then
      local number = item.number
      local start, finish = starts[number], ends[number]
      if kind == "open" then
        starts[number] = at
      elseif kind == "close" then
        ends[number] = at
      else
        starts[number], ends[number] = at, false
      end
      local found = match_here(program, index + 1, text, at, starts, ends)
      if not found then
        starts[number], ends[number] = start, finish
      end
      return found
    else
      at = step_over(item, text, at, starts, ends)
      if not at then
        return nil
      end
      index = index + 1
    end
  end
end

-- The first match at or behind `init`: its first position, the one behind it, and its captures.
local function search(program, text, init)
  for at = init, #text + 1 do
    local starts, ends = {}, {}
    local behind = match_here(program, 1, text, at, starts, ends)
    if behind then
      local captures = {}
      for number = 1, program.captures do
        local start, finish = starts[number], ends[number]
        captures[number] = finish == false and start or sub(text, start, finish - 1)
      end
      return at, behind, captures
    end
    if program.at_head then
      return nil
    end
  end
  return nil
end

local function start_index(text, init)
  if init < 0 then
    init = #text + init + 1
  end
  return init < 1 and 1 or init
end

local function string_find(...)
  local text, pattern = checked_string((...), 1, "find"), checked_string(select(2, ...), 2, "find")
  if pattern == "" then
    return 1, 0
  end
  local init = start_index(text, checked_integer((select(3, ...)), 3, "find", 1))
  if select("#", ...) >= 4 and (select(4, ...)) then
    spend(floor(#text * #pattern / 1024)) -- the worst case: nearly equal at every place
    return native_find(text, pattern, init, true)
  end
  local program = program_of(pattern)
  local first, behind, captures = search(program, text, init)
  if not first then
    return nil
  end
  return first, behind - 1, native_unpack(captures, 1, program.captures)
end

local function string_match(text, pattern, init)
  text, pattern = checked_string(text, 1, "match"), checked_string(pattern, 2, "match")
  local program = program_of(pattern)
  local first, behind, captures = search(program, text, start_index(text, checked_integer(init, 3, "match", 1)))
  if not first then
    return
  elseif program.captures == 0 then
    return sub(text, first, behind - 1)
  end
  return native_unpack(captures, 1, program.captures)
end

local function string_gmatch(text, pattern)
  text, pattern = checked_string(text, 1, "gmatch"), checked_string(pattern, 2, "gmatch")
  local program, at = program_of(pattern), 1
  return function()
    if at > #text + 1 then
      return nil
    end
    local first, behind, captures = search(program, text, at)
    if not first or program.at_head then
      at = #text + 2
    else
      at = behind > first and behind or first + 1
    end
    if not first then
      return nil
    elseif program.captures == 0 then
      return sub(text, first, behind - 1)
    end
    return native_unpack(captures, 1, program.captures)
  end
end

-- ---- what scripts may call

local function unsupported(name)
  return function()
    fail(name .. " is not supported in a script")
  end
end

-- After a failure: what was stopped stays stopped, whatever catches it.
local function caught(ok, ...)
  if not ok then
    local message = ...
    if stopped then
      error(STOPPED, 0)
    elseif message == "not enough memory" then
      stop("memory")
    end
  end
  return ok, ...
end

-- `<string>:LINE: ` of the script's function that called, or of one further out. GopherLua takes levels 1 and 2 for the same.
local function position(level)
  local frame, outer = 3, level < 2 and 2 or level
  while true do
    local info = getinfo(frame, "Sl")
    if not info then
      return ""
    end
    if info.source == SCRIPT and info.currentline > 0 then
      outer = outer - 1
      if outer < 2 then
        return native_format("%s:%d: ", sub(SCRIPT, 2), info.currentline)
      end
    end
    frame = frame + 1
  end
end

-- Only text is told where it was raised.
local function raise(...)
  local value, level = ...
  if select("#", ...) == 0 then
    fail("bad argument #1 to error (value expected)")
  end
  level = checked_integer(level, 2, "error", 1)
  if type(value) == "string" and level > 0 then
    value = position(level) .. value
  end
  error(value, 0)
end

local function asserted(...)
  local value, message = ...
  if value then
    return ...
  elseif message ~= nil and type(message) ~= "string" then
    fail("bad argument #2 to assert (string expected, got " .. type(message) .. ")")
  end
  error(position(1) .. (message or "assertion failed!"), 0)
end

local printed, printed_count = {}, 0

local function string_library()
  local functions = {
    byte = function(...)
      local text, from, to = ...
      text = checked_string(text, 1, "byte")
      from, to = checked_integer(from, 2, "byte", 1), checked_integer(to, 3, "byte", -1)
      from = from < 1 and #text + from + 1 or from
      to = select("#", ...) == 2 and from or to < 0 and #text + to + 1 or to
      from, to = from < 1 and 1 or from, to > #text and #text or to
      if from > to then
        return -- Lua's own counts a negative end from the end
      elseif to - from >= MOST_RESULTS then
        fail("byte gives more than " .. MOST_RESULTS .. " values")
      end
      return byte(text, from, to)
    end,
    char = function(...)
      local codes = { ... }
      for index = 1, select("#", ...) do
        codes[index] = checked_integer(codes[index], index, "char") % 256
      end
      return char(native_unpack(codes, 1, select("#", ...)))
    end,
    find = string_find,
    format = function(pattern, ...)
      pattern = checked_string(pattern, 1, "format")
      spend(200)
      local values, count = { ... }, select("#", ...)
      for index = 1, count do
        local kind = type(values[index])
        if kind == "string" then
          checked_string(values[index], index + 1, "format")
        elseif kind ~= "number" and kind ~= "boolean" and kind ~= "nil" then
          values[index] = text_of(values[index])
        end
      end
      local text = answered(host.format(pattern, native_unpack(values, 1, count)))
      spend(floor(#text / 64))
      return text
    end,
    gmatch = string_gmatch,
    gfind = string_gmatch,
    gsub = unsupported("string.gsub"),
    rep = unsupported("string.rep"),
    dump = unsupported("string.dump"),
    len = function(text)
      if type(text) == "number" then
        text = number_text(text)
      elseif type(text) ~= "string" then
        checked_string(text, 1, "len")
      end
      return #text
    end,
    lower = function(text)
      text = rewritten(checked_string(text, 1, "lower"))
      return native_find(text, "[\128-\255]") and answered(host.lower(text)) or lower(text)
    end,
    match = string_match,
    reverse = function(text)
      return reverse(rewritten(checked_string(text, 1, "reverse")))
    end,
    sub = function(text, from, to)
      return sub(
        checked_string(text, 1, "sub"), checked_integer(from, 2, "sub"), checked_integer(to, 3, "sub", -1)
      )
    end,
    upper = function(text)
      text = rewritten(checked_string(text, 1, "upper"))
      return native_find(text, "[\128-\255]") and answered(host.upper(text)) or upper(text)
    end,
  }
  local library = new()
  for _, name in ipairs({ "byte", "char", "dump", "find", "format", "gmatch", "gfind", "gsub", "len", "lower", "match",
    "rep", "reverse", "sub", "upper" }) do
    library[name] = functions[name]
  end
  return library
end

-- Stable, so that what a script leaves undecided is the same everywhere.
local function sort(t, is_less)
  check_table(t, "sort")
  is_less = is_less or function(a, b)
    return a < b
  end
  local record = getmetatable(t)
  local count = record and record.length or #t
  local from, into, width = {}, {}, 1
  for index = 1, count do
    from[index] = rawget(t, index)
  end
  while width < count do
    for first = 1, count, 2 * width do
      local left, right, place = first, first + width, first
      local left_end = right <= count and right - 1 or count
      local right_end = right + width - 1 < count and right + width - 1 or count
      while left <= left_end or right <= right_end do
        if right > right_end or left <= left_end and not is_less(from[right], from[left]) then
          into[place], left = from[left], left + 1
        else
          into[place], right = from[right], right + 1
        end
        place = place + 1
      end
    end
    from, into, width = into, from, width * 2
  end
  for index = 1, count do
    rawset(t, index, from[index])
  end
end

local function insert(...)
  local t, at, value = ...
  check_table(t, "insert")
  local count = select("#", ...)
  if count < 2 then
    fail("wrong number of arguments to insert")
  elseif count == 2 then
    if at ~= nil then
      t[table_length(t) + 1] = at
    end
    return
  end
  at = checked_integer(at, 2, "insert")
  local record = getmetatable(t)
  local last = record and record.length or #t
  if at > last or at <= 0 then
    t[at] = value
    return
  end
  for index = last, at, -1 do
    rawset(t, index + 1, rawget(t, index))
  end
  rawset(t, at, value)
  if record then
    record.length = last + 1
  end
end

local function remove(...)
  local t, at = ...
  check_table(t, "remove")
  local record = getmetatable(t)
  local last = record and record.length or #t
  at = select("#", ...) > 1 and checked_integer(at, 2, "remove") or last
  if last == 0 or at > last then
    return nil
  elseif at <= 0 then
    at = last
  end
  local value = rawget(t, at)
  for index = at, last do
    rawset(t, index, rawget(t, index + 1))
  end
  if record then
    record.length = last - 1
  end
  return value
end

local function join(...)
  local t, separator, first, last = ...
  check_table(t, "concat")
  local count = table_length(t)
  if separator ~= nil and type(separator) ~= "string" then
    fail("bad argument #2 to concat (string expected, got " .. type(separator) .. ")")
  end
  separator = separator == nil and "" or checked_string(separator, 2, "concat")
  first, last = checked_integer(first, 3, "concat", 1), checked_integer(last, 4, "concat", count)
  if select("#", ...) == 3 and (first > count or first < 1) then
    return ""
  end
  first, last = first > count and count or first, last > count and count or last
  first = first < 1 and 1 or first
  local parts, bytes = {}, 0
  for index = first, last do
    local value = rawget(t, index)
    if type(value) ~= "string" and type(value) ~= "number" then
      fail("invalid value (" .. type(value) .. ") at index " .. index .. " in table for concat")
    end
    if first == last then
      return value -- a number stays one
    end
    local part = joinable(value)
    parts[#parts + 1] = part
    bytes = bytes + #part + #separator
  end
  return join_parts(parts, separator, #parts, bytes)
end

local function table_library()
  local library = new()
  library.getn = function(t)
    check_table(t, "getn")
    return table_length(t)
  end
  library.concat, library.insert, library.remove, library.sort = join, insert, remove, sort
  library.maxn = library.getn
  return library
end

local function math_library()
  local library, seed = new(), 1
  for _, name in ipairs({ "abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "deg", "exp", "floor", "fmod", "frexp",
    "ldexp", "log", "log10", "max", "min", "mod", "modf", "pi", "pow", "rad", "sin", "sinh", "sqrt", "tan", "tanh" }) do
    library[name] = native_math[name]
  end
  local native_fmod = native_math.fmod
  library.fmod = function(...)
    spend(50) -- it subtracts bit by bit
    return native_fmod(...)
  end
  library.mod = function(...)
    local rest, divisor = library.fmod(...), (select(2, ...))
    return rest ~= 0 and (rest < 0) ~= (divisor < 0) and rest + divisor or rest
  end
  library.huge = 1.7976931348623157e308 -- GopherLua's is no infinity
  -- The same in every state: a rule whose answer is left to chance is none.
  library.randomseed = function(value)
    seed = checked_integer(value, 1, "randomseed") % 2147483646 + 1
  end
  library.random = function(from, to)
    seed = seed * 16807 % 2147483647
    local part = seed / 2147483647
    if from == nil then
      return part
    end
    from = checked_integer(from, 1, "random")
    if to == nil then
      from, to = 1, from
    else
      to = checked_integer(to, 2, "random")
    end
    if from > to then
      fail("bad argument to random (interval is empty)")
    end
    return from + floor(part * (to - from + 1))
  end
  return library
end

local function clock_library()
  local library = new()
  local function field(t, name, default)
    local value = to_number(t[name], 0)
    return value and floor(value) or default
  end
  library.time = function(t)
    reads_clock = true
    if t == nil then
      return (answered(host.now()))
    end
    check_table(t, "time")
    return (answered(
      host.time(field(t, "year", -1), field(t, "month", -1), field(t, "day", -1), field(t, "hour", 12), field(t, "min", 0),
        field(t, "sec", 0))
    ))
  end
  library.date = function(pattern, moment)
    reads_clock = true
    pattern = pattern == nil and "%c" or checked_string(pattern, 1, "date")
    spend(20 * #pattern)
    moment = moment == nil and answered(host.now()) or checked_integer(moment, 2, "date")
    if sub(pattern, 1, 1) == "!" then
      pattern = sub(pattern, 2)
    end
    spend(500)
    if sub(pattern, 1, 2) ~= "*t" then
      return (answered(host.date(pattern, moment)))
    end
    local year, month, day, hour, minute, second, weekday = answered(host.calendar(moment))
    return with_pairs(new(), 9, false, "year", year, "month", month, "day", day, "hour", hour, "min", minute, "sec", second,
      "wday", weekday, "yday", 0, "isdst", false)
  end
  return library
end

-- ---- values from and to the host

local function build_list(...)
  return list({ ... })
end

-- Keys and values that are not there yet.
local function extend_object(t, ...)
  local record = getmetatable(t)
  local keys, count, pairs = record.keys, record.count, { ... }
  for index = 1, select("#", ...), 2 do
    count = count + 1
    keys[count] = pairs[index]
    rawset(t, pairs[index], pairs[index + 1])
  end
  record.count = count
  return t
end

local function build_object(...)
  return extend_object(setmetatable({}, { __newindex = fresh_key, length = 0, keys = {}, count = 0 }), ...)
end

local function extend_list(t, ...)
  local last = table_length(t)
  for index = 1, select("#", ...) do
    t[last + index] = (select(index, ...))
  end
  return t
end


local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\" }
for code = 0, 31 do
  ESCAPES[char(code)] = native_format("\\u%04x", code)
end

-- Of a table that Lua itself has made: the `arg` of a function with `...`.
local function record_of(t)
  local keys = {}
  for key in native_next, t do
    if not is_index(key) then
      keys[#keys + 1] = key
    end
  end
  return { length = maxn(t), keys = keys, count = #keys }
end

-- A value as JSON text (`custom.engine.LuaDump`).
local function dump(value)
  local parts, count, bytes, seen = {}, 0, 0, {}
  local function put(text)
    count = count + 1
    parts[count] = text
    bytes = bytes + #text
    if #text >= 16 then
      spend(floor(#text / 16))
    end
    if bytes > LARGEST_RESULT then
      fail("the result has more than " .. LARGEST_RESULT .. " bytes")
    end
  end
  local write
  local function write_pairs(item, record, depth)
    local opening, keys = "[[", record.keys
    for index = 1, record.length do
      local value = rawget(item, index)
      if value ~= nil then
        put(opening .. native_format("%d", index) .. ",")
        write(value, depth + 1)
        opening = "],["
      end
    end
    for place = 1, record.count or 0 do
      local key = keys[place]
      local value = rawget(item, key)
      if value ~= nil then
        put(opening)
        write(key, depth + 1)
        put(",")
        write(value, depth + 1)
        opening = "],["
      end
    end
    put(opening == "[[" and "[]" or "]]")
  end
  write = function(item, depth)
    local kind = type(item)
    if kind == "nil" then
      put("null")
    elseif kind == "boolean" then
      put(item and "true" or "false")
    elseif kind == "string" then
      put('"' .. gsub(item, '[%z\1-\31\\"]', ESCAPES) .. '"')
    elseif kind == "number" then
      if item ~= item then
        put('{"type":"nan"}')
      elseif item == huge or item == -huge then
        put('{"type":"inf"}')
      else
        put(native_format("%.17g", item))
      end
    elseif kind ~= "table" then
      put('{"type":"' .. kind .. '"}')
    elseif seen[item] then
      put('{"again":true}')
    elseif depth > DEEPEST_RESULT then
      fail("the result has more than " .. DEEPEST_RESULT .. " levels")
    else
      seen[item] = true
      write_pairs(item, getmetatable(item) or record_of(item), depth)
    end
  end
  write(value, 1)
  return table_concat(parts)
end

local function kube_library()
  local library = new()
  for _, name in ipairs({ "accuratePodRequirements", "getPodDependencies", "getResourceQuantity", "resourceAdd" }) do
    library[name] = function(...)
      spend(2000 + 100 * select("#", ...))
      local values = { ... }
      for index = 1, select("#", ...) do
        values[index] = dump(values[index])
        spend(#values[index])
      end
      return (answered(host.kube(name, native_unpack(values, 1, select("#", ...)))))
    end
  end
  return library
end

local function environment()
  local world = new()
  world._G, world._VERSION = world, "Lua 5.1"
  world.assert, world.error, world.ipairs, world.next, world.select, world.type =
    asserted, raise, ipairs, following, select, type
  world.pairs = function(t)
    check_table(t, "pairs")
    return following, t, nil
  end
  world.pcall = function(...)
    return caught(native_pcall(...))
  end
  world.xpcall = function(called, handler)
    return caught(native_xpcall(called, function(message)
      if stopped or message == "not enough memory" then
        return message
      end
      return handler(message)
    end))
  end
  world.print = function(...)
    if printed_count < PRINTED_LINES then
      local values = { ... }
      for index = 1, select("#", ...) do
        values[index] = text_of(values[index])
      end
      printed_count = printed_count + 1
      printed[printed_count] = sub(table_concat(values, "\t", 1, select("#", ...)), 1, PRINTED_BYTES)
    end
  end
  world.tonumber = function(value, base)
    return to_number(value, checked_integer(base, 2, "tonumber", 0))
  end
  world.tostring = text_of
  world.unpack = function(t, from, to)
    check_table(t, "unpack")
    from, to = checked_integer(from, 2, "unpack", 1), checked_integer(to, 3, "unpack", table_length(t))
    if from > to then
      return
    elseif to - from >= MOST_RESULTS or to >= LARGEST_INDEX or from <= -LARGEST_INDEX then
      fail("unpack gives more than " .. MOST_RESULTS .. " values")
    end
    spend(floor((to - from) / 4))
    return native_unpack(t, from, to)
  end
  for _, name in ipairs({ "collectgarbage", "dofile", "getfenv", "getmetatable", "load", "loadfile", "loadstring", "module",
    "newproxy", "rawequal", "rawget", "rawset", "setfenv", "setmetatable" }) do
    world[name] = unsupported(name)
  end
  world.string, world.table, world.math, world.os = string_library(), table_library(), math_library(), clock_library()
  local package = new()
  package.loaded, package.preload, package.path, package.cpath = new(), new(), "", ""
  package.loadlib, package.seeall = unsupported("package.loadlib"), unsupported("package.seeall")
  -- Not os: a script that does not name it cannot read the clock.
  for _, name in ipairs({ "math", "package", "string", "table" }) do
    package.loaded[name] = name == "package" and package or world[name]
  end
  package.preload.kube = kube_library
  world.package = package
  world.require = function(name)
    name = checked_string(name, 1, "require")
    local loaded, preload = package.loaded[name], package.preload[name]
    if loaded == nil and type(preload) == "function" then
      loaded = preload(name)
      package.loaded[name] = loaded == nil and true or loaded
      loaded = package.loaded[name]
    end
    if loaded == nil then
      fail("there is no module '" .. name .. "' for a script")
    end
    return loaded
  end
  string_metatable.__index = world.string
  return world
end

-- ---- one call

local function described(message)
  if type(message) == "string" then
    return (gsub(message, "^[%w<>?]+:%-?%d+: ", "")) -- this file's own functions have no lines
  end
  return "an error that is a " .. type(message)
end

local function json_string(text)
  return '"' .. gsub(sub(text, 1, PRINTED_BYTES), '[%z\1-\31\\"]', ESCAPES) .. '"'
end

local function failure(kind, message, line)
  return '{"kind":"' .. kind .. '","message":' .. json_string(message) .. ',"line":' .. line .. ',"reads_clock":'
    .. native_tostring(reads_clock) .. "}"
end

local api = { build_list = build_list, build_object = build_object, extend_list = extend_list, extend_object = extend_object }

-- Run the translated `code`, then its function `name` with the arguments; the first `results` values as JSON text.
function api.run(code, name, results, instructions, ...)
  local chunk, message = loadstring(code, SCRIPT)
  if not chunk then
    return failure("syntax", described(message), (gsub(message, "^[%w<>]+:(%d+):.*$", "%1")))
  end
  local world = environment()
  local main = setfenv(chunk(new, list, fields, with_pairs, length, concat, pass), world)
  local arguments, argument_count = { ... }, select("#", ...)
  local failed_line = 0
  local function handler(problem)
    sethook()
    failed_line = script_line(3)
    return problem
  end
  local function body()
    main()
    local called = rawget(world, name)
    if type(called) ~= "function" then
      fail("the script does not define the function " .. name)
    end
    local defined_at = getinfo(called, "S").linedefined
    last_line = defined_at
    local returned = { called(native_unpack(arguments, 1, argument_count)) }
    last_line = defined_at
    local parts = {}
    for index = 1, results do
      parts[index] = dump(returned[index])
    end
    return table_concat(parts, ",")
  end
  budget = instructions
  collectgarbage("setpause", COLLECTED_AT)
  sethook(meter, "", STEP)
  local ok, result = native_xpcall(body, handler)
  sethook()
  if not ok then
    local kind = stopped or (result == "not enough memory" and "memory") or "error"
    return failure(kind, described(result), failed_line > 0 and failed_line or last_line)
  end
  local lines = {}
  for index = 1, printed_count do
    lines[index] = json_string(printed[index])
  end
  return '{"values":[' .. result .. '],"reads_clock":' .. native_tostring(reads_clock) .. ',"printed":['
    .. table_concat(lines, ",") .. "]}"
end

-- The last line that was seen, for when there is no memory left to say more.
function api.last_line()
  return last_line
end

return api
