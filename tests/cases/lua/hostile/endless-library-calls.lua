-- expect: R422 R423 4-6
local kube = require("kube")
function InterpretHealth(observedObj)
  while true do
    kube.resourceAdd("100m", "2", "1Gi")
  end
end
