-- expect: R421 3
function InterpretHealth(observedObj)
  local outside = getfenv(0)
  outside.os.execute("true")
  return true
end
