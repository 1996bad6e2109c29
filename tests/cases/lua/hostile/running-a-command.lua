-- expect: R421 3
function InterpretHealth(observedObj)
  os.execute("touch /tmp/owned")
  return true
end
