-- expect: R422 R423 4
function InterpretHealth(observedObj)
  local text = ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
  local found = text:find("a*a*a*a*a*a*a*a*a*a*a*b")
  return found ~= nil
end
