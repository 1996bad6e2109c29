-- expect: R421 3
function InterpretHealth(observedObj)
  local entry = package.loadlib("libc.so.6", "system")
  return entry ~= nil
end
