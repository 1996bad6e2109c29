-- expect: R421 5
function InterpretHealth(observedObj)
  local kube, template = require("kube"), {}
  template.spec = template
  return kube.accuratePodRequirements(template) ~= nil
end
