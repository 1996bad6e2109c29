-- expect: R421 3
function InterpretHealth(observedObj)
  local chunk = load(function() return "return os.execute" end)
  return chunk ~= nil
end
