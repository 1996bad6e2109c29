-- expect: R421 4
function InterpretHealth(observedObj)
  local kube = require("kube")
  return kube.accuratePodRequirements({ spec = { containers = print } }) ~= nil
end
