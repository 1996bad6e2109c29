-- expect: R422 R423 4
function InterpretHealth(observedObj)
  local grown = {}
  while true do grown = { grown, { grown } } end
end
