-- expect: R422 R423 3-10
function InterpretHealth(observedObj)
  local text = "a"
  for _ = 1, 18 do
    text = text .. text
  end
  local wanted = text:sub(1, 100000) .. "b"
  while true do
    text:find(wanted, 1, true)
  end
end
