-- expect: R421 3
function InterpretHealth(observedObj)
  local record = getmetatable({})
  record.__newindex = nil
  return true
end
