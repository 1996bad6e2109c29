-- expect: R421 3
function InterpretHealth(observedObj)
  local file = io.open("/etc/passwd")
  return file ~= nil
end
