-- expect: R422 R423 8
function InterpretHealth(observedObj)
  local text = "0123456789"
  for _ = 1, 19 do
    text = text .. text
  end
  local one, other, turns = text .. "a", text .. "b", 0
  while one < other do turns = turns + 1 end
  return true
end
