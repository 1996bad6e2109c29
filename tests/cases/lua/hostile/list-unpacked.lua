-- expect: R421 3
function InterpretHealth(observedObj)
  local count = select("#", unpack({}, 1, 100000000))
  return count > 0
end
