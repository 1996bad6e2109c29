-- expect: R421 2 statusReflection
function ReflectStatus(observedObj)
  local inner = {}
  for _ = 1, 10000 do
    inner = { inner = inner }
  end
  return inner
end
