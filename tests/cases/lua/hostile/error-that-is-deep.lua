-- expect: R421 R422 R423 3-7
function InterpretHealth(observedObj)
  local t = {}
  for _ = 1, 1e5 do
    t = { t }
  end
  error(t)
end
