-- expect: R421 3
function InterpretHealth(observedObj)
  local text = ("aaaaaaaa"):gsub(".*.*.*.*b", "%0%0")
  return text ~= nil
end
