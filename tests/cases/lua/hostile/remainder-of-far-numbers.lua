-- expect: R422 R423 3-5
function InterpretHealth(observedObj)
  while true do
    math.fmod(1e300, 1e-300)
  end
end
