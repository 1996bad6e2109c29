-- expect: R422 R423 3-7
function InterpretHealth(observedObj)
  local f = function() end
  for _ = 1, 1e7 do
    local g = f
    f = function() return g end
  end
  return f
end
