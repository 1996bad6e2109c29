-- expect: R422 R423 3-9
function InterpretHealth(observedObj)
  local pattern = "%c"
  for _ = 1, 18 do
    pattern = pattern .. pattern
  end
  while true do
    os.date(pattern)
  end
end
