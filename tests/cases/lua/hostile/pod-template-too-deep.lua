-- expect: R421 R422 R423 3-7
function InterpretHealth(observedObj)
  local kube, template = require("kube"), {}
  for _ = 1, 1e5 do
    template = { spec = template }
  end
  return kube.accuratePodRequirements(template) ~= nil
end
