-- expect: R421 4
local kube = require("kube")
function InterpretHealth(observedObj)
  local globals = kube.resourceAdd.__globals__
  return globals ~= nil
end
