-- expect: R421 5
function InterpretHealth(observedObj)
  local reason = {}
  reason.reason = reason
  error(reason)
end
