-- expect: R421 3
function InterpretHealth(observedObj)
  local text = string.rep("x", 1000000000)
  return #text > 0
end
