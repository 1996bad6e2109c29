-- expect: R422 R423 5
function InterpretHealth(observedObj)
  local text = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
  for _ = 1, 8 do text = text .. text end
  for found in text:gmatch("%b[]") do
    return false
  end
  return true
end
