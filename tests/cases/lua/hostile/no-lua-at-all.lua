-- expect: R420 3
function InterpretHealth(observedObj)
  return observedObj ? true : false
end
