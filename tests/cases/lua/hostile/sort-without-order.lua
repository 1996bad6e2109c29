-- expect: R422 R423 7-12
function InterpretHealth(observedObj)
  local list = {}
  for index = 1, 1000 do
    list[index] = index
  end
  while true do
    table.sort(list, function(one, other)
      for _ = 1, 100 do one = other end
      return true
    end)
  end
end
