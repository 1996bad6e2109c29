-- expect: R421 8
local kube = require("kube")
function InterpretHealth(observedObj)
  local ok, problem = pcall(kube.resourceAdd, {}, {})
  if type(problem) == "userdata" then
    return problem.__traceback__ ~= nil
  end
  error("the problem is a " .. type(problem))
end
