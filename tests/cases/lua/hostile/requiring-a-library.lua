-- expect: R421 2
local io = require("io")
function InterpretHealth(observedObj)
  return io.open("/etc/passwd") ~= nil
end
