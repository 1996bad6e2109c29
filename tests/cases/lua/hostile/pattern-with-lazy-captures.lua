-- expect: R422 R423 4
function InterpretHealth(observedObj)
  local text = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
  local found = text:match("(.-)(.-)(.-)(.-)(.-)(.-)(.-)(.-)%1%2%3y")
  return found ~= nil
end
