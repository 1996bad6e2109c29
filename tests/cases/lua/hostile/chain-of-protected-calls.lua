-- expect: R421 R422 R423 4-6
function InterpretHealth(observedObj)
  local f = error
  for _ = 1, 1e6 do
    local g = f
    f = function() return pcall(g) end
  end
  return f()
end
