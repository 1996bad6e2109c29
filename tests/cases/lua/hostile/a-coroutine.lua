-- expect: R421 3
function InterpretHealth(observedObj)
  local endless = coroutine.wrap(function() while true do end end)
  return endless()
end
