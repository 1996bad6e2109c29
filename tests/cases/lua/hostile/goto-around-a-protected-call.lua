-- expect: R422 R423 3-5
function InterpretHealth(observedObj)
  ::again::
  pcall(error, "x")
  goto again
end
