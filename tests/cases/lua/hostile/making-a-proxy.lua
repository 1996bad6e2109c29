-- expect: R421 3
function InterpretHealth(observedObj)
  local proxy = newproxy(true)
  return proxy ~= nil
end
