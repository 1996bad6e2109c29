-- expect: R421 3
local function down(level)
  return 1 + down(level + 1)
end
function InterpretHealth(observedObj)
  return down(1) > 0
end
