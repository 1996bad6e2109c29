-- expect: R422 3
local turns = 0
repeat turns = turns + 1 until false
function InterpretHealth(observedObj)
  return true
end
