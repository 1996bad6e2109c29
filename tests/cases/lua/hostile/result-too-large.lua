-- expect: R421 R422 R423 2 statusReflection
function ReflectStatus(observedObj)
  local status, text = { parts = {} }, "0123456789"
  for _ = 1, 16 do
    text = text .. text
  end
  for part = 1, 40 do
    status.parts[part] = text
  end
  return status
end
