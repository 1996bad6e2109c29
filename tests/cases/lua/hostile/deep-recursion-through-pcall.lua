-- expect: R421 8
local function down(level)
  local ok, below = pcall(down, level + 1)
  return ok and below or level
end
function InterpretHealth(observedObj)
  local level = down(1)
  error("came back from level " .. (level > 0 and "many" or "none"))
end
