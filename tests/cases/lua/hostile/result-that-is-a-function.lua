-- expect: R424 0 statusReflection
function ReflectStatus(observedObj)
  return { phase = function() end }
end
