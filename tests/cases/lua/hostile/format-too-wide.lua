-- expect: R421 3
function InterpretHealth(observedObj)
  local text = string.format("%999999999d", 1)
  return text ~= nil
end
