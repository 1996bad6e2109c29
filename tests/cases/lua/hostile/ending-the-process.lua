-- expect: R421 3
function InterpretHealth(observedObj)
  os.exit(0)
  return true
end
