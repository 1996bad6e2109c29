-- expect: R422 R423 3-9
function InterpretHealth(observedObj)
  local kube, containers = require("kube"), {}
  for index = 1, 100000 do
    containers[index] = { envFrom = { { configMapRef = { name = "c" .. index } } } }
  end
  return kube.getPodDependencies({ spec = { containers = containers } }, "shop") ~= nil
end
