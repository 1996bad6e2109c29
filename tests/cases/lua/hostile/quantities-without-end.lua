-- expect: R422 R423 4-9
function InterpretHealth(observedObj)
  local kube, amounts = require("kube"), {}
  for index = 1, 5000 do
    amounts[index] = "1m"
  end
  while true do
    kube.resourceAdd(unpack(amounts))
  end
end
