-- expect: R421 3
function InterpretHealth(observedObj)
  getmetatable("").__index = function() while true do end end
  return true
end
