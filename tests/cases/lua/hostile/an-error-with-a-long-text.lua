-- expect: R421 6
function InterpretHealth(observedObj)
  local text = "\0\27[31m\u{202e} 0123456789"
  for _ = 1, 14 do text = text .. text end
  if text then
    error(text)
  end
end
