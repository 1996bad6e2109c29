-- expect: R422 R423 3-9
function InterpretHealth(observedObj)
  local digits = "1"
  for _ = 1, 19 do
    digits = digits .. digits
  end
  while true do
    tonumber(digits)
  end
end
