-- expect: R422 4
function InterpretHealth(observedObj)
  local turns = 0
  while true do turns = turns + 1 end
  return true
end
