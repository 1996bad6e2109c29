-- expect: R421 6
function InterpretHealth(observedObj)
  local found = {}
  for name in pairs(_G) do found[name] = true end
  if found.host or found.python or found.debug or found.io then return true end
  host.late()
  return true
end
