-- expect: R421 4
function InterpretHealth(observedObj)
  local t = {}
  t[0 / 0] = 1
  return true
end
