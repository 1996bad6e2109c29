-- expect: R422 R423 7-9
function InterpretHealth(observedObj)
  local list = {}
  for index = 1, 1000 do
    list[index] = "one thousand pieces of text"
  end
  while true do
    list[1] = #table.concat(list, ",") .. ""
  end
end
