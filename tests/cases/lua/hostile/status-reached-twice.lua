-- expect: R424 0-6 statusReflection
function ReflectStatus(observedObj)
  local shared = { a = 1 }
  return { one = shared, two = shared }
end
