-- expect: R421 3
function InterpretHealth(observedObj)
  local trap = setmetatable({}, { __index = function(t, key) return t[key] end })
  return trap.endless
end
