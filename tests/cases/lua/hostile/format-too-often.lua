-- expect: R421 7
function InterpretHealth(observedObj)
  local pattern = "%100000d"
  for _ = 1, 6 do
    pattern = pattern .. pattern
  end
  local text = string.format(pattern, unpack({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 }))
  return text ~= nil
end
