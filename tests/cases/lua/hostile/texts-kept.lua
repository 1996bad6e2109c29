-- expect: R422 R423 8-11
function InterpretHealth(observedObj)
  local text = "0123456789"
  for _ = 1, 16 do
    text = text .. text
  end
  local kept, count = {}, 0
  while true do
    count = count + 1
    kept[count] = text .. count
  end
end
