-- expect: R422 5
function InterpretHealth(observedObj)
  local far = {}
  far[67108863] = true
  for index, value in pairs(far) do
    return value
  end
end
