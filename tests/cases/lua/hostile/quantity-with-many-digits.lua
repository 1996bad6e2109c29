-- expect: R421 R422 R423 4-8
function InterpretHealth(observedObj)
  local kube, digits = require("kube"), "9"
  for _ = 1, 19 do
    digits = digits .. digits
  end
  return kube.getResourceQuantity(digits) > 0
end
