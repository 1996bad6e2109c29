-- expect: R421 3
function InterpretHealth(observedObj)
  local chunk = loadstring("\27Lua\81\0\1\4\8\4\8\0")
  return chunk ~= nil
end
