-- expect: R421 4
function InterpretHealth(observedObj)
  local kube = require("kube")
  return kube.resourceAdd("1e999999999", "1") ~= nil
end
