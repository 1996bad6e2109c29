-- expect: R421 2-4
local function again(turns)
  return again(turns + 1)
end
function InterpretHealth(observedObj)
  return again(1)
end
