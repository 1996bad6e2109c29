-- expect: R421 3
function InterpretHealth(observedObj)
  return os.getenv("HOME") ~= nil
end
