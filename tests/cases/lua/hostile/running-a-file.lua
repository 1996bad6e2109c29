-- expect: R421 3
function InterpretHealth(observedObj)
  dofile("/etc/profile")
  return true
end
