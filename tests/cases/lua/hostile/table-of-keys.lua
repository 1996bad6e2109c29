-- expect: R422 R423 4-7
function InterpretHealth(observedObj)
  local keys, count = {}, 0
  while true do
    count = count + 1
    keys["key" .. count] = { count }
  end
end
