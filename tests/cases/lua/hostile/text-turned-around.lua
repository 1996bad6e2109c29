-- expect: R422 R423 3-9
function InterpretHealth(observedObj)
  local text = "x"
  for _ = 1, 19 do
    text = text .. text
  end
  while true do
    text:reverse():lower():upper()
  end
end
