-- expect: R421 3
function InterpretHealth(observedObj)
  local text = ("x"):rep(2 ^ 40)
  return #text > 0
end
