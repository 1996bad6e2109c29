-- expect: R421 5
function InterpretHealth(observedObj)
  local text = "0123456789"
  while true do
    text = text .. text
  end
end
