-- expect: R424 0 statusReflection
function ReflectStatus(observedObj)
  local status = {}
  status.itself = status
  return status
end
