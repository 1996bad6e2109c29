-- expect: R421 3
function InterpretHealth(observedObj)
  debug.sethook()
  while true do end
end
